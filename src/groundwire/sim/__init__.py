"""A serial line without hardware: an in-memory port on a virtual clock, and its faults."""
