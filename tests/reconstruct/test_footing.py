"""Footing: a thing that smooth depth errors put elsewhere comes back to where its foot is seen on the ground."""

from dataclasses import replace

import numpy as np
import pytest
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.compose import choose_shape
from blockout.reconstruct.evidence import Evidence
from blockout.reconstruct.footing import MOST, find_footing
from blockout.reconstruct.meshes import mesh_of
from casts import Cone, gather
from rooms import FLOOR, WALL, Box, Room, look, make_camera, photograph

DRUM = Cone("drum", (0.3, -3.5), 0, 0.9, (0.3, 0.3), rgb=(60, 90, 160))
SHELF = Box("drum", (0, 1.0, -3.8), (0.6, 1.4, -3.2), rgb=(60, 90, 160))
POSE, CAMERA = look(1.6, -15), make_camera(360, 480)


def see(thing: Cone | Box, factor: float, depth_error: float = 0.03) -> Evidence:
    """Return the evidence of a thing that the depth map shows so many times further away."""
    room = photograph([FLOOR, WALL, thing], POSE, CAMERA)
    return replace(gather(moved(room, factor), "drum"), depth_error=depth_error)


def moved(room: Room, factor: float) -> Room:
    z = np.where(room.mask("drum"), factor * room.prediction.depth.z, room.prediction.depth.z)
    return Room(room.having_depth(z), room.world_from_camera)


def footing_of(evidence: Evidence) -> float:
    fit = choose_shape(evidence, True)
    assert fit is not None
    return find_footing(evidence, fit.shape)


@pytest.mark.parametrize("factor", [1.03, 1.06, 1.09])
def test_a_thing_behind_its_foot_comes_nearer(factor: float) -> None:
    assert footing_of(see(DRUM, factor)) == pytest.approx(1 / factor, abs=0.35 * (factor - 1))


@pytest.mark.parametrize("factor", [0.92, 0.97, 1.0])
def test_a_thing_before_its_foot_stays(factor: float) -> None:
    assert footing_of(see(DRUM, factor)) > 1 - 0.006


def test_it_comes_no_nearer_than_an_error_can_be() -> None:
    assert np.exp(-MOST) <= footing_of(see(DRUM, 1.25, 0.08)) <= 1


def test_the_better_the_depth_the_less_a_foot_moves_it() -> None:
    factors = [footing_of(see(DRUM, 1.06, error)) for error in (0.004, 0.015, 0.04)]
    assert factors[0] > factors[1] > factors[2]


def test_what_hangs_has_no_foot() -> None:
    assert footing_of(see(SHELF, 1.05)) == 1


def test_a_blockout_from_depth_that_errs_stands_on_its_ground() -> None:
    """The whole of reconstruction, with a wave in the depth that puts the drum too far away."""
    room = photograph([FLOOR, WALL, DRUM], POSE, CAMERA)
    row, column = np.mgrid[: CAMERA.height, : CAMERA.width]
    wave = np.sin(column / 55) * np.sin(row / 47)
    room = Room(room.having_depth(room.prediction.depth.z * (1 + 0.05 * wave)), room.world_from_camera)
    scene = reconstruct(moved(room, 1.07).prediction)
    (drum,) = [prism for prism in scene.solids() if prism.label == "drum"]
    points = mesh_of(drum).points
    middle = (points.min(0) + points.max(0)) / 2
    assert np.hypot(*(middle - scene.world_from_camera[:3, 3])[[0, 2]]) == pytest.approx(np.hypot(0.3, 3.5), rel=0.03)


@pytest.mark.parametrize("pitch_deg", [-90.0, -80.0, 0.0, 60.0])
def test_depth_that_errs_is_no_trouble_however_the_camera_is_held(pitch_deg: float) -> None:
    room = photograph([FLOOR, WALL, DRUM], look(1.6, pitch_deg), CAMERA)
    row, column = np.mgrid[: CAMERA.height, : CAMERA.width]
    wave = 1 + 0.05 * np.sin(column / 55) * np.sin(row / 47)
    scene = reconstruct(room.having_depth(room.prediction.depth.z * wave))
    assert all(np.isfinite(mesh_of(solid).points).all() for solid in scene.solids())
