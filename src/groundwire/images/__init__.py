"""Firmware images and flash dumps: recognised, checked, taken apart and built."""
