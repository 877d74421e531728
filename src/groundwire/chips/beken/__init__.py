"""Beken BK72xx: two kinds of chip behind one serial protocol."""
