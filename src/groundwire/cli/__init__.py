"""The command line: parses, calls one job, shows what it reports."""
