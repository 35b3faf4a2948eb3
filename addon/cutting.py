"""Splitting a solid in two closed ones along a plane."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np
from mathutils import Vector

from ..errors import UsageError
from .editing import SEEN
from .thickness import PAIRS, POINTS, SHAPE, read_points

CUT = "cut"  # a shape without the order of points that a slider for its thickness needs
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
        UsageError: one of the halves would be empty.
    """
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
        mesh.name = old.name
        one.data = mesh
        mesh[PAIRS], mesh[POINTS] = _pair(mesh), len(mesh.vertices)
        if not mesh[PAIRS]:
            one[SHAPE] = CUT
    for collection in thing.users_collection:
        collection.objects.link(other)
    if old.users == 0:
        bpy.data.meshes.remove(old)
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
    return made


def _pair(mesh: bpy.types.Mesh) -> int:
    """Return 0: after a cut the points of front and back do not follow each other any more."""
    return 0
