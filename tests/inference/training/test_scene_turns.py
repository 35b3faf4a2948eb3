"""Turned cameras see what the ray caster shows from where they look."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from blockout.inference.training import scene_turns, synthesis
from blockout.inference.training.scene_data import pack_arrays

SIZE = (96, 128)


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Return three scenes as a shard keeps them."""
    return pack_arrays(synthesis.Studio(seed=6).make([0, 1, 2], SIZE))


def test_a_turned_scene_is_the_scene_seen_by_a_turned_camera(
    arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_from_old = cv2.Rodrigues(np.radians([4.0, -5.0, 7.0]))[0]
    turned = {name: array.copy() for name, array in arrays.items()}
    for row in range(3):
        scene_turns._turn(turned, row, new_from_old, 1.1)
    zoom = turned["camera"][:, 0] / arrays["camera"][:, 0]
    aim, count = synthesis._aim, iter(zoom.tolist())

    def aim_elsewhere(*arguments: Any) -> dict[str, Any]:
        eye = aim(*arguments)
        return eye | {"axes": new_from_old @ eye["axes"], "focal": eye["focal"] * next(count)}

    monkeypatch.setattr(synthesis, "_aim", aim_elsewhere)
    cast = pack_arrays(synthesis.Studio(seed=6).make([0, 1, 2], SIZE))
    np.testing.assert_allclose(turned["camera"][:, [0, 4, 5, 6]], cast["camera"][:, [0, 4, 5, 6]], atol=1e-4, rtol=1e-5)
    same = (turned["ids"] == cast["ids"]) & np.isfinite(cast["depth"].astype(np.float32))
    assert same.mean() > 0.5 and (turned["ids"] == cast["ids"]).mean() > 0.9
    error = np.abs(turned["depth"][same].astype(np.float32) - cast["depth"][same].astype(np.float32))
    assert np.median(error) < 0.01 and np.quantile(error, 0.9) < 0.06
    turn = np.abs(turned["normal"].astype(int) - cast["normal"].astype(int)).max(axis=-1)[same]
    assert np.quantile(turn, 0.9) <= 3


def test_turning_shows_nothing_from_beyond_the_old_picture(arrays: dict[str, np.ndarray]) -> None:
    for angles in np.random.default_rng(0).uniform(-9, 9, (20, 3)):
        new_from_old = cv2.Rodrigues(np.radians(angles))[0]
        zoom = scene_turns._least_zoom(new_from_old, 110.0, SIZE)
        corners = np.array([[x, y, 110.0 * zoom] for x in (-64, 64) for y in (-48, 48)]) @ new_from_old
        seen = corners[:, :2] / corners[:, 2:] * 110
        assert (np.abs(seen) <= [64, 48]).all() and zoom < 2


@pytest.mark.parametrize("focal_px", [900.0, 9000.0])
def test_a_long_lens_turns_by_less_than_its_field_of_view(arrays: dict[str, np.ndarray], focal_px: float) -> None:
    far = {name: array.copy() for name, array in arrays.items()}
    far["camera"][:, 0] = focal_px
    for seed in range(10):
        turned = scene_turns.turn_cameras(far, np.random.default_rng(seed))
        assert (turned["camera"][:, 0] < 3 * focal_px).all()
        assert (np.abs(turned["camera"][:, 6] - far["camera"][:, 6]) < SIZE[1] / focal_px).all()


def test_turns_leave_some_pictures_and_the_stored_arrays_alone(arrays: dict[str, np.ndarray]) -> None:
    before = arrays["depth"].copy()
    unmoved = [
        (scene_turns.turn_cameras(arrays, np.random.default_rng(seed))["camera"][:, 0] == arrays["camera"][:, 0]).mean()
        for seed in range(30)
    ]
    assert 0.1 < np.mean(unmoved) < 0.5
    np.testing.assert_array_equal(arrays["depth"], before)


@pytest.mark.parametrize("bend", [-0.08, 0.08])
def test_a_bent_lens_keeps_each_points_depth_and_looks_nowhere_else(arrays: dict[str, np.ndarray], bend: float) -> None:
    bent = {name: array.copy() for name, array in arrays.items()}
    y, x = np.mgrid[:96, :128].astype(np.float32)
    bent["depth"][0], bent["ids"][0] = x, y  # each pixel says where it comes from
    scene_turns._turn(bent, 0, np.eye(3), 1.0, bend)
    zoom = bent["camera"][0, 0] / arrays["camera"][0, 0]
    corner = np.array([bent["depth"][0, 0, 0], bent["ids"][0, 0, 0]], float) + 0.5
    away = np.array([64, 48]) - corner
    np.testing.assert_allclose(away, np.array([63.5, 47.5]) * (1 + bend) / zoom, atol=0.8)
    assert zoom == pytest.approx(1 + max(0, bend), abs=0.04)
    assert np.ptp(bent["depth"][0, 48].astype(float)) > 110 / (1 + abs(bend))
