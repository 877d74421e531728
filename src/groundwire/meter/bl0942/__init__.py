"""BL0942: one mains voltage, one current, power and energy over a UART, one or more per line.

Both ends of the line: codec, facts. The host: exchange (one request), bus (any number of chips),
reading, counter, energy, monitor (all of these together), discover (wiring), ports (transports).
Constants: gains, calibration. Recordings: batch. The chip: emulator, waves, emulated_line, served.
"""
