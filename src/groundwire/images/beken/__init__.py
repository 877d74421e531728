"""Beken images: checksum packets, instruction cipher, containers, tables and calibration."""
