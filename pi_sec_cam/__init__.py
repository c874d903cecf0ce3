"""A security camera: watches, keeps what moved, and says honestly what works."""

__version__ = "0.1.0"
