from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from blockout.reconstruct.frames import project, transform
from blockout.reconstruct.meshes import Mesh, mesh_of
from blockout.reconstruct.refine import TOLERANCE, refine_front
from blockout.reconstruct.scene import Prism, Scene
from stages import make_prism, make_row, make_scene


def floor_in(scene: Scene) -> Prism:
    return next(prism for prism in scene.prisms if prism.label == "floor")


def faces_of(solid: Mesh) -> list[list[int]]:
    return [face.tolist() for face in np.split(solid.face_points, np.cumsum(solid.face_sizes)[:-1])]


def texture_shift_px(solid: Mesh, points_px: np.ndarray, scene: Scene) -> float:
    """Return the furthest that the middle of a front edge is from where the texture's middle shows it."""
    triangles = solid.face_points[: 3 * solid.front_faces].reshape(-1, 3)
    points_cam = transform(np.linalg.inv(scene.world_from_camera), solid.points)
    following = triangles[:, [1, 2, 0]]
    seen = project((points_cam[triangles] + points_cam[following]) / 2, scene.camera)
    return float(np.linalg.norm(seen - (points_px[triangles] + points_px[following]) / 2, axis=-1).max())


@pytest.mark.parametrize("variant", ["landscape", "portrait", "off-centre"])
def test_photo_lies_in_its_place_on_a_floor(variant: str) -> None:
    scene = make_scene(variant)
    floor = floor_in(scene)
    solid = mesh_of(floor)
    assert texture_shift_px(solid, np.tile(floor.outline_px, (2, 1)), scene) > 10
    refined, points_px = refine_front(solid, floor, scene)
    assert texture_shift_px(refined, points_px, scene) <= TOLERANCE * 640 + 1e-9


def test_new_points_are_on_the_face_where_the_photo_shows_them() -> None:
    scene = make_scene()
    floor = floor_in(scene)
    refined, points_px = refine_front(mesh_of(floor), floor, scene)
    count = len(floor.outline)
    assert len(refined.points) > 2 * count
    front = np.r_[:count, 2 * count : len(refined.points)]
    points_cam = transform(np.linalg.inv(scene.world_from_camera), refined.points[front])
    assert project(points_cam, scene.camera) == pytest.approx(points_px[front], abs=1e-9)
    on_plane = transform(np.linalg.inv(floor.world_from_plane), refined.points[front])
    assert on_plane[:, 2] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("hole", [0.0, 0.5])
def test_solid_stays_closed_and_its_walls_stay_single_faces(hole: float) -> None:
    scene = make_scene()
    floor = make_prism(
        8, "floor", (0.0, 0.75, 4.3), (1.2, 2.6, 0.1), scene.camera, scene.world_from_camera, tilt_deg=-75, hole=hole
    )
    solid = mesh_of(floor)
    refined, _ = refine_front(solid, floor, scene)
    faces = faces_of(refined)
    assert len(faces) > len(faces_of(solid))
    assert len(faces) - refined.front_faces == len(solid.face_sizes) - solid.front_faces
    edges = Counter(edge for face in faces for edge in zip(face, face[1:] + face[:1], strict=True))
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    assert sorted(set(refined.face_points.tolist())) == list(range(len(refined.points)))


def test_a_face_that_is_square_to_the_view_stays_as_it_is() -> None:
    scene = make_row(1)
    solid = mesh_of(scene.prisms[0])
    refined, points_px = refine_front(solid, scene.prisms[0], scene)
    assert len(refined.face_sizes) == len(solid.face_sizes)
    assert len(points_px) == len(solid.points)


def test_a_larger_photo_of_the_same_view_needs_no_more_faces() -> None:
    scene = make_scene()
    camera = scene.camera.resized(2 * scene.camera.height, 2 * scene.camera.width)
    floor = floor_in(scene)
    small, _ = refine_front(mesh_of(floor), floor, scene)
    twice = replace(floor, outline_px=2 * floor.outline_px)
    large, _ = refine_front(mesh_of(twice), twice, replace(scene, camera=camera))
    assert len(large.face_sizes) == len(small.face_sizes)
