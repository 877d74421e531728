"""The fixtures of `cli_desk` for every test of the command line."""

from cli_desk import desk, groundwire, image

__all__ = ["desk", "groundwire", "image"]
