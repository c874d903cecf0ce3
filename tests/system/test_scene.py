"""The rendered yard: the same story for the same seed, and a truth that the pictures bear out."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from pi_sec_cam.camera.scene import Scene, SceneSettings, Truth
from pi_sec_cam.camera.scene.story import figures_at

WIDTH, HEIGHT, RATE = 320, 180, 10
# Boxes are measured on a picture of this width; soft shadows at the feet reach a little further.
MARGIN = 0.025
STILL = {"people": False, "cat": False, "leaves": False, "clouds": False}


@lru_cache(maxsize=32)
def scene(**settings: object) -> Scene:
    return Scene(WIDTH, HEIGHT, RATE, SceneSettings(**settings))  # type: ignore[arg-type]


def luma(of: Scene, seconds: float) -> NDArray[np.int16]:
    return of.render(round(seconds * RATE))[:HEIGHT].astype(np.int16)


def inside(truths: tuple[Truth, ...], margin: float = MARGIN) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for truth in truths:
        top, bottom = (truth.top - margin) * HEIGHT, (truth.top + truth.height + margin) * HEIGHT
        left, right = (truth.left - margin) * WIDTH, (truth.left + truth.width + margin) * WIDTH
        mask[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = True
    return mask


def blurred(picture: NDArray[np.int16], size: int) -> NDArray[np.float64]:
    rows, columns = HEIGHT // size, WIDTH // size
    return picture[: rows * size, : columns * size].reshape(rows, size, columns, size).mean(axis=(1, 3))


def test_the_same_seed_gives_the_same_pictures_in_any_order() -> None:
    settings = SceneSettings(light="night", rain=True, insects=True, headlights=True, exposure_steps=True)
    one, other = Scene(WIDTH, HEIGHT, RATE, settings), Scene(WIDTH, HEIGHT, RATE, settings)
    forwards = [one.render(i) for i in (5, 100, 101)]
    backwards = [other.render(i) for i in (101, 100, 5)]
    assert all(np.array_equal(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))
    assert not np.array_equal(forwards[1], forwards[2])


def test_another_seed_tells_another_story() -> None:
    stories = {tuple(scene(seed=seed).truth(i) for i in range(60, 200, 20)) for seed in (1, 2, 3)}
    assert len(stories) == 3


def test_all_sizes_and_rates_show_the_same_story() -> None:
    large = Scene(1280, 720, 30, SceneSettings())
    for second in range(4, 60, 3):
        assert scene().truth(second * RATE) == large.truth(second * 30)


@pytest.mark.parametrize(
    ("width", "height", "light"),
    [(160, 120, "day"), (162, 122, "dusk"), (640, 480, "night"), (240, 426, "day"), (1920, 1080, "day")],
)
def test_any_even_size(width: int, height: int, light: str) -> None:
    settings = SceneSettings(light=light, rain=True, insects=True, parking_car=True, headlights=True)  # type: ignore[arg-type]
    yard = Scene(width, height, 25, settings)
    for index in (0, 250, 500):
        picture = yard.render(index)
        assert picture.shape == (height * 3 // 2, width)
        assert picture.dtype == np.uint8
        assert picture[:height].std() > 10


@pytest.mark.parametrize("size", [(321, 180), (320, 181), (32, 32)])
def test_sizes_that_cannot_be_drawn_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}"):
        Scene(*size, 25, SceneSettings())


@pytest.mark.parametrize("rate", [0.0, -5.0, float("nan")])
def test_rates_that_mean_nothing_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        Scene(320, 180, rate, SceneSettings())


@pytest.mark.parametrize("rate", [1, 12.5, 60])
def test_any_rate_shows_the_first_visitor(rate: float) -> None:
    yard = Scene(WIDTH, HEIGHT, rate, SceneSettings())
    assert any(t.kind == "person" for s in range(5, 13) for t in yard.truth(round(s * rate)))


@pytest.mark.parametrize("seed", range(1, 9))
def test_people_come_early_and_leave_the_yard_empty_in_between(seed: int) -> None:
    yard = scene(seed=seed, cat=False)
    seen_s = [i / 2 for i in range(600) if any(t.kind == "person" for t in yard.truth(i * RATE // 2))]
    assert 4 <= seen_s[0] <= 12
    gaps = [b - a for a, b in pairwise(seen_s) if b - a > 4]
    assert len(gaps) >= 6
    assert min(gaps) >= 10
    assert max(gaps) <= 33


def test_people_come_near_and_pause() -> None:
    truths = [
        t for seed in range(1, 6) for i in range(0, 1800, 5) for t in scene(seed=seed).truth(i) if t.kind == "person"
    ]
    assert max(t.area for t in truths) > 0.02
    assert any(not t.moving for t in truths)
    assert any(t.moving for t in truths)


@pytest.mark.parametrize("light", ["day", "dusk", "night"])
@pytest.mark.parametrize(
    ("switch", "kinds"),
    [("people", {"person", "shadow"}), ("cat", {"cat", "shadow"}), ("parking_car", {"car", "shadow", "light"})],
)
def test_what_differs_from_the_empty_yard_lies_in_the_truths_boxes(light: str, switch: str, kinds: set[str]) -> None:
    empty, busy = scene(light=light, **STILL), scene(light=light, **{**STILL, switch: True})
    changed_somewhere = 0
    for seconds in np.arange(4, 28, 1.5):
        truths = busy.truth(round(seconds * RATE))
        assert {t.kind for t in truths} <= kinds
        # The edge of a beam is soft: what it adds outside its box cannot be seen.
        least = 8 if any(t.kind == "light" for t in truths) else 1
        changed = np.abs(luma(busy, seconds) - luma(empty, seconds)) > least
        assert not (changed & ~inside(truths)).any(), f"at {seconds} s"
        changed_somewhere += bool(changed.any())
        figures = [t for t in truths if t.kind in {"person", "cat", "car"}]
        if len(figures) == 1 and figures[0].area > 0.003:
            # Low contrast hides a part; without it a figure changes just what it covers.
            part = changed & inside((figures[0],), margin=0.004)
            assert part.mean() > 0.5 * figures[0].area
            assert 0.15 < figures[0].area / (figures[0].width * figures[0].height) < 0.95
    assert changed_somewhere >= 5


def test_a_figure_behind_the_fence_is_hidden_in_part() -> None:
    # The car passes behind house, tree and fence: what is left of it is far less than its box.
    passing = [t for i in range(70, 200) for t in scene(headlights=True, **STILL).truth(i) if t.kind == "car"]
    assert passing
    assert any(t.area < 0.75 * t.width * t.height for t in passing)


def test_nobody_is_seen_behind_the_house() -> None:
    hidden = 0
    for seed in range(1, 7):
        settings = SceneSettings(seed=seed, cat=False, leaves=False, clouds=False)
        yard, empty = Scene(WIDTH, HEIGHT, RATE, settings), scene(seed=seed, **STILL)
        for index in range(50, 260, 2):
            lurking = [f for f in figures_at(settings, index / RATE) if f.x < -4 and f.y > 10]
            if lurking and not yard.truth(index):
                assert np.array_equal(yard.render(index), empty.render(index))
                hidden += 1
    assert hidden > 5


def test_walking_is_smooth() -> None:
    yard = Scene(WIDTH, HEIGHT, 25, SceneSettings(cat=False, seed=2))
    heads = []
    for index in range(150, 500):
        # Only who is seen from head to foot; those who come close are quick in the picture.
        people = [t for t in yard.truth(index) if t.kind == "person"]
        whole = [t for t in people if t.left > 0.02 and t.left + t.width < 0.98 and t.top + t.height < 0.9]
        heads.append((whole[0].left + whole[0].width / 2, whole[0].top) if len(whole) == 1 else (np.nan, np.nan))
    steps = np.abs(np.diff(heads, axis=0))
    assert np.isfinite(steps).all(axis=1).sum() > 50
    assert np.nanmax(steps[:, 0]) < 0.03
    assert np.nanmax(steps[:, 1]) < 0.02


def test_without_any_switch_only_noise_changes() -> None:
    for light, most in (("day", 1.2), ("dusk", 2.9), ("night", 4.5)):
        still = scene(light=light, **STILL)
        difference = luma(still, 8) - luma(still, 21)
        # Six deviations of the difference of two noises of this strength.
        assert 0 < np.abs(difference).max() < 6 * 2**0.5 * most
        assert np.abs(blurred(difference, 30)).max() < 0.5 * most


def test_night_is_noisier_than_day() -> None:
    noise = {
        light: (luma(scene(light=light, **STILL), 8) - luma(scene(light=light, **STILL), 9)).std()
        for light in ("day", "night")
    }
    assert noise["night"] > 3 * noise["day"] > 0.5


def test_night_is_monochrome_and_lit_by_its_own_lamp() -> None:
    picture = scene(light="night", insects=True, headlights=True, parking_car=True).render(190)
    assert (picture[HEIGHT:] == 128).all()
    assert scene(light="day").render(190)[HEIGHT:].std() > 3
    near, far = picture[150:170, 120:200].mean(), picture[40:60, 100:140].mean()
    assert near > 2 * far


def test_leaves_sway_and_nothing_else() -> None:
    swaying = scene(**{**STILL, "leaves": True})
    change = np.abs(blurred(luma(swaying, 6) - luma(swaying, 7.3), 4)) > 3
    assert change.sum() >= 3
    rows, columns = np.nonzero(change)
    # The crown, and its shadow on the lawn to the left of it.
    assert rows.max() * 4 < 100
    assert columns.min() * 4 > 85
    assert columns.max() * 4 < 230


@pytest.mark.parametrize(("light", "least"), [("day", 0.1), ("dusk", 0.02), ("night", 0.0)])
def test_clouds_darken_large_soft_patches_slowly(light: str, least: float) -> None:
    cloudy, clear = scene(light=light, **{**STILL, "clouds": True}), scene(light=light, **STILL)
    times = np.arange(0, 60, 1.0)
    shares = np.array([blurred(luma(cloudy, t) - 16, 20) / blurred(luma(clear, t) - 16, 20) for t in times])
    lawn = shares[:, 5:, :]
    if not least:
        assert np.abs(lawn - 1).max() < 0.05
        return
    assert lawn.min() < 1 - least
    assert lawn.max() < 1.05
    assert np.abs(np.diff(lawn, axis=0)).max() < 0.15, "a second brings little"
    assert np.abs(np.diff(lawn, axis=2)).max() < 0.15, "an edge is wider than a sixteenth of the picture"


def test_exposure_steps_are_sudden_and_everywhere() -> None:
    stepping, steady = scene(exposure_steps=True, **STILL), scene(**STILL)
    gains = [((luma(stepping, t) - 16).sum() / (luma(steady, t) - 16).sum()) for t in np.arange(0, 40, 0.5)]
    jumps = np.flatnonzero(np.abs(np.diff(gains)) > 0.08)
    assert gains[:12] == pytest.approx([1] * 12, abs=0.01)
    assert 3 <= len(jumps) <= 5
    between = np.delete(np.abs(np.diff(gains)), jumps)
    assert between.max() < 0.01
    after = (jumps[0] + 1.5) * 0.5
    change = blurred(luma(stepping, after) - 16, 20) / blurred(luma(steady, after) - 16, 20)
    assert change.std() < 0.03


def test_rain_brightens_other_streaks_in_each_picture() -> None:
    wet, dry = scene(rain=True, **STILL), scene(**STILL)
    streaks = [luma(wet, t) - luma(dry, t) for t in (3.0, 3.1)]
    for streak in streaks:
        assert streak.min() >= -1
        assert streak.max() > 10
        assert 0.005 < (streak > 3).mean() < 0.25
    assert np.corrcoef(streaks[0].ravel(), streaks[1].ravel())[0, 1] < 0.3


def test_insects_fly_at_the_infrared_lamp_only() -> None:
    night, none = scene(light="night", insects=True, **STILL), scene(light="night", **STILL)
    bright = 0
    for index in range(0, 100):
        truths = night.truth(index)
        assert {t.kind for t in truths} <= {"insect"}
        if not truths:
            continue
        change = luma(night, index / RATE) - luma(none, index / RATE)
        assert change.min() >= -1
        assert not ((change > 1) & ~inside(truths)).any()
        bright += bool(change.max() > 50)
    assert bright >= 10
    day = scene(insects=True, **STILL)
    assert np.array_equal(day.render(30), scene(**STILL).render(30))
    assert day.truth(30) == ()


@pytest.mark.parametrize("light", ["dusk", "night"])
def test_headlights_sweep_over_the_yard(light: str) -> None:
    sweeping, dark = scene(light=light, headlights=True, **STILL), scene(light=light, **STILL)
    lit = []
    for index in range(70, 200, 3):
        truths = sweeping.truth(index)
        change = luma(sweeping, index / RATE) - luma(dark, index / RATE)
        assert not ((np.abs(change) > 6) & ~inside(truths)).any()
        fence = change[68:82, 85:125], change[68:82, 155:195]
        assert all(abs(np.median(part)) <= 6 for part in fence), "the lamps are behind the planks"
        lawn = change[110:, :] > 15
        if lawn.mean() > 0.01:
            lit.append(float(np.nonzero(lawn)[1].mean()))
    assert len(lit) >= 3
    assert max(lit) - min(lit) > WIDTH / 5, "the light must move over the yard"


def test_headlights_are_nothing_by_day_but_a_car_in_the_street() -> None:
    kinds = {t.kind for i in range(70, 200) for t in scene(headlights=True, **STILL).truth(i)}
    assert kinds == {"car", "shadow"}


@pytest.mark.parametrize("light", ["day", "night"])
def test_the_parking_car_ends_as_background(light: str) -> None:
    yard = scene(light=light, parking_car=True, **STILL)
    assert yard.truth(150) == ()
    (driving,) = [t for t in yard.truth(200) if t.kind == "car"]
    assert driving.moving
    (parked,) = [t for t in yard.truth(400) if t.kind == "car"]
    assert not parked.moving
    assert parked.area > 0.02
    assert yard.truth(4000) == yard.truth(400)
    assert np.abs(blurred(luma(yard, 40) - luma(yard, 400), 30)).max() < 2
    assert np.abs(blurred(luma(yard, 40) - luma(scene(light=light, **STILL), 40), 30)).max() > 10
