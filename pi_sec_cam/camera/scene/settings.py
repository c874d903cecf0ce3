"""What the rendered yard shows: one field for each key of `camera.scene` in the configuration."""

from dataclasses import dataclass
from typing import Literal

Light = Literal["day", "dusk", "night"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """The defaults make a pleasant demo; tests switch off what they do not ask about.

    Attributes:
        light: "night" is an infrared camera's: monochrome, lit by its own lamp, noisy.
        seed: another seed, another story; the same seed always tells the same one, at any size and rate.
        people: someone comes after 5 to 8 s, then again and again with 10 to 30 s of nobody in between.
        cat: strays through the yard during every other visit.
        headlights: a car turns round in the street; by dusk and at night its headlights sweep over the yard.
        parking_car: a car drives in after 16 s and stays.
        leaves: the tree and its shadow sway in gusts.
        rain: streaks of falling drops.
        clouds: shadows of clouds pass slowly; at night nothing shows of them.
        insects: large, bright, blurred and fast, close to the infrared lamp; at night only.
        exposure_steps: the brightness of the whole picture jumps every few seconds, from the sixth on.
    """

    light: Light = "day"
    seed: int = 1
    people: bool = True
    cat: bool = True
    headlights: bool = False
    parking_car: bool = False
    leaves: bool = True
    rain: bool = False
    clouds: bool = True
    insects: bool = False
    exposure_steps: bool = False
