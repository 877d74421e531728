"""Plans: what a write would erase, program and keep, as values, before anything is done."""
