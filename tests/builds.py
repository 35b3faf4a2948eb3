"""Scenes reconstructed from rooms, and what is measured on them."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from blockout.inference.prediction import Prediction, Segment
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Prism, Scene
from blockout.reconstruct.settings import Settings
from rooms import (
    Room,
    cast_rays,
    hit_triangles,
    look,
)

TILTED = look(1.7, -12, 4)


SKY = Segment(1, "sky", "sky")


def build(prediction: Prediction, **options: Any) -> Scene:
    """Reconstruct with prisms alone, and with some settings changed from their defaults."""
    return reconstruct(prediction, Settings(**{"shapes": "prism", **options}))


def triangles_cam(scene: Scene, prism: Prism) -> tuple[np.ndarray, int]:
    """Return (T, 3, 3) triangles of a solid in camera axes, and how many of the first are its front."""
    mesh = mesh_of(prism)
    camera_from_world = np.linalg.inv(scene.world_from_camera)
    points = mesh.points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    faces = np.split(mesh.face_points, np.cumsum(mesh.face_sizes)[:-1])
    return points[
        [(face[0], face[k], face[k + 1]) for face in faces for k in range(1, len(face) - 1)]
    ], mesh.front_faces


def see_fronts(scene: Scene, prisms: Iterable[Prism]) -> np.ndarray:
    """Return (H, W) the nearest depth of the fronts of some prisms, inf where none is."""
    rays = cast_rays(scene.camera)
    found = [np.full(rays.shape[:2], np.inf)]
    for prism in prisms:
        triangles, front = triangles_cam(scene, prism)
        found.append(hit_triangles(triangles[:front], rays))
    return np.min(found, axis=0)


def labelled(scene: Scene, label: str) -> list[Prism]:
    return [prism for prism in scene.solids() if prism.label == label]


def depth_errors(scene: Scene, room: Room, label: str) -> np.ndarray:
    """Return the relative depth errors over a label's pixels that its fronts cover."""
    mask = room.mask(label)
    seen, true = see_fronts(scene, labelled(scene, label))[mask], room.prediction.depth.z[mask]
    covered = np.isfinite(seen)
    assert covered.mean() > 0.97
    return np.abs(seen[covered] / true[covered] - 1)


def check_sound(scene: Scene) -> None:
    """Check what any scene promises."""
    prisms = list(scene.walk())
    names = [prism.name for prism in prisms]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"seg_\d{3,}_[A-Za-z0-9_]+", name) for name in names)
    for prism in prisms:
        assert all(child.level in (prism.level, prism.level + 1) for child in prism.children)
        mesh = mesh_of(prism)
        assert np.isfinite(mesh.points).all()
        assert prism.thickness_m > 0
        assert prism.thickness_source
        assert prism.kind != "sky"
        triangles, front = triangles_cam(scene, prism)
        assert (triangles[:front, :, 2] > 0).all()
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        assert np.einsum("ij,ij->i", normals, triangles[:, 0]).sum() > 0, "the solid's volume"
        assert (np.einsum("ij,ij->i", normals, triangles[:, 0])[:front] < 0).all(), "its front faces the camera"
    pose = scene.world_from_camera
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.isfinite(pose).all()
    assert scene.scale.factor > 0


def arrays_of(scene: Scene) -> bytes:
    """Return everything that a scene says, as bytes."""
    parts = [scene.world_from_camera.tobytes(), repr((scene.scale, scene.limits, scene.has_ground)).encode()]
    for prism in scene.walk():
        parts += [value.tobytes() if isinstance(value, np.ndarray) else b"" for value in vars(prism).values()]
        parts.append(
            repr((prism.name, prism.level, prism.taper, prism.thickness_m, prism.pixels, prism.residual)).encode()
        )
    return b"|".join(parts)
