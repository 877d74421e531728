"""Checksums and framing that no single chip owns."""
