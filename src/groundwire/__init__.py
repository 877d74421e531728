"""groundwire: bring cloud-only Wi-Fi modules to proven local operation."""

from groundwire._version import __version__

__all__ = ["__version__"]
