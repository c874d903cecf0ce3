"""The detector on synthetic luma planes: what is found, what is not, and what the settings mean."""

from functools import cache

import numpy as np
import pytest

from pi_sec_cam.motion.background import ABSORB_SEC
from pi_sec_cam.motion.detector import Detector, Motion

WIDTH, HEIGHT, FPS = 320, 180, 5


def yard(width=WIDTH, height=HEIGHT, low=60, high=200, seed=1):
    """A still picture with texture of all sizes, brightness from `low` to `high`."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width))
    for cell in (40, 20, 8, 3):
        coarse = rng.random((height // cell + 2, width // cell + 2))
        picture += np.kron(coarse, np.ones((cell, cell)))[:height, :width]
    picture -= picture.min()
    return low + picture / picture.max() * (high - low)


def with_box(picture, left, top, width, height, level):
    """A flat thing in front; may stand out of the picture."""
    changed = picture.copy()
    changed[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)] = level
    return changed


def shown(picture, sigma=2.0, seed=0):
    """As a camera shows it."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape) if sigma else 0
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def walk(level, *, seconds=4.0, fps=FPS, speed=40.0, size=(20, 60), start=4.0, picture=None, sigma=2.0):
    """Pictures: `start` seconds of nothing, then somebody comes in from the left, `speed` pixels a second."""
    picture = yard() if picture is None else picture
    for k in range(round((start + seconds) * fps)):
        left = round((k / fps - start) * speed) - size[0]
        frame = with_box(picture, left, 80, *size, level) if k / fps >= start else picture
        yield shown(frame, sigma, k)


def look_at(detector, pictures, fps=FPS, start_us=7_000_000):
    """All that was found, in order, with media times from `start_us` on."""
    return [detector.look(luma, start_us + round(k * 1e6 / fps)) for k, luma in enumerate(pictures)]


def moving(found):
    """Numbers of the looks that saw a movement."""
    return [k for k, motion in enumerate(found) if motion.since_pts_us is not None]


class TestSomebodyComes:
    @pytest.mark.parametrize("level", [10, 240])
    def test_is_found_within_a_second(self, level):
        found = look_at(Detector(), walk(level))
        assert 20 <= moving(found)[0] <= 25

    def test_since_is_the_first_look_that_saw_anything_of_it(self):
        found = look_at(Detector(), walk(10))
        seen = next(k for k, motion in enumerate(found) if motion.areas)
        assert found[25].since_pts_us == 7_000_000 + seen * 200_000
        assert seen >= 20

    def test_the_area_is_where_it_is(self):
        motion = look_at(Detector(), walk(10, seconds=3))[-1]
        (area,) = motion.areas
        # after 2.8 s its right edge is at pixel 112 of 320; it is 20 by 60 pixels, from row 80 of 180 on
        assert area.left == pytest.approx(92 / WIDTH, abs=0.03)
        assert area.left + area.width == pytest.approx(112 / WIDTH, abs=0.03)
        assert area.top == pytest.approx(80 / HEIGHT, abs=0.03)
        assert area.height == pytest.approx(60 / HEIGHT, abs=0.06)
        assert motion.changed == pytest.approx(20 * 60 / (WIDTH * HEIGHT), rel=0.5)

    @pytest.mark.parametrize("fps", [1, 2.5, 10, 25])
    def test_at_any_rate(self, fps):
        found = look_at(Detector(), walk(10, fps=fps, seconds=6), fps)
        quiet = round(4 * fps)
        assert not moving(found[:quiet])
        assert moving(found)[0] <= quiet + max(fps, 3)

    def test_a_dull_picture_asks_for_less(self):
        dull = yard(low=60, high=76)  # nothing in it differs by 20 levels, which full contrast asks for
        assert moving(look_at(Detector(), walk(58, picture=dull, sigma=0.5)))

    def test_from_the_start_on(self):
        found = look_at(Detector(), walk(10, start=0.0))
        assert moving(found)[0] <= 5

    def test_somebody_who_fills_the_picture_bit_by_bit_is_no_light(self):
        found = look_at(Detector(), walk(15, size=(250, 180), speed=100))
        assert moving(found)
        assert not any(motion.light_change for motion in found[:25])

    def test_only_what_moves_is_shown_while_something_does(self):
        pictures = list(walk(10, seconds=6))
        for k in range(30, 50):  # a second after somebody has come, something is put down beside him
            pictures[k] = pictures[k].copy()
            pictures[k][20:60, 240:280] = 250
        shown_at = [len(motion.areas) for motion in look_at(Detector(), pictures)]
        assert shown_at[25] == 1
        assert shown_at[-1] == 1


class TestNobodyComes:
    @pytest.mark.parametrize("sigma", [0, 3, 10, 30])
    def test_noise(self, sigma):
        picture = yard()
        found = look_at(Detector(), (shown(picture, sigma, k) for k in range(150)))
        assert not moving(found)

    @pytest.mark.parametrize("level", [0, 255])
    def test_nothing_to_see(self, level):
        flat = np.full((HEIGHT, WIDTH), level, np.uint8)
        assert look_at(Detector(), [flat] * 50) == [Motion()] * 50

    @pytest.mark.parametrize("gain", [0.7, 1.3])
    def test_a_step_of_exposure_is_one_change_of_light(self, gain):
        picture = yard()
        found = look_at(Detector(), (shown(picture * (gain if k >= 25 else 1), 2, k) for k in range(60)))
        assert not moving(found)
        assert [k for k, motion in enumerate(found) if motion.light_change] == [25]

    def test_the_infrared_filter_switches(self):
        day, night = yard(seed=1), yard(seed=2)
        found = look_at(Detector(), (shown(night if k >= 25 else day, 2, k) for k in range(60)))
        assert not moving(found)
        assert [k for k, motion in enumerate(found) if motion.light_change] == [25]

    def test_dusk_falls(self):
        picture = yard()
        found = look_at(Detector(), (shown(picture * (1 - k / 600), 2, k) for k in range(300)))
        assert not moving(found)

    def test_a_lamp_lights_a_part(self):
        picture = yard()
        down, across = np.mgrid[:HEIGHT, :WIDTH]
        lamp = 1 + 0.8 * np.exp(-((across - 100) ** 2 + (down - 100) ** 2) / (2 * 45**2))
        found = look_at(Detector(), (shown(picture * (lamp if k // 15 % 2 else 1), 2, k) for k in range(100)))
        assert not moving(found)

    @pytest.mark.parametrize("burnt_out", [(slice(0, 60), slice(None)), (slice(60, 100), slice(100, 140))])
    def test_a_step_of_exposure_with_a_burnt_out_sky_or_window(self, burnt_out):
        picture = yard()
        picture[burnt_out] = 300  # of 255: it does not darken as the rest does
        found = look_at(Detector(), (shown(picture * (0.7 if k // 20 % 2 else 1), 2, k) for k in range(100)))
        assert not moving(found)
        assert [k for k, motion in enumerate(found) if motion.light_change] == [20, 40, 60, 80]
        assert not any(motion.areas for motion in found)

    @pytest.mark.parametrize("width", [40, 150])
    def test_shadows_of_clouds_pass(self, width):
        picture, across = yard(), np.arange(WIDTH)
        found = []
        detector = Detector()
        for k in range(150):
            edge = (across - (k * 6 - 200)) / 12  # soft, as wide as 24 pixels or so
            shade = 1 - 0.35 * (1 / (1 + np.exp(-edge)) - 1 / (1 + np.exp(-(edge - width / 12))))
            found.append(detector.look(shown(picture * shade, 2, k), k * 200_000))
        assert not moving(found)

    def test_somebody_comes_while_the_light_changes(self):
        pictures = list(walk(10))
        pictures[22:] = [np.clip(p * 0.75, 0, 255).astype(np.uint8) for p in pictures[22:]]
        assert moving(look_at(Detector(), pictures))[0] <= 26

    def test_somebody_comes_under_a_cloud(self):
        picture, across, found = yard(), np.arange(WIDTH), []
        detector = Detector()
        for k in range(90):
            shade = 1 - 0.3 / (1 + np.exp(-((k - 20) * 8 - across) / 30))  # its edge comes from the left at 4 s
            frame = with_box(picture, (k - 25) * 6 - 20, 80, 20, 60, 110) if k >= 25 else picture
            found.append(detector.look(shown(frame * shade, 2, k), k * 200_000))
        assert 25 <= moving(found)[0] <= 30
        assert len(moving(found)) > 42  # he is in the picture in 57 of the looks

    def test_somebody_who_stands_does_not_move_because_the_light_changes(self):
        picture, found = yard(), []
        detector = Detector()
        for k in range(70):
            frame = with_box(picture, round(8 * min(k, 20)) - 20, 80, 20, 60, 10)
            gain = 1 if k < 35 else 1.35
            found.append(detector.look(shown(frame * gain, 2, k), k * 200_000))
        assert found[36].areas != ()
        assert not [k for k in moving(found) if k >= 30]

    def test_what_flutters_in_its_place_is_learned(self):
        picture, rng = yard(), np.random.default_rng(3)
        pictures = []
        for k in range(600):
            bent = picture.copy()
            for leaf in range(12):  # a bush of 60 by 60 pixels whose twigs go to and fro, each at its own pace
                shift = round(4 * np.sin(k / FPS * (2 + 0.3 * leaf) + leaf))
                rows = slice(90 + 5 * leaf, 95 + 5 * leaf)
                bent[rows, 200:260] = np.roll(picture[rows, 200:260], shift, axis=1)
            pictures.append(shown(bent, 2, int(rng.integers(1 << 30))))
        found = look_at(Detector(), pictures)
        assert not moving(found[300:])


@cache
def pausing(until, fps=FPS):
    """What is found when somebody comes, stands still from 4 s on, and goes."""
    picture, pictures = yard(), []
    for k in range((until + 6) * fps):
        seconds = k / fps
        left = round(40 * (min(seconds, 4) + max(0, seconds - until)))
        pictures.append(shown(with_box(picture, left - 20, 80, 20, 60, 10), 2, k))
    return look_at(Detector(), pictures, fps, start_us=0)


class TestStandingStill:
    def test_is_no_movement_for_longer_than_a_pause(self):
        assert [k for k in moving(pausing(30)) if 6 * FPS <= k < 30 * FPS] == []

    @pytest.mark.parametrize("fps", [1, 5, 12])
    def test_belongs_to_the_base_after_the_stated_time(self, fps):
        assert pausing(30, fps)[round((4 + ABSORB_SEC - 2) * fps)].areas != ()
        assert pausing(30, fps)[round((4 + ABSORB_SEC + 3) * fps)].areas == ()

    @pytest.mark.parametrize("until", [9, 30])
    def test_going_on_is_a_movement_of_its_own(self, until):
        again = [k for k in moving(pausing(until)) if k >= until * FPS]
        assert again[0] <= (until + 1) * FPS
        assert pausing(until)[again[0]].since_pts_us >= until * 1_000_000

    def test_nothing_stays_behind_where_somebody_stood_for_a_while(self):
        assert pausing(11)[-2].areas == ()


class TestSettings:
    def test_smaller_than_the_least_area_does_not_count(self):
        def small():  # 8 by 20 pixels: 0.28 % of the picture
            return walk(10, size=(8, 20))

        assert moving(look_at(Detector(min_trigger_area=0.001), small()))
        assert not moving(look_at(Detector(min_trigger_area=0.01), small()))

    def test_larger_numbers_find_less(self):
        def looks(**settings):
            return len(moving(look_at(Detector(**settings), walk(150, sigma=4.0))))

        areas = [looks(min_trigger_area=area) for area in (0.001, 0.005, 0.01, 0.02, 0.05)]
        deltas = [looks(min_pixel_delta_trigger=delta) for delta in (10, 50, 100, 150, 255)]
        assert areas == sorted(areas, reverse=True)
        assert deltas == sorted(deltas, reverse=True)
        assert areas[0] > areas[-1] == 0
        assert deltas[0] > deltas[-1]

    def test_a_mask_hides(self):
        lower_half = [[0, 0.4], [1, 0.4], [1, 1], [0, 1]]
        assert not moving(look_at(Detector(masks=[lower_half]), walk(10)))

    def test_only_the_zones_count(self):
        left, right = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], [[0.6, 0], [1, 0], [1, 1], [0.6, 1]]
        assert moving(look_at(Detector(zones=[left]), walk(10)))
        assert not moving(look_at(Detector(zones=[right]), walk(10)))
        assert moving(look_at(Detector(zones=[right, left]), walk(10)))

    def test_a_mask_goes_before_a_zone(self):
        everything = [[0, 0], [1, 0], [1, 1], [0, 1]]
        assert not moving(look_at(Detector(zones=[everything], masks=[everything]), walk(10)))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"min_trigger_area": -0.1},
            {"min_trigger_area": 1.1},
            {"min_pixel_delta_trigger": -1},
            {"min_pixel_delta_trigger": 256},
        ],
    )
    def test_impossible_ones_are_refused(self, wrong):
        with pytest.raises(ValueError, match="must be"):
            Detector(**wrong)


class TestPictures:
    @pytest.mark.parametrize("size", [(160, 90), (641, 361), (1280, 720), (720, 1280), (352, 288), (1920, 1080)])
    def test_of_any_size(self, size):
        width, height = size
        picture = yard(width, height)
        box = (width // 12, height // 3)
        pictures = walk(10, picture=picture, size=box, speed=width / 8, seconds=2, start=2)
        found = look_at(Detector(), pictures)
        assert not moving(found[:10])
        assert moving(found)

    def test_too_small(self):
        with pytest.raises(ValueError, match="15x90"):
            Detector().look(np.zeros((90, 15), np.uint8), 0)

    def test_a_view_into_padded_rows_shows_the_same(self):
        pictures = list(walk(10))
        padded = []
        for luma in pictures:
            wide = np.full((HEIGHT + 90, WIDTH + 64), 77, np.uint8)
            wide[:HEIGHT, :WIDTH] = luma
            padded.append(wide[:HEIGHT, :WIDTH])
        assert look_at(Detector(), padded) == look_at(Detector(), pictures)

    def test_are_not_written_to(self):
        pictures = list(walk(10))
        copies = [luma.copy() for luma in pictures]
        for luma in pictures:
            luma.flags.writeable = False
        look_at(Detector(), pictures)
        assert all(np.array_equal(a, b) for a, b in zip(pictures, copies, strict=True))

    def test_another_size_begins_anew(self):
        detector = Detector()
        look_at(detector, [shown(yard())] * 10)
        larger = shown(yard(2 * WIDTH, 2 * HEIGHT, seed=5))
        assert look_at(detector, [larger] * 5, start_us=9_000_000) == [Motion()] * 5

    @pytest.mark.parametrize("jump_us", [-3_000_000, 20_000_000])
    def test_a_jump_in_time_begins_anew(self, jump_us):
        detector = Detector()
        look_at(detector, walk(10), start_us=0)
        other = shown(with_box(yard(), 200, 20, 60, 90, 250), 2, 9)
        assert detector.look(other, 7_800_000 + jump_us) == Motion()
        assert not moving(look_at(detector, [other] * 5, start_us=8_000_000 + jump_us))


def test_a_new_base_hides_what_stands_there_and_shows_what_moves_on():
    detector, pictures = Detector(), list(walk(10, seconds=8))
    look_at(detector, pictures[:30])
    detector.rebase()
    found = look_at(detector, pictures[30:], start_us=13_000_000)
    assert found[0] == Motion()
    assert 0 < moving(found)[0] <= 7
    assert found[moving(found)[0]].since_pts_us > 13_000_000
