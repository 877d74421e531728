"""Energy-metering chips: their protocols, their host side and their emulators."""
