"""The media of a call of the emulator: its peer, the text of its answer, and what it hears."""
