"""A rendered yard that serves as a camera: for the demo, and for tests that know what really moves."""

from pi_sec_cam.camera.scene.camera import SceneCamera
from pi_sec_cam.camera.scene.render import Scene
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.truth import Truth

__all__ = ["Scene", "SceneCamera", "SceneSettings", "Truth"]
