"""Changes between a plate and a photo: they leave what is true of the pair as it is."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.inference.training.pair_changes import DARKEST, MOST_SHIFT_PX, cast_shadow, change_between
from blockout.inference.training.pair_data import Pair


@pytest.fixture
def pair() -> Pair:
    ramp = np.linspace(60, 180, 96).astype(np.uint8)
    background = np.stack([np.tile(ramp, (64, 1))] * 3, axis=-1)
    mask = np.zeros((64, 96), bool)
    mask[20:50, 30:45] = True
    overlay = np.where(mask[..., None], np.uint8(230), background)
    return Pair(background, overlay, mask, np.full((64, 96), 0.5, np.float32))


def test_mask_and_depth_stay_and_a_number_decides_the_rest(pair: Pair) -> None:
    for seed in range(20):
        one, other = (change_between(pair, np.random.default_rng(seed)) for _ in range(2))
        assert one.mask is pair.mask and one.depth is pair.depth
        np.testing.assert_array_equal(one.overlay, other.overlay)
        np.testing.assert_array_equal(one.background, other.background)
        assert one.overlay.dtype == one.background.dtype == np.uint8 and one.overlay.shape == pair.overlay.shape
        assert not np.array_equal(one.overlay, pair.overlay)


def test_the_plate_moves_by_no_more_than_is_said(pair: Pair) -> None:
    slope = 120 / 95  # grey levels a pixel
    for seed in range(20):
        plate = change_between(pair, np.random.default_rng(seed)).background.astype(float)
        shift = (plate - pair.background)[8:-8, 8:-8].mean() / slope
        assert abs(shift) <= MOST_SHIFT_PX + 0.2


def test_shadows_spare_what_casts_them_and_start_at_its_foot(pair: Pair) -> None:
    for seed in range(20):
        shadow = cast_shadow(pair.mask, np.random.default_rng(seed))
        assert (shadow[pair.mask] == 0).all()
        assert shadow.min() >= 0 and shadow.max() <= DARKEST
        dark = shadow[~pair.mask]
        if dark.max() > 0.05:
            rows = np.nonzero(np.where(pair.mask, 0, shadow) > 0.5 * dark.max())[0]
            assert np.abs(rows - 49).max() <= 0.5 * 30 + 12


def test_nothing_casts_no_shadow() -> None:
    assert not cast_shadow(np.zeros((8, 8), bool), np.random.default_rng(0)).any()
