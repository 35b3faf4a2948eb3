from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from blockout.reconstruct.frames import transform, world_from_camera
from blockout.reconstruct.meshes import Mesh, following_in_ring, mesh_of, triangles_of, triangulate_faces
from blockout.reconstruct.scene import Prism
from stages import make_camera, make_prism, make_scene

POSE = world_from_camera(np.array([0.1, 0.9, 0.3]), 1.6)


def make_box(**changes: object) -> Prism:
    return make_prism(1, "box", (0.2, 0.1, 3.0), (0.6, 0.4, 0.3), make_camera(), POSE, turn_deg=25, **changes)


def faces_of(mesh: Mesh) -> list[list[int]]:
    return [face.tolist() for face in np.split(mesh.face_points, np.cumsum(mesh.face_sizes)[:-1])]


def solid_of(mesh: Mesh) -> trimesh.Trimesh:
    triangles = [(face[0], face[k], face[k + 1]) for face in faces_of(mesh) for k in range(1, len(face) - 1)]
    return trimesh.Trimesh(mesh.points, triangles, process=False)


@pytest.mark.parametrize("changes", [{}, {"hole": 0.5}, {"taper": 1.3}, {"hole": 0.4, "taper": 1.2}])
def test_every_edge_lies_between_two_faces_that_walk_it_in_opposite_directions(changes: dict) -> None:
    mesh = mesh_of(make_box(**changes))
    walked = Counter((a, b) for face in faces_of(mesh) for a, b in zip(face, face[1:] + face[:1], strict=True))
    assert set(walked.values()) == {1}
    assert all((b, a) in walked for a, b in walked)


def test_points_are_the_front_and_then_the_back() -> None:
    prism = replace(make_box(taper=1.3), extrusion=np.array([0.1, -0.05, -0.3]))
    mesh = mesh_of(prism)
    local = transform(np.linalg.inv(prism.world_from_plane), mesh.points)
    np.testing.assert_allclose(local[:4], np.column_stack([prism.outline, np.zeros(4)]), atol=1e-12)
    np.testing.assert_allclose(
        local[4:], np.column_stack([1.3 * prism.outline + (0.1, -0.05), np.full(4, -0.3)]), atol=1e-12
    )


def test_faces_come_front_back_and_sides() -> None:
    mesh = mesh_of(make_box(hole=0.5))
    assert mesh.front_faces == 8
    assert mesh.face_sizes.tolist() == [3] * 16 + [4] * 8
    faces = faces_of(mesh)
    assert all(max(face) < 8 for face in faces[:8])
    assert all(min(face) >= 8 for face in faces[8:16])
    assert all(sorted(point >= 8 for point in face) == [False, False, True, True] for face in faces[16:])


@pytest.mark.parametrize(
    ("changes", "volume"),
    [
        ({}, 0.6 * 0.4 * 0.3),
        ({"hole": 0.5}, 0.75 * 0.6 * 0.4 * 0.3),
        ({"taper": 1.5}, 0.6 * 0.4 * 0.3 * (1 + 1.5 + 1.5**2) / 3),
    ],
)
def test_the_solid_is_closed_and_outward_with_its_true_volume(changes: dict, volume: float) -> None:
    solid = solid_of(mesh_of(make_box(**changes)))
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume == pytest.approx(volume)


def test_the_front_faces_the_camera() -> None:
    prism = make_box()
    mesh = mesh_of(prism)
    normals = solid_of(mesh).face_normals[: mesh.front_faces]
    np.testing.assert_allclose(normals, np.tile(prism.world_from_plane[:3, 2], (2, 1)), atol=1e-9)
    assert ((POSE[:3, 3] - prism.world_from_plane[:3, 3]) @ normals.T > 0).all()


def test_a_group_s_own_solid_does_not_hold_its_parts() -> None:
    group = next(prism for prism in make_scene().prisms if prism.children)
    np.testing.assert_array_equal(mesh_of(group).points, mesh_of(replace(group, children=())).points)


def test_each_ring_closes_on_itself() -> None:
    assert following_in_ring((3,)).tolist() == [1, 2, 0]
    assert following_in_ring((3, 4, 3)).tolist() == [1, 2, 0, 4, 5, 6, 3, 8, 9, 7]


def test_triangles_are_those_of_their_faces() -> None:
    mesh = mesh_of(make_box(hole=0.5))
    triangles, numbers = triangulate_faces(mesh)
    faces = faces_of(mesh)
    assert np.bincount(numbers).tolist() == [len(face) - 2 for face in faces]
    assert all(set(triangle) <= set(faces[k]) for triangle, k in zip(triangles.tolist(), numbers, strict=True))
    whole = trimesh.Trimesh(triangles_of(mesh).reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3))
    assert whole.is_watertight
    assert whole.volume == pytest.approx(solid_of(mesh).volume)
