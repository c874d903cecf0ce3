"""The base and the noise of each cell."""

import numpy as np
import pytest

from pi_sec_cam.motion.background import Background

SHAPE = (40, 60)


def plane(level):
    return np.full(SHAPE, level, np.uint8)


def followed(background, pictures, dt_sec=0.2, **learned):
    before = pictures[0]
    for cells in pictures:
        background.compare(cells)
        background.learn(cells, before, dt_sec, **learned)
        before = cells
    return background


class TestBase:
    def test_follows_what_changes_slowly(self):
        background = followed(Background(plane(100)), [plane(110)] * 100)
        assert np.allclose(background.mean, 110, atol=0.5)

    @pytest.mark.parametrize("dt_sec", [0.04, 0.2, 1.0])
    def test_as_fast_at_any_rate(self, dt_sec):
        settled = followed(Background(plane(100)), [plane(100)] * round(60 / dt_sec), dt_sec)
        followed(settled, [plane(110)] * round(5 / dt_sec), dt_sec)
        assert settled.mean[0, 0] == pytest.approx(110 - 10 / np.e, abs=0.3)

    def test_does_not_follow_below_what_stands_before_it(self):
        standing = plane(0)
        standing[:, :30] = 255
        background = followed(Background(plane(100)), [plane(110)] * 100, standing=standing)
        assert np.all(background.mean[:, :30] == 100)
        assert np.allclose(background.mean[:, 30:], 110, atol=0.5)

    def test_follows_fast_where_the_light_has_changed(self):
        light = plane(0)
        light[:, :30] = 255
        settled = followed(Background(plane(100)), [plane(100)] * 300)
        followed(settled, [plane(120)] * 5, light=light)
        assert settled.mean[0, 0] > 112 > settled.mean[0, 59]


class TestLight:
    def test_of_a_step_explains_what_lies_between_old_and_new(self):
        background = Background(plane(200))
        cells = plane(140)  # as the factor says
        cells[0, :4] = 200, 170, 110, 230  # not reached by it; half; something dark; something bright
        background.step(cells, 0.7, None)
        difference, _ = background.compare(cells)
        assert difference[1].max() <= 2
        assert list(difference[0, :2]) == [0, 0]
        assert difference[0, 2] == pytest.approx(28, abs=3)
        assert difference[0, 3] == 30

    def test_of_a_step_does_not_explain_what_stands_there(self):
        standing = plane(0)
        standing[20, 30] = 255
        background = Background(plane(200))
        background.step(plane(180), 0.7, standing)
        difference, _ = background.compare(plane(180))
        assert difference[20, 30] == pytest.approx(42, abs=3)
        assert difference[0, 0] == 0

    def test_stronger_light_is_noisier(self):
        background = Background(np.random.default_rng(1).integers(50, 150, SHAPE, np.uint8))
        before = background.noise.copy()
        background.brighten(1.5)
        assert np.allclose(background.noise, before * 1.5, rtol=1e-3)


class TestNoise:
    def test_edges_are_trusted_less_than_surfaces(self):
        cells = plane(50)
        cells[:, 30:] = 150
        background = Background(cells)
        assert background.low[20, 30] > 3 * background.low[20, 10]

    @pytest.mark.parametrize("dt_sec", [0.04, 0.2, 0.4])
    def test_rises_where_it_flickers_and_falls_where_it_does_not(self, dt_sec):
        background, rng = Background(plane(100)), np.random.default_rng(2)
        background.noise[:] = 10
        background.brighten(1.0)
        pictures = []
        for _ in range(round(120 / dt_sec)):
            cells = plane(100)
            cells[:, :30] += rng.integers(0, 2, (40, 30), np.uint8) * 40
            pictures.append(cells)
        before = pictures[0]
        for cells in pictures:
            background.compare(cells)
            background.learn(cells, before, dt_sec)
            before = cells
        assert background.noise[:, :30].mean() > 15
        assert background.noise[:, 30:].max() < 10

    def test_a_slow_change_is_no_noise(self):
        pictures = [plane(100 + k // 10) for k in range(500)]
        background = followed(Background(plane(100)), pictures)
        assert background.noise.max() == 3

    def test_rises_little_below_what_is_known_to_move(self):
        pictures = [plane(100 + 60 * (k % 2)) for k in range(10)]
        certain = plane(0)
        certain[:, :30] = 255
        background = followed(Background(plane(100)), pictures, certain=certain)
        assert background.noise[0, 0] < 3.3 < background.noise[0, 59]


class TestStandingStill:
    @pytest.mark.parametrize("dt_sec", [0.04, 0.2, 0.7, 2.0])
    def test_is_absorbed_after_ten_seconds(self, dt_sec):
        background, cells, changed, nothing = Background(plane(100)), plane(180), plane(255), plane(0)
        took = 0.0
        while background.mean[0, 0] == 100:
            background.absorb(cells, changed, nothing, dt_sec)
            took += dt_sec
        assert 10 <= round(took, 3) <= 10.5 + dt_sec

    def test_begins_anew_when_something_stirs(self):
        background, cells, changed, stirring = Background(plane(100)), plane(180), plane(255), plane(0)
        stirring[5, 5] = 255
        for k in range(60):
            background.absorb(cells, changed, stirring if k == 40 else None, 0.2)
        assert background.mean[0, 0] == 180
        assert background.mean[5, 5] == 100
