"""A rendered yard that serves as a camera: for the demo, and for tests that know what really moves."""
