"""Telling light from movement, on textures of known making."""

import numpy as np
import pytest

from pi_sec_cam.motion import light


@pytest.fixture
def ground():
    """Texture of several sizes, 60 to 180, as float32, 90 by 160 cells."""
    rng = np.random.default_rng(4)
    picture = np.zeros((90, 160))
    for cell in (20, 8, 3):
        picture += np.kron(rng.random((90 // cell + 2, 160 // cell + 2)), np.ones((cell, cell)))[:90, :160]
    picture -= picture.min()
    return (60 + 120 * picture / picture.max()).astype(np.float32)


def seen(picture, sigma=0.7):
    noisy = picture + np.random.default_rng(8).normal(0, sigma, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def pool(left, top, radius):
    """1 in the middle of a round, soft patch, 0 outside."""
    down, across = np.mgrid[:90, :160]
    return np.exp(-((across - left) ** 2 + (down - top) ** 2) / (2 * radius**2))


class TestOnlyLight:
    @pytest.mark.parametrize("strength", [-0.4, -0.2, 0.3, 0.6])
    @pytest.mark.parametrize("radius", [8, 15])
    def test_a_soft_patch_of_light_or_shade_is(self, ground, strength, radius):
        patch = pool(80, 45, radius)
        cells, mask = seen(ground * (1 + strength * patch)), patch > 0.5
        assert light.only_light(cells, ground, mask)

    @pytest.mark.parametrize("level", [20, 100, 230])
    @pytest.mark.parametrize("size", [(8, 20), (30, 40)])
    def test_something_flat_in_front_is_not(self, ground, level, size):
        picture, mask = ground.copy(), np.zeros(ground.shape, bool)
        mask[20 : 20 + size[1], 60 : 60 + size[0]] = True
        picture[mask] = level
        assert not light.only_light(seen(picture), ground, mask)

    def test_something_with_a_texture_of_its_own_is_not(self, ground):
        picture, mask = ground.copy(), np.zeros(ground.shape, bool)
        mask[20:50, 60:80] = True
        picture[mask] = np.roll(ground, 31, axis=1)[mask] * 0.8
        assert not light.only_light(seen(picture), ground, mask)

    @pytest.mark.parametrize("factor", [0.6, 0.75, 0.85])
    def test_a_narrow_shadow_with_hard_edges_is_not_for_somebody_casts_it(self, ground, factor):
        picture, mask = ground.copy(), np.zeros(ground.shape, bool)
        mask[20:50, 60:63] = True
        picture[mask] *= factor
        assert not light.only_light(seen(picture), ground, mask)

    def test_something_beside_an_edge_that_stays_is_not(self, ground):
        base = ground * 0.2
        base[:, 80:] += 150  # a bright wall: its edge outweighs all other texture
        picture, mask = base.copy(), np.zeros(ground.shape, bool)
        mask[30:60, 72:80] = True
        picture[mask] = 60
        near = np.zeros(ground.shape, bool)
        near[28:62, 70:82] = True
        assert light.same_texture(seen(picture), base, near) > 0.55
        assert not light.only_light(seen(picture), base, mask)


class TestGains:
    @pytest.mark.parametrize("gain", [0.5, 0.9, 1.0, 1.3])
    def test_of_all(self, ground, gain):
        base = ground.astype(np.uint8)
        assert light.gain_of_all(seen(ground * gain), base) == pytest.approx(gain, rel=0.06)

    def test_of_all_is_not_moved_by_what_covers_a_third(self, ground):
        picture = ground.copy()
        picture[:, :55] = 250
        assert light.gain_of_all(seen(picture), ground.astype(np.uint8)) == pytest.approx(1, abs=0.03)

    def test_of_each_cell_follows_a_wide_shade_and_not_somebody_in_it(self, ground):
        shade = np.where(np.arange(160) < 80, 0.7, 1.0)
        picture = ground * shade
        picture[30:60, 30:42] = 10
        gains = light.gain_field(seen(picture), ground.astype(np.uint8))
        assert gains[45, 36] == pytest.approx(0.7, abs=0.05)
        assert gains[45, 130] == pytest.approx(1.0, abs=0.05)

    @pytest.mark.parametrize("shape", [(16, 16), (17, 40), (67, 120), (161, 162)])
    def test_for_any_size_of_grid(self, shape):
        base = np.full(shape, 100, np.uint8)
        brighter = np.full(shape, 150, np.uint8)
        assert light.gain_of_all(brighter, base) == pytest.approx(156 / 106, rel=0.01)
        gains = light.gain_field(brighter, base)
        assert gains.shape == shape
        assert np.allclose(gains, 156 / 106, rtol=0.02)

    @pytest.mark.parametrize("strength", [-0.4, 0.6])
    def test_of_a_part_is_rather_too_strong_than_too_weak(self, ground, strength):
        patch = pool(80, 45, 15)
        mask = patch > 0.4
        gain = light.gain_of_part(seen(ground * (1 + strength * patch)), ground, mask)
        middle = 1 + strength * np.median(patch[mask])
        assert 0 < (gain - middle) / strength < 0.3


def test_texture_is_the_same_in_any_light_and_not_that_of_another_place(ground):
    everywhere = np.ones(ground.shape, bool)
    assert light.same_texture(seen(ground * 0.6), ground, everywhere) > 0.9
    assert abs(light.same_texture(seen(np.roll(ground, 37, axis=0)), ground, everywhere)) < 0.3
