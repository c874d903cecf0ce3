"""One camera, composed from its configuration: source, ring, detection, recording; and the switch of several."""

from pi_sec_cam.node.node import Node
from pi_sec_cam.node.switch import CameraSwitch

__all__ = ["CameraSwitch", "Node"]
