"""What OpenBeken keeps in flash: configuration, pin roles, key/value areas and files."""
