"""People: a body in metres whose legs and arms swing as it walks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.scene.colour import Paint, paint
from pi_sec_cam.camera.scene.figure import Figure, Solid, Sphere
from pi_sec_cam.camera.scene.lens import depth_of

Vector = NDArray[np.float64]

_SIDES = (1, -1)
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
    body = _Body(who, heading, 2 * math.pi * walked_m / (_STRIDE * who.height_m), pace)
    sway = body.at(
        (1 - pace) * 0.012 * math.sin(1.1 * t), (1 - pace) * 0.018 * math.sin(1.7 * t + who.height_m * 50), 0.0
    )
    # The longer leg carries: the pelvis rises and falls with the steps.
    stand_m = max(-(thigh + shin)[2] for thigh, shin, _ in map(body.leg, _SIDES)) + _SOLE * who.height_m
    pelvis = np.array((x, y, stand_m)) + sway / 2
    chest = pelvis + sway + body.at((0.07 * pace + 0.02) * _TRUNK * who.height_m, 0.0, _TRUNK * who.height_m)
    head = chest + body.at(0.03 * pace + 0.015, 0.0, 0.115 * who.height_m)
    left, right = (depth_of(*(chest + body.at(0.0, side * 0.1, 0.0))) for side in _SIDES)
    near, far = (1, -1) if left < right else (-1, 1)
    hidden = [*body.arm_solids(far, chest), *body.leg_solids(far, pelvis)]
    solids = [
        *(Solid(part.spheres, part.paint, part.tone * 0.8) for part in hidden),
        *body.leg_solids(near, pelvis),
        *body.trunk_solids(pelvis, chest, head),
        *body.arm_solids(near, chest),
    ]
    return Figure("person", solids, x, y, depth_of(x, y), pace > 0.05)


class _Body:
    """Measures and joints of one body; vectors are in metres, shape (3,)."""

    def __init__(self, who: Looks, heading: float, phase: float, pace: float) -> None:
        self._who, self._phase, self._pace = who, phase, pace
        self._cos, self._sin = math.cos(heading), math.sin(heading)

    def at(self, ahead: float, left: float, up: float) -> Vector:
        """A step (metres) in the body's own directions."""
        return np.array((ahead * self._cos - left * self._sin, ahead * self._sin + left * self._cos, up))

    def leg(self, side: int) -> tuple[Vector, Vector, float]:
        """Thigh and shin from the joint above them, and the shin's angle. 1 is the left side, -1 the right."""
        phase = self._phase if side == 1 else self._phase + math.pi
        thigh = self._pace * 0.38 * math.sin(phase) + 0.03
        shin = thigh - self._pace * (0.12 + 0.8 * max(0.0, math.cos(phase))) - 0.04
        return self._hang(_THIGH, thigh), self._hang(_SHIN, shin), shin

    def leg_solids(self, side: int, pelvis: Vector) -> list[Solid]:
        """Shoe, shin and thigh of a side."""
        tall, wide = self._who.height_m, self._who.girth
        thigh, shin, angle = self.leg(side)
        hip = pelvis + self.at(0.0, side * 0.048 * tall * wide, 0.0)
        knee, ankle = hip + thigh, hip + thigh + shin
        pitch = min(0.5, max(-0.5, -angle))
        toe = ankle + self.at(0.115 * tall * math.cos(pitch), 0.0, -0.046 * tall * math.sin(pitch) - 0.018 * tall)
        heel = ankle - self.at(0.0, 0.0, 0.012 * tall)
        return [
            Solid((self._ball(heel, 0.027), self._ball(toe, 0.02)), _SHOE),
            Solid((self._ball(knee, 0.035 * wide), self._ball(ankle, 0.026 * wide)), self._who.trousers),
            Solid((self._ball(hip, 0.05 * wide), self._ball(knee, 0.037 * wide)), self._who.trousers),
        ]

    def arm_solids(self, side: int, chest: Vector) -> list[Solid]:
        """Hand, forearm and upper arm of a side; they swing against the legs."""
        tall, wide = self._who.height_m, self._who.girth
        phase = self._phase if side == 1 else self._phase + math.pi
        angle = -self._pace * 0.5 * math.sin(phase) + 0.04
        shoulder = chest + self.at(0.0, side * 0.098 * tall * wide, 0.0)
        elbow = shoulder + self._hang(_UPPER_ARM, angle) + self.at(0.0, side * 0.03 * tall, 0.0)
        wrist = elbow + self._hang(_FOREARM, angle + 0.22 + 0.25 * self._pace)
        hand = wrist + self._hang(0.035, angle + 0.3)
        return [
            Solid((self._ball(hand, 0.022),), self._who.skin),
            Solid((self._ball(elbow, 0.028 * wide), self._ball(wrist, 0.022 * wide)), self._who.jacket, 0.94),
            Solid((self._ball(shoulder, 0.034 * wide), self._ball(elbow, 0.029 * wide)), self._who.jacket, 0.94),
        ]

    def trunk_solids(self, pelvis: Vector, chest: Vector, head: Vector) -> list[Solid]:
        """Neck, torso, backpack, face and hair, in an order that depends on the side they are seen from."""
        who, tall, wide = self._who, self._who.height_m, self._who.girth
        shoulders = [self._ball(chest + self.at(0.0, s * 0.075 * tall * wide, 0.0), 0.04 * wide) for s in _SIDES]
        hips = [self._ball(pelvis + self.at(0.0, s * 0.035 * tall * wide, -0.005 * tall), 0.056 * wide) for s in _SIDES]
        neck = Solid((self._ball(head, 0.03), self._ball(chest, 0.034)), who.skin, 0.85)
        torso = [Solid((*shoulders, *hips), who.jacket)]
        if who.backpack is not None:
            upper, lower = (chest + self.at(-0.085 * tall, 0.0, -z * tall) for z in (0.03, 0.2))
            torso.append(Solid((self._ball(upper, 0.06), self._ball(lower, 0.07)), who.backpack))
        face = Solid((self._ball(head + self.at(0.012 * tall, 0.0, -0.012 * tall), 0.056),), who.skin)
        hair = Solid((self._ball(head + self.at(-0.012 * tall, 0.0, 0.012 * tall), 0.06),), who.hair)
        if self._sin > 0:  # going away: the camera looks along y
            return [neck, *torso, face, hair]
        fringe = Solid((self._ball(head + self.at(0.0, 0.0, 0.045 * tall), 0.038),), who.hair)
        return [neck, *reversed(torso), hair, face, fringe]

    def _hang(self, share: float, angle: float) -> Vector:
        """From a joint to the next: a limb of some share of the height, swung forwards."""
        length = share * self._who.height_m
        return self.at(length * math.sin(angle), 0.0, -length * math.cos(angle))

    def _ball(self, at: Vector, share: float) -> Sphere:
        return float(at[0]), float(at[1]), float(at[2]), share * self._who.height_m
