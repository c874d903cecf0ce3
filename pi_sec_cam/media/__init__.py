"""Pictures and their containers: what flows from a camera to its readers."""
