"""What runs checks: what a check is, what it asks through, in which order, and how what was seen becomes a result."""
