"""Backups on disk: files, manifests, journals and how they are compared."""
