"""What a Tuya module keeps about itself: its settings store and what the settings mean."""
