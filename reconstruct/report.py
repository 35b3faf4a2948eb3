"""What a scene holds, as plain numbers and words: for <name>.scene.json, and as 2D_3D's dictionary of Maya cubes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from .. import __version__
from .frames import project, srgb_from_linear, transform
from .meshes import mesh_of, triangulate_faces
from .names import SEGMENTS, prim_paths
from .refine import find_seen_faces
from .scene import Prism, Scene
from .thickness import find_uncertainty

STEEP = np.cos(np.radians(45))  # a plane whose normal rises less stands, and its height is measured along the vertical
DIGITS = 6


def scene_record(scene: Scene, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Return the content of <name>.scene.json.

    Args:
        scene: as it was written.
        seconds: spent in each stage of the work, by name.

    Returns:
        Values that JSON can hold; lengths in metres, Y up. "prisms" lists the solids of the finest level,
        "groups" what holds parts, with the solid that stands for them at the group's level, and what holds pieces.
    """
    paths = prim_paths(scene.prisms)
    prisms, groups = [], []
    for prism in scene.walk():
        where = _place(prism, paths)
        if prism.children:
            names = [child.name for child in prism.children]
            own = {"pieces": names} if prism.is_split else {"parts": names, **_measure(prism, scene)}
            groups.append(where | own)
        else:
            prisms.append(where | _measure(prism, scene))
    photo, camera = scene.photo, scene.camera
    return {
        "blockout": __version__,
        "photo": {
            "name": photo.path.name,
            "size_px": list(photo.size),
            "original_size_px": list(photo.original_size or photo.size),
        },
        "camera": {
            **camera.record(),
            "fov_deg": round(camera.fov_deg, DIGITS),
            "world_from_camera": _plain(scene.world_from_camera),
        },
        "scale": asdict(scene.scale),
        "has_ground": scene.has_ground,
        "sky_linear": None if scene.sky_colour is None else _plain(scene.sky_colour),
        "estimators": [asdict(source) for source in scene.sources],
        "limits": dict(scene.limits),
        "levels": scene.finest + 1,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "prisms": prisms,
        "groups": groups,
    }


def cubes_text(scene: Scene) -> str:
    """Return the solids in the layout of the dictionary from which 2D_3D builds cubes in Maya.

    The text is that of one Python dict: {number: ["Cube", width, height, centre x, centre y, average z, [r, g, b]]},
    the number as a string. Widths, heights and centres are in pixels between the centres of the outermost pixels,
    colours are sRGB 0..255. Average z is there the mean of a network's disparity, larger when nearer; here it is the
    mean of 1 / z over the faces that carry the photo, as it shows them, in 1 / m.

    Source: the project 2D_3D's combineSegAndMap.py, as its output shows.
    """
    cubes = {}
    for prism in scene.solids():
        points_px, nearness = _look_at(prism, scene)
        low, high = points_px.min(axis=0), points_px.max(axis=0) - 1
        (width, height), (x, y) = (high - low).tolist(), ((low + high) / 2).tolist()
        colour = (255 * srgb_from_linear(prism.colour)).tolist()
        cubes[_key(prism)] = ["Cube", width, height, x, y, nearness, colour]
    return f"{cubes}\n"


def _place(prism: Prism, paths: Mapping[str, str]) -> dict[str, Any]:
    """Return who a prism or group is and where it stands in the tree."""
    above = paths[prism.name].rsplit("/", 2)[-2]
    return {
        "name": prism.name,
        "prim_path": paths[prism.name],
        "parent": None if above == SEGMENTS.rsplit("/", 1)[-1] else above,
        "level": prism.level,
        "label": prism.label,
        "kind": prism.kind,
        "score": round(float(prism.score), DIGITS),
        "pixels": int(prism.pixels),
        "supported_by": prism.supported_by or None,
    }


def _measure(prism: Prism, scene: Scene) -> dict[str, Any]:
    """Return a solid's size, place and colour."""
    points = mesh_of(prism).points
    width_m, height_m = _face_size_m(prism, scene) if prism.shape == "prism" else _solid_size_m(prism, points)
    return {
        "shape": prism.shape,
        "shape_reason": prism.reason,
        "centre_m": _plain((points.min(axis=0) + points.max(axis=0)) / 2),
        "width_m": round(width_m, DIGITS),
        "height_m": round(height_m, DIGITS),
        "thickness_m": round(float(prism.thickness_m), DIGITS),
        "thickness_source": prism.thickness_source,
        "thickness_uncertainty": find_uncertainty(prism.thickness_source),
        "colour_srgb": _plain(srgb_from_linear(prism.colour)),
        "colour_linear": _plain(prism.colour),
        "residual": round(float(prism.residual), DIGITS),
    }


def _face_size_m(prism: Prism, scene: Scene) -> tuple[float, float]:
    """Return width and height of the front face: upright where it stands, else upward as the photo shows it."""
    plane_from_world = prism.world_from_plane[:3, :3].T
    if abs(plane_from_world[2, 1]) <= STEEP:
        up = plane_from_world[:2, 1]
    else:  # up and ahead look alike on what lies flat; of one that points along its normal nothing is left
        ups = [
            (plane_from_world @ axis)[:2] for axis in (-scene.world_from_camera[:3, 1], scene.world_from_camera[:3, 2])
        ]
        up = max(ups, key=np.linalg.norm)
    up = up / np.linalg.norm(up)
    right = np.array([up[1], -up[0]])
    return float(np.ptp(prism.outline @ right)), float(np.ptp(prism.outline @ up))


def _solid_size_m(prism: Prism, points: np.ndarray) -> tuple[float, float]:
    """Return width and height of a fitted solid: the x of its plane is level, its outline may lie flat."""
    return float(np.ptp(points @ prism.world_from_plane[:3, 0])), float(np.ptp(points[:, 1]))


def _look_at(prism: Prism, scene: Scene) -> tuple[np.ndarray, float]:
    """Return (N, 2) px, the points of a solid in the photo, and the mean of 1 / z over its seen faces there, 1 / m."""
    solid = mesh_of(prism)
    points_cam = transform(np.linalg.inv(scene.world_from_camera), solid.points)
    triangles, face = triangulate_faces(solid)
    seen = find_seen_faces(solid, prism, points_cam)[face]
    triangles = triangles[seen] if seen.any() else triangles
    inverse_depth = 1 / points_cam[:, 2]
    a, b, c = np.moveaxis((points_cam * inverse_depth[:, None])[triangles], 1, 0)
    areas = np.abs(np.cross(b - a, c - a)[:, 2])
    nearness = float(np.average(inverse_depth[triangles].mean(axis=1), weights=areas))  # linear over each triangle
    points_px = prism.outline_px if prism.shape == "prism" else project(points_cam, scene.camera)
    return points_px, nearness


def _key(prism: Prism) -> str:
    """Return a prism's number as its name tells it."""
    match = re.match(r"seg_0*(\d+)_", prism.name)
    return match[1] if match else prism.name


def _plain(values: np.ndarray) -> Any:
    return np.round(np.asarray(values, np.float64), DIGITS).tolist()
