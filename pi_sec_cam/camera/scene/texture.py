"""Random textures without seams: what brick, lawn, leaves, clouds and gusts are made from."""

import cv2
import numpy as np

from pi_sec_cam.camera.scene.arrays import Floats, Values


def tile(seed: int, size: int = 256, slope: float = 1.0) -> Floats:
    """A periodic random texture, shape (size, size), mean 0, deviation 1.

    Args:
        slope: amplitude falls with frequency to this power: 0 is white noise, 1 looks like ground, 2 like clouds.
    """
    white = np.fft.rfft2(np.random.default_rng(seed).standard_normal((size, size)))
    fy = np.fft.fftfreq(size)[:, np.newaxis] * size
    fx = np.fft.rfftfreq(size)[np.newaxis, :] * size
    spectrum = white / np.maximum(np.hypot(fx, fy), 1.0) ** slope
    spectrum[0, 0] = 0
    texture = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(texture / texture.std(), np.float32)


def sample(texture: Floats, u: Values, v: Values) -> Floats:
    """The texture at (u, v), in units of its period, interpolated; u and v have the result's shape."""
    size = texture.shape[0]
    # remap keeps coordinates in 16 bits, so the period is taken off here.
    map_u = np.asarray(fraction(u) * size, np.float32)
    map_v = np.asarray(fraction(v) * size, np.float32)
    return np.asarray(cv2.remap(texture, map_u, map_v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def smoothstep(low: float, high: float, x: Values) -> Floats:
    """0 below `low`, 1 above `high`, a smooth S between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def fraction(x: Values) -> Floats:
    """What is left above the whole number below; far quicker than a modulo."""
    return np.asarray(x - np.floor(x), np.float32)
