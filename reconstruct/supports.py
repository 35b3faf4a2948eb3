"""What rests on what: a thing's foot meets the top of the thing, or the ground, that carries it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from ..inference.prediction import Camera
from .frames import project, transform
from .meshes import mesh_of
from .scene import Prism, Scene

GROUND = "ground"
GAP = 0.1  # of the smaller of a thing's height and its carrier's, between its foot and what carries it
GAP_OF_DISTANCE = 0.015  # of the distance from the camera: depth is not known better
FOOT = 0.3  # of the footprint, to lie over what carries it
SNAP = 0.05  # of a thing's height: a smaller gap is closed
SNAP_PX = 2.0  # and smaller than that in the photo
CUT_OFF = 0.01  # of the photo's height, from its lower edge


@dataclass(frozen=True, eq=False)
class _Body:
    """A solid's footprint on the ground's plane, its lowest and highest point, and its distance from the camera."""

    footprint: shapely.Geometry
    bottom: float
    top: float
    distance: float


def find_supports(scene: Scene) -> Scene:
    """Name for each thing what carries it, and let down what hangs a little above that.

    Args:
        scene: in the world, to scale.

    Returns:
        The scene with ``supported_by`` of the prisms at its top; boxes and turned solids reach down to their carrier.
    """
    eye = scene.world_from_camera[:3, 3]
    parts = [[_measure(solid, eye) for solid in prism.walk() if not solid.children] for prism in scene.prisms]
    bodies = [_join(found) for found in parts]
    prisms = []
    for number, (prism, body) in enumerate(zip(scene.prisms, bodies, strict=True)):
        if prism.kind != "object":
            prisms.append(prism)
            continue
        found = _find_carrier(number, bodies, parts, scene)
        if found is None:
            prisms.append(prism)
            continue
        carrier, height = found
        gap = body.bottom - height
        if gap != 0 and abs(gap) <= min(SNAP * (body.top - body.bottom), _metres_of(SNAP_PX, body, scene.camera)):
            prism = move_foot(prism, height, scene)
        prisms.append(replace(prism, supported_by=carrier))
    return replace(scene, prisms=tuple(prisms))


def move_foot(prism: Prism, height: float, scene: Scene) -> Prism:
    """Return an upright solid with its foot at another height and its top where it was; others as they are.

    Args:
        prism: in the world.
        height: of the foot, world metres, below the top.
        scene: for its camera.
    """
    if prism.children or prism.shape == "prism":
        return prism
    axes, origin = prism.world_from_plane[:3, :3], prism.world_from_plane[:3, 3]
    outline, pose = prism.outline.copy(), prism.world_from_plane.copy()
    extrusion, middles = prism.extrusion.copy(), prism.middles.copy()
    if abs(axes[1, 1]) > 0.999:  # a profile that stands: its lowest edge is the foot
        y = axes[1, 1] * outline[:, 1]
        lowest = y <= y.min() + 1e-6 * max(np.ptp(y), 1e-9)
        rest = (y[~lowest] + origin[1]).min(initial=np.inf)
        if height >= rest:
            return prism
        outline[lowest, 1] = (height - origin[1]) / axes[1, 1]
    elif abs(axes[1, 2]) > 0.999:  # a circle pulled up or down
        back = origin[1] + axes[1, 2] * extrusion[2]
        if origin[1] < back:
            shift = (height - origin[1]) / axes[1, 2]
            pose[1, 3] = height
            extrusion[2] -= shift
            middles[:, 2] -= shift
        else:
            extrusion[2] = (height - origin[1]) / axes[1, 2]
        if extrusion[2] >= 0 or (middles[:, 2] >= 0).any() or (middles[:, 2] <= extrusion[2]).any():
            return prism
    else:
        return prism
    corners = transform(pose, np.column_stack([outline, np.zeros(len(outline))]))
    outline_px = project(transform(np.linalg.inv(scene.world_from_camera), corners), scene.camera)
    return replace(
        prism, outline=outline, world_from_plane=pose, extrusion=extrusion, middles=middles, outline_px=outline_px
    )


def _measure(prism: Prism, eye: np.ndarray) -> _Body:
    points = mesh_of(prism).points
    footprint = shapely.MultiPoint(points[:, [0, 2]]).convex_hull
    distance = float(np.linalg.norm(points.mean(axis=0) - eye))
    return _Body(footprint, float(points[:, 1].min()), float(points[:, 1].max()), distance)


def _join(bodies: list[_Body]) -> _Body:
    return _Body(
        shapely.union_all([body.footprint for body in bodies]).convex_hull,
        min(body.bottom for body in bodies),
        max(body.top for body in bodies),
        min(body.distance for body in bodies),
    )


def _find_carrier(number: int, bodies: list[_Body], parts: list[list[_Body]], scene: Scene) -> tuple[str, float] | None:
    """Return the name and the height of what carries a thing; None where its foot meets nothing."""
    body = bodies[number]
    tolerance = min(GAP * (body.top - body.bottom) + GAP_OF_DISTANCE * body.distance, (body.top - body.bottom) / 2)
    found: list[tuple[float, str, float]] = []
    if scene.has_ground and abs(body.bottom) <= tolerance:
        found.append((abs(body.bottom), GROUND, 0.0))
    elif scene.has_ground and _is_cut_off(scene.prisms[number], scene.camera):
        found.append((np.inf, GROUND, 0.0))
    area = max(body.footprint.area, 1e-12)
    for other, prism in enumerate(scene.prisms):
        if other == number or prism.kind != "object" or bodies[other].bottom >= body.bottom - tolerance / 2:
            continue
        for part in parts[other]:
            gap = abs(body.bottom - part.top)
            if gap <= tolerance and part.footprint.intersection(body.footprint).area >= FOOT * area:
                found.append((gap, prism.name, part.top))
    if not found:
        return None
    _, name, height = min(found)
    return (_name_ground(body, scene), height) if name == GROUND else (name, height)


def _is_cut_off(prism: Prism, camera: Camera) -> bool:
    """Return whether a thing goes on below the photo, so that its foot is not known."""
    lowest = max(solid.outline_px[:, 1].max() for solid in prism.walk() if not solid.children)
    return bool(lowest >= (1 - CUT_OFF) * camera.height)


def _name_ground(body: _Body, scene: Scene) -> str:
    """Return the name of the slab of ground under a thing, where there is one."""
    middle = body.footprint.centroid
    for prism in scene.prisms:
        for solid in prism.walk():
            if prism.kind == "ground" and not solid.children and abs(solid.world_from_plane[1, 2] - 1) < 1e-6:
                corners = transform(
                    solid.world_from_plane, np.column_stack([solid.outline, np.zeros(len(solid.outline))])
                )
                if shapely.Polygon(corners[: solid.ring_sizes[0], [0, 2]]).buffer(0).contains(middle):
                    return prism.name
    return GROUND


def _metres_of(px: float, body: _Body, camera: Camera) -> float:
    return px * body.distance / camera.fy
