"""What should work instead: the right requests, the right page, and a session mended field by field."""
