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
from .scene_in import PICTURES
from .thickness import (
    GROUPS,
    PAIRS,
    POINTS,
    PUSH,
    SHAPE,
    SOURCE,
    THICKNESS,
    groups_of,
    is_paired,
    note_push,
    read_points,
)
from .tree import IS_WHOLE, find_root, solids_below, whole_of

LABEL, SEEN, UV = "label", "seen", "st"
SUPPORTED_BY = "supported_by"
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
        if PUSH in mesh:
            mesh[PUSH] = [factor * value for value in mesh[PUSH][:3]] + list(mesh[PUSH][3:])
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
    root = find_root(thing)
    assert root
    group = thing.parent if IS_WHOLE in thing else thing
    for one in filter(None, (group, whole_of(group))):
        old = prim_name(one)
        one[LABEL] = label
        name_after(one, label, _number(one) or next_number(one))
        _move_supports(root, {old}, prim_name(one))


def _move_supports(root: bpy.types.Object, old: set[str], new: str) -> None:
    """Let what rests on things that go by other names now rest on what has the new name."""
    for thing in root.children_recursive:
        if thing.get(SUPPORTED_BY) in old:
            thing[SUPPORTED_BY] = new


def name_after(thing: bpy.types.Object, label: str, number: str) -> None:
    """Name a solid or a group as the pipeline would, its mesh, and the material that is its own."""
    prim = f"seg_{number}_{identifier(label)}"
    thing.name = prim if thing.type == "EMPTY" else f"{stem(prim)}_geo"
    if thing.type == "MESH":
        thing.data.name = thing.name
        for material in thing.data.materials:
            if material and material.users == 1 and not material.name.startswith(PICTURES):
                material.name = f"{stem(prim)}_mtl"


def prim_name(thing: bpy.types.Object) -> str:
    """Return the name of an object's Xform in a stage, such as seg_003_sofa for sofa_003_geo."""
    plain = thing.name.partition(".")[0]
    if plain.startswith("seg_"):
        return plain
    plain = plain.removesuffix("_geo")
    return f"seg_{_number(thing)}_{plain.rpartition('_')[0]}" if _number(thing) else identifier(plain)


def next_number(thing: bpy.types.Object) -> str:
    """Return a number that no solid or group of an object's blockout has."""
    root = find_root(thing)
    assert root
    return f"{max(int(_number(other) or 0) for other in root.children_recursive) + 1:03d}"


def refuse_wholes(things: Iterable[bpy.types.Object]) -> None:
    """Raise UsageError where a solid stands for parts: its parts are what can be changed."""
    whole = next((thing for thing in things if IS_WHOLE in thing), None)
    if whole:
        raise UsageError(f"{whole.name} stands for its parts: raise the detail, and choose among the parts.")


def merge(things: Sequence[bpy.types.Object]) -> bpy.types.Object:
    """Make one solid of several; the first gives its name, label and place, and the others go.

    The points of all fronts come first and then those of all backs: the thickness of the whole stays one slider.

    Raises:
        UsageError: fewer than two solids, or of different blockouts, or one that stands for parts.
    """
    if len(things) < 2 or len({find_root(thing) for thing in things}) != 1:
        raise UsageError(f"{len(things)} solids of one blockout are selected: select two or more to merge.")
    refuse_wholes(things)
    first, root = things[0], find_root(things[0])
    assert root
    pairs = [thing.data[PAIRS] if is_paired(thing.data) else 0 for thing in things]
    keeps_order = all(pairs) and all(thing.get(SHAPE) == "prism" for thing in things)
    parts = [_Part(thing, first) for thing in things]
    order = _order([len(part.points) for part in parts], pairs) if keeps_order else None
    mesh = _join(parts, first.data.name, order)
    if keeps_order:
        mesh[GROUPS] = [number for thing in things for group in groups_of(thing.data) for number in group]
    mesh[PAIRS], mesh[POINTS] = (sum(pairs) if keeps_order else 0), len(mesh.vertices)
    if not keeps_order:
        note_push(mesh, first.data)
    _replace(first, mesh)
    first[THICKNESS] = max(thing.get(THICKNESS, 0.0) for thing in things)
    first[SOURCE] = "the thickest of what was merged"
    if not keeps_order:
        first[SHAPE] = MERGED
    first["pixels"] = sum(thing.get("pixels", 0) for thing in things)
    _move_supports(root, {prim_name(other) for other in things[1:]}, prim_name(first))
    for other in things[1:]:
        group = other.parent
        remove(other)
        _remove_empty(group)
    return first


def remove(thing: bpy.types.Object) -> None:
    """Remove a solid with its mesh, where nothing else uses that."""
    mesh = thing.data
    bpy.data.objects.remove(thing)
    if mesh.users == 0:
        bpy.data.meshes.remove(mesh)


def _remove_empty(group: bpy.types.Object | None) -> None:
    """Remove a group that has no parts any more, with the solid that stood for them."""
    while group is not None and LABEL in group and all(IS_WHOLE in child for child in group.children):
        above = group.parent
        for whole in group.children:
            remove(whole)
        bpy.data.objects.remove(group)
        group = above


class _Part:
    """Polygons of a solid, its points in the axes of another object."""

    def __init__(self, thing: bpy.types.Object, target: bpy.types.Object) -> None:
        mesh = thing.data
        target_from_thing = np.array(target.matrix_world.inverted() @ thing.matrix_world)
        self.points = read_points(mesh) @ target_from_thing[:3, :3].T + target_from_thing[:3, 3]
        self.sizes = read_attribute(mesh.polygons, "loop_total", np.int32)
        self.corners = read_attribute(mesh.loops, "vertex_index", np.int32)
        self.slots = read_attribute(mesh.polygons, "material_index", np.int32)
        self.materials = list(mesh.materials)
        seen = mesh.attributes.get(SEEN)
        self.seen = read_attribute(seen.data, "value", np.int32) if seen else np.zeros_like(self.sizes)
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


def _number(thing: bpy.types.Object) -> str:
    """Return the number in an object's name, such as 003 of sofa_003_geo and of seg_003_sofa; "" without one."""
    words = thing.name.partition(".")[0].split("_")
    numbers = [word for word in (words[1:2] if words[0] == "seg" else words[-2:-1]) if word.isdigit()]
    return numbers[0] if numbers else ""


def read_attribute(items: Any, name: str, kind: type, columns: int = 1) -> np.ndarray:
    """Return what Blender's items, such as a mesh's polygons, have under a name; (items, columns) for more than one."""
    values: np.ndarray = np.empty(len(items) * columns, kind)
    items.foreach_get(name, values)
    return values.reshape(-1, columns) if columns > 1 else values
