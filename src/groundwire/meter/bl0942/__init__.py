"""BL0942: one mains voltage, one current, power and energy over a UART, one or more per line."""
