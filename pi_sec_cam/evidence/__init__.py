"""Signed records of what has left: made by the camera, judged by anyone who has its public key (docs/evidence.md)."""
