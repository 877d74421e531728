"""Chip families: their protocols, their host side and their emulators."""
