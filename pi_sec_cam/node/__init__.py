"""One camera, composed from its configuration: source, ring, detection, recording."""

from pi_sec_cam.node.node import Node

__all__ = ["Node"]
