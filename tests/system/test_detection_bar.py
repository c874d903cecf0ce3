"""What detection must reach on the rendered yard: people are found within a second, weather and light alone are not."""

from dataclasses import dataclass

import pytest

from pi_sec_cam.camera.scene import Scene, SceneSettings
from pi_sec_cam.camera.scene.truth import Truth
from pi_sec_cam.motion.detector import Detector
from pi_sec_cam.motion.event import Area, EventMachine, EventStarted

FPS = 5
MIN_TRIGGER_AREA = 0.005
LIGHTS = ["day", "dusk", "night"]
WEATHER = ["leaves", "rain", "clouds", "exposure_steps"]


@dataclass(frozen=True)
class Look:
    """What was seen in one picture, and what was there."""

    seconds: float
    areas: tuple[Area, ...]
    truth: tuple[Truth, ...]


def watch(settings: SceneSettings, seconds: int) -> tuple[list[Look], list[EventStarted]]:
    scene = Scene(640, 360, FPS, settings)
    detector = Detector(min_trigger_area=MIN_TRIGGER_AREA, min_pixel_delta_trigger=50)
    machine = EventMachine(rec_sec_before=2, rec_sec_after=2, max_event_time=60)
    looks, starts = [], []
    for index in range(seconds * FPS):
        pts_us = index * 1_000_000 // FPS
        motion = detector.look(scene.render(index)[:360], pts_us)
        changes = machine.frame(pts_us, motion.areas, motion.since_pts_us)
        starts += [change for change in changes if isinstance(change, EventStarted)]
        looks.append(Look(index / FPS, motion.areas, tuple(scene.truth(index))))
    return looks, starts


def only(light: str, seed: int, *names: str) -> SceneSettings:
    switches = {name: name in names for name in ("people", "cat", *WEATHER)}
    return SceneSettings(light=light, seed=seed, **switches)  # type: ignore[arg-type]


def touch(area: Area, truth: Truth) -> bool:
    return (
        area.left < truth.left + truth.width
        and truth.left < area.left + area.width
        and area.top < truth.top + truth.height
        and truth.top < area.top + area.height
    )


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everybody_who_is_large_enough_is_found_within_a_second(light: str, seed: int) -> None:
    looks, starts = watch(only(light, seed, "people", "leaves"), 90)
    assert starts
    visits = 0
    since: float | None = None
    seen = False
    for look in looks:
        large = [t for t in look.truth if t.kind == "person" and t.moving and t.area > 2 * MIN_TRIGGER_AREA]
        if not large:
            since, seen = None, False
            continue
        visits += since is None
        since = look.seconds if since is None else since
        seen = seen or any(touch(area, person) for area in look.areas for person in large)
        assert seen or look.seconds - since <= 1.0, f"nobody seen at {look.seconds} s, {large}"
    assert visits


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("weather", WEATHER)
@pytest.mark.parametrize("seed", [11, 12])
def test_weather_and_light_alone_are_no_event(light: str, weather: str, seed: int) -> None:
    _, starts = watch(only(light, seed, weather), 90)
    assert starts == []
