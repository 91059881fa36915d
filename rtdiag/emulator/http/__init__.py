"""How the emulator is reached: over HTTP and over WebSocket, at bounded ports, with proper ends."""
