"""The wire: each module does, records, and judges nothing. Masking happens where something is recorded."""
