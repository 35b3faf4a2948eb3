"""Changing a blockout afterwards: one measurement for all of it, labels, and merging solids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..errors import UsageError
from ..reconstruct.names import identifier, stem
from .objects import fill_mesh
from .thickness import PAIRS, POINTS, SHAPE, SOURCE, THICKNESS, read_points
from .tree import IS_WHOLE, find_root, solids_below

LABEL, SEEN, UV = "label", "seen", "st"
AXES = {"HEIGHT": 2, "WIDTH": 0, "DEPTH": 1}
MERGED = "merged"  # a shape that is none: several solids in one


def measure(things: Iterable[bpy.types.Object], axis: str) -> float:
    """Return how far solids reach in the world along an axis of ``AXES``, metres."""
    places = [(thing.matrix_world @ Vector(corner))[AXES[axis]] for thing in things for corner in thing.bound_box]
    return max(places) - min(places) if places else 0.0


def rescale(root: bpy.types.Object, factor: float) -> None:
    """Multiply every length of a blockout, so that nothing keeps a scale of its own; the root stays in place."""
    for mesh in {thing.data for thing in solids_below(root)}:
        mesh.transform(Matrix.Scale(factor, 4))
        mesh.update()
    for thing in root.children_recursive:
        thing.location *= factor
        thing.matrix_parent_inverse.translation *= factor
        if THICKNESS in thing:
            thing[THICKNESS] *= factor
        if thing.type == "CAMERA":
            thing.data.clip_start *= factor
            thing.data.clip_end *= factor
    root["scale"] = f"x {factor:.4g} after {root.get('scale', 'an unknown scale')}"


def relabel(thing: bpy.types.Object, label: str) -> None:
    """Give a solid, or a group, another label, and all names that are made of it.

    Raises:
        UsageError: there is no text.
    """
    label = label.strip()
    if not label:
        raise UsageError("a label needs some text: write what the thing is.")
    group = thing.parent if IS_WHOLE in thing else None
    for one in filter(None, (thing, group)):
        one[LABEL] = label
        number = _number(one)
        prim = f"seg_{number}_{identifier(label)}"
        one.name = prim if one.type == "EMPTY" else f"{stem(prim)}_geo"
        if one.type == "MESH":
            one.data.name = one.name
            for material in one.data.materials:
                if material and material.users == 1:
                    material.name = f"{stem(prim)}_mtl"


def merge(things: Sequence[bpy.types.Object]) -> bpy.types.Object:
    """Make one solid of several; the first gives its name, label and place, and the others go.

    The points of all fronts come first and then those of all backs: the thickness of the whole stays one slider.

    Raises:
        UsageError: fewer than two solids, or of different blockouts.
    """
    if len(things) < 2 or len({find_root(thing) for thing in things}) != 1:
        raise UsageError(f"{len(things)} solids of one blockout are selected: select two or more to merge.")
    first = things[0]
    pairs = [thing.data.get(PAIRS, 0) if _is_as_made(thing) else 0 for thing in things]
    is_paired = all(pairs) and all(thing.get(SHAPE) == "prism" for thing in things)
    parts = [_Part(thing, first) for thing in things]
    order = _order([len(part.points) for part in parts], pairs) if is_paired else None
    mesh = _join(parts, first.data.name, order)
    mesh[PAIRS], mesh[POINTS] = (sum(pairs) if is_paired else 0), len(mesh.vertices)
    _replace(first, mesh)
    first[THICKNESS] = max(thing.get(THICKNESS, 0.0) for thing in things)
    first[SOURCE] = "the thickest of what was merged"
    if not is_paired:
        first[SHAPE] = MERGED
    first["pixels"] = sum(thing.get("pixels", 0) for thing in things)
    for other in things[1:]:
        remove(other)
    return first


def remove(thing: bpy.types.Object) -> None:
    """Remove a solid with its mesh, where nothing else uses that."""
    mesh = thing.data
    bpy.data.objects.remove(thing)
    if mesh.users == 0:
        bpy.data.meshes.remove(mesh)


class _Part:
    """Polygons of a solid, its points in the axes of another object."""

    def __init__(self, thing: bpy.types.Object, target: bpy.types.Object) -> None:
        mesh = thing.data
        target_from_thing = np.array(target.matrix_world.inverted() @ thing.matrix_world)
        self.points = read_points(mesh) @ target_from_thing[:3, :3].T + target_from_thing[:3, 3]
        self.sizes = _read(mesh.polygons, "loop_total", np.int32)
        self.corners = _read(mesh.loops, "vertex_index", np.int32)
        self.slots = _read(mesh.polygons, "material_index", np.int32)
        self.materials = list(mesh.materials)
        self.seen = _read(mesh.attributes[SEEN].data, "value", np.int32) if SEEN in mesh.attributes else 0 * self.sizes
        layer = mesh.uv_layers.get(UV)
        uv = np.zeros(2 * len(self.corners), np.float32)
        if layer:
            layer.uv.foreach_get("vector", uv)
        self.uv = uv


def _join(parts: Sequence[_Part], name: str, order: np.ndarray | None) -> bpy.types.Mesh:
    """Return one mesh of parts; ``order`` tells, for each place in it, which point of all parts goes there."""
    mesh = bpy.data.meshes.new(name)
    points = np.concatenate([part.points for part in parts])
    starts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    corners = np.concatenate([part.corners + start for part, start in zip(parts, starts, strict=True)])
    if order is not None:
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order))
        points, corners = points[order], place[corners]
    materials = list(dict.fromkeys(material for part in parts for material in part.materials))
    for material in materials:
        mesh.materials.append(material)
    slots = [[materials.index(m) for m in part.materials] or [0] for part in parts]
    fill_mesh(mesh, points, np.concatenate([part.sizes for part in parts]), corners)
    slot = np.concatenate([np.array(of)[part.slots] for of, part in zip(slots, parts, strict=True)])
    mesh.polygons.foreach_set("material_index", slot.astype(np.int32))
    mesh.uv_layers.new(name=UV).uv.foreach_set("vector", np.concatenate([part.uv for part in parts]))
    seen = np.concatenate([part.seen for part in parts])
    mesh.attributes.new(SEEN, "INT", "FACE").data.foreach_set("value", seen)
    mesh.update()
    return mesh


def _order(counts: Sequence[int], pairs: Sequence[int]) -> np.ndarray:
    """Return which points come first: all fronts, then all backs, then what lies between."""
    starts = np.cumsum([0, *counts[:-1]])
    fronts = [start + np.arange(n) for start, n in zip(starts, pairs, strict=True)]
    backs = [start + n + np.arange(n) for start, n in zip(starts, pairs, strict=True)]
    others = [start + np.arange(2 * n, count) for start, n, count in zip(starts, pairs, counts, strict=True)]
    return np.concatenate([*fronts, *backs, *others])


def _replace(thing: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Give an object another mesh under the same name."""
    old = thing.data
    name = old.name
    thing.data = mesh
    if old.users == 0:
        bpy.data.meshes.remove(old)
    mesh.name = name


def _is_as_made(thing: bpy.types.Object) -> bool:
    return thing.data.get(POINTS) == len(thing.data.vertices)


def _number(thing: bpy.types.Object) -> str:
    """Return the number in an object's name, such as 003 of sofa_003_geo and of seg_003_sofa."""
    words = thing.name.partition(".")[0].split("_")
    numbers = [word for word in (words[1:2] if words[0] == "seg" else words[-2:-1]) if word.isdigit()]
    return numbers[0] if numbers else "000"


def _read(items: Any, name: str, kind: type) -> np.ndarray:
    values: np.ndarray = np.empty(len(items), kind)
    items.foreach_get(name, values)
    return values
