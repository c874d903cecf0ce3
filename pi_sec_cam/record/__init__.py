"""Events on disk: clips, their folder, the catalogue."""
