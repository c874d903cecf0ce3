"""People: a body in metres whose legs and arms swing as it walks."""

import math
from dataclasses import dataclass

import numpy as np

from pi_sec_cam.camera.scene.colour import Paint, paint
from pi_sec_cam.camera.scene.figure import Figure, Solid, Sphere
from pi_sec_cam.camera.scene.lens import depth_of

# Shares of body height (Drillis and Contini's segment lengths, rounded).
_THIGH, _SHIN, _SOLE = 0.245, 0.246, 0.045
_TRUNK, _UPPER_ARM, _FOREARM = 0.29, 0.175, 0.17
_STRIDE = 0.80  # one full cycle, two steps

_JACKETS = (0x6B7550, 0x93423A, 0x2C3E63, 0x8A8A86, 0xD9D4C8, 0x3B3B3D, 0x7A6048, 0xA98A3A)
_TROUSERS = (0x3A4658, 0x2E2D2C, 0x7D7460, 0x55585C, 0x8C8270)
_SKINS = (0xE0B08E, 0xC68A62, 0x8D5A3B, 0x5C3A28)
_HAIRS = (0x2A211C, 0x5A4030, 0xA98B5D, 0x8D8D8D)
_SHOE = paint(0x2B2624, 0.2)


@dataclass(frozen=True, slots=True)
class Looks:
    """What does not change while someone is about."""

    height_m: float
    girth: float
    jacket: Paint
    trousers: Paint
    skin: Paint
    hair: Paint
    backpack: Paint | None


def looks(rng: np.random.Generator) -> Looks:
    """Somebody; every eighth wears the lawn's own olive, as happens."""
    return Looks(
        height_m=float(rng.uniform(1.58, 1.90)),
        girth=float(rng.uniform(0.92, 1.18)),
        jacket=paint(int(rng.choice(_JACKETS)), float(rng.uniform(0.25, 0.65))),
        trousers=paint(int(rng.choice(_TROUSERS)), float(rng.uniform(0.2, 0.5))),
        skin=paint(int(rng.choice(_SKINS)), 0.6),
        hair=paint(int(rng.choice(_HAIRS)), 0.3),
        backpack=paint(0x4A4F45, 0.35) if rng.random() < 0.3 else None,
    )


def person(who: Looks, x: float, y: float, heading: float, walked_m: float, pace: float, t: float) -> Figure:
    """Someone at a moment.

    Args:
        x, y: where, metres.
        heading: direction of walking, radians from the x axis to the y axis.
        walked_m: way so far; it drives the legs.
        pace: 0 standing, 1 walking.
        t: seconds, for the swaying of someone who stands.
    """
    tall, wide = who.height_m, who.girth
    ahead = np.array((math.cos(heading), math.sin(heading), 0.0))
    left = np.array((-math.sin(heading), math.cos(heading), 0.0))
    up = np.array((0.0, 0.0, 1.0))
    sway = (1 - pace) * (0.018 * math.sin(1.7 * t + tall * 50) * left + 0.012 * math.sin(1.1 * t) * ahead)
    phase = 2 * math.pi * walked_m / (_STRIDE * tall)

    def swing(length: float, angle: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return length * tall * (math.sin(angle) * ahead - math.cos(angle) * up)

    legs = []
    for turn in (0.0, math.pi):
        thigh = pace * 0.38 * math.sin(phase + turn) + 0.03
        knee = pace * (0.12 + 0.8 * max(0.0, math.cos(phase + turn))) + 0.04
        legs.append((swing(_THIGH, thigh), swing(_SHIN, thigh - knee), thigh - knee))
    stand_m = max(-(upper + lower)[2] for upper, lower, _ in legs) + _SOLE * tall
    pelvis = np.array((x, y, stand_m)) + sway * 0.5
    lean = (0.07 * pace + 0.02) * ahead
    chest = pelvis + (up + lean) * _TRUNK * tall + sway
    head = chest + up * 0.115 * tall + (0.03 * pace + 0.015) * ahead

    def ball(at: np.ndarray[tuple[int], np.dtype[np.float64]], radius: float) -> Sphere:
        return float(at[0]), float(at[1]), float(at[2]), radius * tall

    sides: dict[int, tuple[list[Solid], list[Solid], float]] = {}
    for side, turn in ((1, 0.0), (-1, math.pi)):
        hip = pelvis + side * 0.048 * tall * wide * left
        upper, lower, angle = legs[0 if side == 1 else 1]
        knee_at, ankle = hip + upper, hip + upper + lower
        pitch = min(0.5, max(-0.5, -angle))
        toe = ankle + (0.115 * tall) * (math.cos(pitch) * ahead - math.sin(pitch) * 0.4 * up) - 0.018 * tall * up
        shoulder = chest + side * 0.098 * tall * wide * left
        arm = -pace * 0.5 * math.sin(phase + turn) + 0.04
        out = side * 0.03 * tall * left
        elbow = shoulder + swing(_UPPER_ARM, arm) + out
        wrist = elbow + swing(_FOREARM, arm + 0.22 + 0.25 * pace)
        hand = wrist + swing(0.035, arm + 0.3)
        leg = [
            Solid((ball(ankle - 0.012 * tall * up, 0.027), ball(toe, 0.02)), _SHOE),
            Solid((ball(knee_at, 0.035 * wide), ball(ankle, 0.026 * wide)), who.trousers),
            Solid((ball(hip, 0.05 * wide), ball(knee_at, 0.037 * wide)), who.trousers),
        ]
        limb = [
            Solid((ball(hand, 0.022),), who.skin),
            Solid((ball(elbow, 0.028 * wide), ball(wrist, 0.022 * wide)), who.jacket, 0.94),
            Solid((ball(shoulder, 0.034 * wide), ball(elbow, 0.029 * wide)), who.jacket, 0.94),
        ]
        sides[side] = (leg, limb, depth_of(*shoulder))
    near, far = (1, -1) if sides[1][2] < sides[-1][2] else (-1, 1)
    shoulders = [ball(chest + side * 0.075 * tall * wide * left, 0.04 * wide) for side in (1, -1)]
    hips = [ball(pelvis + side * 0.035 * tall * wide * left - 0.005 * tall * up, 0.056 * wide) for side in (1, -1)]
    torso = Solid((*shoulders, *hips), who.jacket)
    pack = []
    if who.backpack is not None:
        back = chest - 0.085 * tall * ahead
        pack = [Solid((ball(back - 0.03 * tall * up, 0.06), ball(back - 0.2 * tall * up, 0.07)), who.backpack)]
    from_behind = ahead[1] > 0  # the camera looks along y
    front = Solid((ball(head + 0.012 * tall * ahead - 0.012 * tall * up, 0.056),), who.skin)
    hair = Solid((ball(head + 0.012 * tall * up - 0.012 * tall * ahead, 0.06),), who.hair)
    neck = Solid((ball(head, 0.03), ball(chest, 0.034)), who.skin, 0.85)
    skull = [front, hair] if from_behind else [hair, front, Solid((ball(head + 0.045 * tall * up, 0.038),), who.hair)]
    middle = [torso, *pack] if from_behind else [*pack, torso]
    far_parts = [*[_darker(s) for s in sides[far][1]], *[_darker(s) for s in sides[far][0]]]
    solids = [*far_parts, *sides[near][0], neck, *middle, *skull, *sides[near][1]]
    return Figure("person", solids, x, y, depth_of(x, y), pace > 0.05)


def _darker(part: Solid) -> Solid:
    return Solid(part.spheres, part.paint, part.tone * 0.8)
