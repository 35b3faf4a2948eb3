from dataclasses import replace

import numpy as np
import pytest
from blockout.reconstruct.evidence import GRID_PX, Evidence
from casts import gather
from rooms import CRATE, FLOOR, WALL, Box, look, make_camera, photograph, plain_room

POST = Box("post", (-0.9, 0, -2.2), (-0.8, 3, -2.1))


@pytest.fixture
def crate() -> Evidence:
    return gather(plain_room(camera=make_camera(360, 480)), "crate")


def test_points_lie_on_what_is_seen(crate: Evidence) -> None:
    assert len(crate.points) == np.count_nonzero(crate.own)
    front = crate.points[:, 2] > -3.001
    assert front.mean() > 0.8
    assert crate.points[front, 2] == pytest.approx(-3.0, abs=1e-5)
    assert crate.points[~front, 0] == pytest.approx(-0.2, abs=1e-5)
    assert crate.eye == pytest.approx([0, 1.6, 0])


def test_normals_face_the_camera_and_are_square_to_the_faces(crate: Evidence) -> None:
    known = np.isfinite(crate.normals).all(1)
    assert known.mean() > 0.95
    assert np.linalg.norm(crate.normals[known], axis=1) == pytest.approx(1)
    assert (crate.normals[known] * (crate.points[known] - crate.eye)).sum(1).max() < 0
    inner = known & (crate.points[:, 2] > -3.001) & (crate.points[:, 0] < -0.25)
    assert crate.normals[inner] @ [0, 0, 1] == pytest.approx(1, abs=1e-4)


def test_no_normal_is_taken_across_a_step_in_depth() -> None:
    step = [Box("stair", (-1, 0, -3), (0, 1, -2.9)), Box("stair", (-1, 1, -4), (0, 2, -3.9))]
    evidence = gather(photograph([FLOOR, WALL, *step], look(0.9), make_camera(360, 480)), "stair")
    fronts = np.abs(evidence.points[:, 2] - np.where(evidence.points[:, 2] > -3.5, -2.9, -3.9)) < 1e-4
    inner = fronts & np.isfinite(evidence.normals).all(1) & (evidence.points[:, 0] < -0.1)
    assert np.median(evidence.normals[inner, 2]) == pytest.approx(1, abs=1e-4)
    assert evidence.normals[inner, 2].min() > 0.999


def test_what_is_beside_and_nearer_is_not_behind() -> None:
    evidence = gather(photograph([FLOOR, WALL, CRATE, POST], look(), make_camera(360, 480)), "crate")
    assert len(evidence.behind)
    on_wall, on_floor = np.abs(evidence.behind[:, 2] + 5) < 0.01, np.abs(evidence.behind[:, 1]) < 0.01
    assert (on_wall | on_floor).all()


def test_the_grid_is_small_whatever_the_photo_s_size() -> None:
    small, large = (gather(plain_room(camera=make_camera(*size)), "crate") for size in ((180, 240), (900, 1200)))
    assert max(large.own.shape) <= GRID_PX
    assert max(small.own.shape) <= GRID_PX
    assert np.median(large.points, axis=0) == pytest.approx(np.median(small.points, axis=0), abs=0.03)


def test_the_frame_s_edges_are_told() -> None:
    room = plain_room()
    assert gather(room, "wall").touches_frame == (True, True, True, False)
    assert gather(room, "post").touches_frame == (False, False, False, False)


def test_a_first_look_sees_the_same_with_fewer_pixels(crate: Evidence) -> None:
    thinned = crate.thinned(3)
    assert len(thinned.points) == np.count_nonzero(thinned.own & np.isfinite(thinned.z))
    assert len(thinned.normals) == len(thinned.points)
    assert len(thinned.points) == pytest.approx(len(crate.points) / 9, rel=0.1)
    assert thinned.camera.fov_deg == pytest.approx(crate.camera.fov_deg, rel=0.03)
    rows, columns = np.nonzero(thinned.own)
    rays = np.column_stack(
        [
            (columns + 0.5 - thinned.camera.cx) / thinned.camera.fx,
            (rows + 0.5 - thinned.camera.cy) / thinned.camera.fy,
            np.ones(len(rows)),
        ]
    )
    seen = (rays * thinned.z[thinned.own][:, None]) @ thinned.world_from_camera[:3, :3].T + thinned.eye
    assert seen == pytest.approx(thinned.points, abs=0.03)


def test_unknown_depth_gives_no_points() -> None:
    room = plain_room()
    z = np.where(room.mask("crate"), np.nan, room.prediction.depth.z)
    evidence = gather(replace(room, prediction=room.having_depth(z)), "crate")
    assert evidence.own.any()
    assert evidence.points.shape == evidence.normals.shape == (0, 3)


def test_one_pixel_is_enough_to_look_at() -> None:
    room = plain_room()
    ids = room.prediction.segments.ids.copy()
    crate = next(s.id for s in room.prediction.segments.segments if s.label == "crate")
    rows, columns = np.nonzero(ids == crate)
    ids[ids == crate] = 1
    ids[rows[0], columns[0]] = crate
    segments = replace(room.prediction.segments, ids=ids)
    evidence = gather(replace(room, prediction=room.having(segments=segments)), "crate")
    assert len(evidence.points) <= 1
    assert not np.isfinite(evidence.normals).any()
