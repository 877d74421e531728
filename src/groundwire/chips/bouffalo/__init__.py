"""Bouffalo Lab BL602/BL604 over the serial line; what is known of it is in PROTOCOL.md."""
