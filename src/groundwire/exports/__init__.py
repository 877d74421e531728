"""What can be written from settings: templates, ESPHome files, drawings, redacted dumps."""
