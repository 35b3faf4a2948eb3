"""How thick a solid is, and changing it: the seen face stays, the hidden side moves."""

from __future__ import annotations

import bpy
import numpy as np

from .tree import camera_of, find_root, solids_below

THICKNESS, SOURCE, SHAPE = "thickness_m", "thickness_source", "shape"
PAIRS = "blockout_pairs"  # of a mesh: N, where its points 0..N-1 are the front and N..2N-1 the back
POINTS = "blockout_points"  # of a mesh: how many points it had then; editing it by hand changes that
LEAST_M = 0.001
BY_HAND = "set by hand"
TURNED = ("cylinder", "cone", "lathe")


def can_change(thing: bpy.types.Object | None) -> bool:
    """Return whether an object is a solid whose thickness is known and whose points are as they were made."""
    if thing is None or thing.type != "MESH" or thing.mode != "OBJECT" or thing.get(THICKNESS, 0) <= 0:
        return False
    if thing.get(SHAPE) in TURNED:
        return camera_of(find_root(thing)) is not None
    return thing.data.get(PAIRS, 0) > 0 and thing.data.get(POINTS) == len(thing.data.vertices)


def set_thickness(thing: bpy.types.Object, thickness_m: float, source: str = BY_HAND) -> None:
    """Move the hidden side of a solid; sides that run along the lines of sight go on doing so.

    Args:
        thing: for which ``can_change`` holds.
        thickness_m: at least ``LEAST_M``.
        source: in words, where the value comes from.
    """
    thickness_m = max(thickness_m, LEAST_M)
    ratio = thickness_m / thing[THICKNESS]
    points = read_points(thing.data)
    moved = _stretch(thing, points, ratio) if thing[SHAPE] in TURNED else _push_back(points, thing.data[PAIRS], ratio)
    thing.data.vertices.foreach_set("co", moved.astype(np.float32).ravel())
    thing.data.update()
    thing[THICKNESS], thing[SOURCE] = thickness_m, source


def limit_thickness(root: bpy.types.Object, least_m: float, most_m: float) -> None:
    """Bring all thicknesses of a blockout between two limits, metres; 0 is no limit."""
    for thing in solids_below(root):
        if can_change(thing):
            wanted = max(thing[THICKNESS], least_m)
            wanted = min(wanted, most_m) if most_m > 0 else wanted
            if wanted != thing[THICKNESS]:
                set_thickness(thing, wanted, f"limited to {wanted:g} m")


def read_points(mesh: bpy.types.Mesh) -> np.ndarray:
    """Return (P, 3) float64 the points of a mesh, in its object's axes."""
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3).astype(np.float64)


def _push_back(points: np.ndarray, pairs: int, ratio: float) -> np.ndarray:
    """Return points that lie ``ratio`` times as far behind the front as before, each on its own line.

    The lines join each point of the front with its own of the back. A point between the two, as texturing adds them,
    lies at the share s of a line through the place u on the front, which is found from both being linear in u.
    """
    front, back = points[:pairs], points[pairs : 2 * pairs]
    moved = points.copy()
    moved[pairs : 2 * pairs] = front + ratio * (back - front)
    others = points[2 * pairs :]
    if len(others) == 0:
        return moved
    origin = front.mean(axis=0)
    axes = np.linalg.svd(front - origin, full_matrices=False)[2]
    places = np.column_stack([np.ones(pairs), (front - origin) @ axes[:2].T])
    at_front, at_back = (np.linalg.lstsq(places, side, rcond=None)[0] for side in (front, back))
    normal = axes[2]
    shares = (others - origin) @ normal / ((back - front) @ normal).mean()
    for number, (point, share) in enumerate(zip(others, shares, strict=True), start=2 * pairs):
        at = (1 - share) * at_front + share * at_back
        place = np.linalg.lstsq(at[1:].T, point - at[0], rcond=None)[0]
        start = at_front[0] + place @ at_front[1:]
        moved[number] = start + ratio * (point - start)
    return moved


def _stretch(thing: bpy.types.Object, points: np.ndarray, ratio: float) -> np.ndarray:
    """Return points stretched level and away from the camera, the nearest of them staying where it is."""
    camera = camera_of(find_root(thing))
    assert camera
    away = thing.matrix_world.translation - camera.matrix_world.translation
    away.z = 0.0
    direction = np.array((thing.matrix_world.to_3x3().inverted() @ away).normalized())
    depth = points @ direction
    return points + np.outer((ratio - 1) * (depth - depth.min()), direction)
