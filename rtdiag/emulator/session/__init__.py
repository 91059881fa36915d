"""What goes on inside a session of the emulator: a state machine without a network."""
