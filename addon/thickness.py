"""How thick a solid is, and changing it: the seen face stays, the hidden side moves."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .tree import camera_of, find_root, solids_below

THICKNESS, SOURCE, SHAPE = "thickness_m", "thickness_source", "shape"
PAIRS = "blockout_pairs"  # of a mesh: N, where its points 0..N-1 are the front and N..2N-1 the back
POINTS = "blockout_points"  # of a mesh: how many points it had then; editing it by hand changes that
GROUPS = "blockout_groups"  # of a mesh that was merged: for each part the N of its own, and how many points more it has
LEAST_M = 0.001
BY_HAND = "set by hand"
TURNED = ("cylinder", "cone", "lathe")
PUSH = "blockout_push"  # of a mesh: a place of its front, the front's normal, and the way to the back: 9 numbers


def can_change(thing: bpy.types.Object | None) -> bool:
    """Return whether an object is a solid whose thickness is known and whose points are as they were made."""
    if thing is None or thing.type != "MESH" or thing.mode != "OBJECT" or thing.get(THICKNESS, 0) <= 0:
        return False
    if PUSH in thing.data:
        return True
    if thing.get(SHAPE) in TURNED:
        return camera_of(find_root(thing)) is not None
    return is_paired(thing.data)


def is_paired(mesh: bpy.types.Mesh) -> bool:
    """Return whether the points of front and back still follow each other as they were made."""
    return mesh.get(PAIRS, 0) > 0 and mesh.get(POINTS) == len(mesh.vertices)


def groups_of(mesh: bpy.types.Mesh) -> list[tuple[int, int]]:
    """Return for each part that a mesh was merged of the points of its front, and how many lie between the sides."""
    counts = list(mesh.get(GROUPS, (mesh[PAIRS], len(mesh.vertices) - 2 * mesh[PAIRS])))
    return list(zip(counts[::2], counts[1::2], strict=True))


def note_push(mesh: bpy.types.Mesh, source: bpy.types.Mesh) -> None:
    """Let a mesh whose points are in no order any more be thickened as the one that it comes from was."""
    if PUSH in source:
        mesh[PUSH] = list(source[PUSH])
    elif is_paired(source):
        points, pairs = read_points(source), source[PAIRS]
        front, back = points[:pairs], points[pairs : 2 * pairs]
        normal = np.linalg.svd(front - front.mean(axis=0), full_matrices=False)[2][2]
        mesh[PUSH] = [*front.mean(axis=0), *normal, *(back - front).mean(axis=0)]


def begin_push_here(mesh: bpy.types.Mesh) -> float:
    """Let the front of a mesh with ``PUSH`` be where its points begin; return its thickness, metres."""
    place, normal, way = np.reshape(mesh[PUSH], (3, 3))
    depths = (read_points(mesh) - place) @ normal
    nearest, furthest = sorted((depths.min(), depths.max()), key=abs)
    mesh[PUSH] = [*(place + nearest / (way @ normal) * way), *normal, *way]
    return float(abs(furthest - nearest))


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
    if PUSH in thing.data:
        moved = _push(points, np.reshape(thing.data[PUSH], (3, 3)), ratio)
    elif thing.get(SHAPE) in TURNED:
        moved = _stretch(thing, points, ratio)
    else:
        moved = _push_groups(points, groups_of(thing.data), ratio)
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


def _push_groups(points: np.ndarray, groups: Sequence[tuple[int, int]], ratio: float) -> np.ndarray:
    """Return points of which all fronts come first, then all backs, then what lies between, moved part by part."""
    moved = points.copy()
    pairs = sum(front for front, _ in groups)
    first, between = 0, 2 * pairs
    for front, others in groups:
        own = np.arange(first, first + front)
        rows = np.concatenate([own, pairs + own, np.arange(between, between + others)])
        moved[rows] = _push_back(points[rows], front, ratio)
        first, between = first + front, between + others
    return moved


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


def _push(points: np.ndarray, push: np.ndarray, ratio: float) -> np.ndarray:
    """Return points ``ratio`` times as far behind a plane as before, all moved the same way."""
    place, normal, way = push
    return points + np.outer((ratio - 1) * ((points - place) @ normal) / (way @ normal), way)


def _stretch(thing: bpy.types.Object, points: np.ndarray, ratio: float) -> np.ndarray:
    """Return points stretched level and away from the camera, the nearest of them staying where it is."""
    camera = camera_of(find_root(thing))
    assert camera
    away = thing.matrix_world.translation - camera.matrix_world.translation
    away.z = 0.0
    direction = np.array((thing.matrix_world.to_3x3().inverted() @ away).normalized())
    depth = points @ direction
    return points + np.outer((ratio - 1) * (depth - depth.min()), direction)
