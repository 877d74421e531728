"""The version, read by the build and by `groundwire --version`."""

__version__ = "0.1.0"
