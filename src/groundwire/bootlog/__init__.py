"""Boot logs: bytes to timed lines, lines to facts, facts to a diagnosis. Pure, without I/O."""
