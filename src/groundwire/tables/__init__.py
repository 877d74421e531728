"""Facts as data: TOML tables with a source for every row, and their strict loaders."""
