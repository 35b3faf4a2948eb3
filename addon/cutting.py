"""Splitting a solid in two closed ones along a plane."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np
from mathutils import Vector

from ..errors import UsageError
from .editing import LABEL, SEEN, name_after, next_number, refuse_wholes
from .thickness import PAIRS, PUSH, SHAPE, THICKNESS, begin_push_here, note_push, read_points

CUT = "cut"  # a shape: its points follow no order any more
DIRECTIONS = {"WIDTH": Vector((1, 0, 0)), "HEIGHT": Vector((0, 0, 1)), "DEPTH": Vector((0, 1, 0))}


def split(thing: bpy.types.Object, direction: str, share: float) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Cut a solid in two.

    Args:
        thing: a solid; it becomes the first half.
        direction: of ``DIRECTIONS``: along which of the world's axes the halves lie side by side.
        share: where the cut goes, 0..1 of the way through the solid.

    Returns:
        Both halves, in rising order along the direction.

    Raises:
        UsageError: one of the halves would be empty, or the solid stands for parts.
    """
    refuse_wholes([thing])
    normal = thing.matrix_world.to_3x3().transposed() @ DIRECTIONS[direction]
    depths = read_points(thing.data) @ np.array(normal)
    place = float(depths.min() + share * np.ptp(depths))
    point = normal * (place / normal.length_squared)
    if not depths.min() < place < depths.max():
        raise UsageError(f"a cut at {share:g} leaves nothing on one side: choose a place between 0 and 1.")
    halves = [_half(thing.data, point, normal * side) for side in (1, -1)]
    other = thing.copy()
    old = thing.data
    for one, mesh in ((thing, halves[0]), (other, halves[1])):
        one.data = mesh
        one[SHAPE] = CUT
        mesh[PAIRS] = 0
        note_push(mesh, old)
        if PUSH in mesh:
            one[THICKNESS] = begin_push_here(mesh)
    name = old.name
    if old.users == 0:
        bpy.data.meshes.remove(old)
    halves[0].name = name
    for collection in thing.users_collection:
        collection.objects.link(other)
    name_after(other, thing.get(LABEL, ""), next_number(thing))
    return thing, other


def _half(mesh: bpy.types.Mesh, point: Vector, outward: Vector) -> bpy.types.Mesh:
    """Return what of a closed mesh lies behind a plane, closed again."""
    work = bmesh.new()
    work.from_mesh(mesh)
    geometry = [*work.verts, *work.edges, *work.faces]
    bmesh.ops.bisect_plane(work, geom=geometry, plane_co=point, plane_no=outward, clear_outer=True)
    open_edges = [edge for edge in work.edges if edge.is_boundary]
    before = set(work.faces)
    bmesh.ops.triangle_fill(work, edges=open_edges, use_beauty=True, use_dissolve=False, normal=outward)
    seen = work.faces.layers.int.get(SEEN)
    for face in set(work.faces) - before:
        face.smooth = False
        neighbours = [near for edge in face.edges for near in edge.link_faces if near in before]
        hidden = [near for near in neighbours if not (seen and near[seen])]
        face.material_index = (hidden or neighbours or [face])[0].material_index
        if seen:
            face[seen] = 0
    bmesh.ops.recalc_face_normals(work, faces=work.faces)
    made = mesh.copy()
    work.to_mesh(made)
    work.free()
    if made.has_custom_normals:
        made.normals_split_custom_set([(0.0, 0.0, 0.0)] * len(made.loops))  # back to the faces' own
    return made
