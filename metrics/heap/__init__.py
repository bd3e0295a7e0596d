"""What is on the heap: containers that are watched, and counts of all live objects by type."""
