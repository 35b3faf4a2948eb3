from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from blockout.reconstruct.adjust import adjust, set_target
from blockout.reconstruct.evidence import Evidence
from blockout.reconstruct.shapes import Shape, make_box, make_profile, make_revolution
from casts import Cone, gather
from rooms import FLOOR, WALL, Box, Room, look, make_camera, photograph
from scipy.ndimage import gaussian_filter

CAMERA = make_camera(360, 480)
HIGH = look(2.2, -20)
CRATE = Box("crate", (-0.5, 0, -3.4), (0.3, 0.8, -2.8))
DRUM = Cone("drum", (0.1, -3), 0, 0.9, (0.4, 0.4))
PILE = Cone("pile", (0.1, -3), 0, 1.0, (0.5, 0.2))
UPRIGHT = np.eye(3)


def photo_of(*things: Any, noise: float = 0.0) -> Room:
    room = photograph([FLOOR, WALL, *things], HIGH, CAMERA)
    if not noise:
        return room
    wave = gaussian_filter(np.random.default_rng(1).normal(size=(CAMERA.height, CAMERA.width)), 40)
    z = room.prediction.depth.z * (1 + noise * wave / wave.std())
    return replace(room, prediction=room.having_depth(z))


def see(*things: Any, label: str = "crate", noise: float = 0.0) -> Evidence:
    return replace(gather(photo_of(*things, noise=noise), label), depth_error=noise)


def ends_of(shape: Shape) -> np.ndarray:
    points = shape.rings.reshape(-1, 3)
    return np.array([points.min(axis=0), points.max(axis=0)])


def adjusted(shape: Shape, evidence: Evidence) -> Shape:
    found = adjust(shape, evidence, set_target(evidence))
    assert found is not None
    return found


def box_of(low: tuple[float, float, float], high: tuple[float, float, float], turn_deg: float = 0.0) -> Shape:
    angle = np.radians(turn_deg)
    axes = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    corners = np.array([low, high])
    middle = axes.T @ corners.mean(axis=0)
    half = np.ptp(corners, axis=0) / 2
    return make_box(axes, middle - half, middle + half, "")


def test_a_box_askew_is_set_right() -> None:
    found = adjusted(box_of((-0.55, 0, -3.6), (0.35, 0.75, -2.75), turn_deg=8), see(CRATE))
    assert ends_of(found) == pytest.approx(np.array([CRATE.low, CRATE.high]), abs=0.03)


def test_a_turned_box_is_set_right() -> None:
    turned = replace(CRATE, turn_deg=25)
    found = adjusted(box_of((-0.55, 0, -3.45), (0.35, 0.75, -2.75), turn_deg=33), see(turned))
    exact = ends_of(box_of(CRATE.low, CRATE.high, turn_deg=25))
    assert ends_of(found) == pytest.approx(exact, abs=0.03)


def test_a_box_that_is_right_stays() -> None:
    found = adjusted(box_of(CRATE.low, CRATE.high), see(CRATE))
    assert ends_of(found) == pytest.approx(np.array([CRATE.low, CRATE.high]), abs=0.025)


@pytest.mark.parametrize("thing", [DRUM, PILE], ids=lambda thing: thing.label)
def test_round_things_are_set_right(thing: Cone) -> None:
    start = make_revolution(np.array([0.2, -3.2]), 0.0, 0.85, (0.45, 0.3), "")
    if thing is DRUM:
        start = make_revolution(np.array([0.2, -3.2]), 0.0, 0.85, (0.45, 0.45), "")
    found = adjusted(start, see(thing, label=thing.label))
    bottom, top = sorted(found.rings[[0, -1]], key=lambda ring: ring[0, 1])
    for ring, radius, height in zip((bottom, top), thing.radii, (thing.bottom, thing.top), strict=True):
        assert ring.mean(axis=0) == pytest.approx((thing.centre[0], height, thing.centre[1]), abs=0.03)
        assert np.linalg.norm(ring - ring.mean(axis=0), axis=1).mean() == pytest.approx(radius, abs=0.03)


def test_the_outline_outweighs_depth_that_errs() -> None:
    start = box_of((-0.55, 0, -3.6), (0.38, 0.72, -2.8), turn_deg=6)
    found = adjusted(start, see(CRATE, noise=0.03))
    exact = np.array([CRATE.low, CRATE.high])
    assert np.abs(ends_of(found) - exact).max() < 0.12
    assert np.abs(ends_of(found) - exact).sum() < 0.5 * np.abs(ends_of(start) - exact).sum()


def test_an_outline_that_something_hides_holds_nothing_back() -> None:
    post = Box("post", (-0.1, 0, -2.4), (0.6, 3, -2.3))
    found = adjusted(box_of((-0.45, 0, -3.4), (0.3, 0.78, -2.8)), see(CRATE, post))
    assert ends_of(found) == pytest.approx(np.array([CRATE.low, CRATE.high]), abs=0.03)


def test_profiles_are_left_alone() -> None:
    evidence = see(CRATE)
    outline = np.array([[-0.5, 0], [0.3, 0], [0.3, 0.8], [-0.5, 0.8]])
    assert adjust(make_profile(UPRIGHT, outline, -3.4, -2.8, ""), evidence, set_target(evidence)) is None


def test_what_reaches_behind_the_camera_is_left_alone() -> None:
    evidence = see(CRATE)
    assert adjust(box_of((-0.5, 0, -3.4), (0.3, 0.8, 1.0)), evidence, set_target(evidence)) is None


def test_unknown_depth_is_not_looked_at() -> None:
    room = photo_of(CRATE)
    z = room.prediction.depth.z.copy()
    z[:, : CAMERA.width // 2] = np.nan
    evidence = gather(replace(room, prediction=room.having_depth(z)), "crate")
    target = set_target(evidence)
    assert np.isfinite(target.z).all()
    assert len(target.rays) == len(target.z) <= len(evidence.points)
