"""What was found, for people (text, a page) and for scripts (JSON)."""
