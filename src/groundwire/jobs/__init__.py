"""Jobs: one use case a file; what the command line and a page both call."""
