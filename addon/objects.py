"""Prepared arrays -> Blender objects, for Blenders that are built without USD: what its importer would have made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

Tree = dict[str, Any]
TREE, ARRAYS = "tree.json", "arrays.npz"  # as in stage_in.py, which needs USD


def read_tree(folder: Path) -> Tree:
    """Return the list of objects and materials that the worker prepared."""
    return json.loads((folder / TREE).read_text("utf-8"))


def make_objects(folder: Path) -> list[bpy.types.Object]:
    """Make every object of a prepared stage; none is linked to a collection yet."""
    tree = read_tree(folder)
    materials = {name: _make_material(name, facts) for name, facts in tree["materials"].items()}
    made: list[bpy.types.Object] = []
    with np.load(folder / ARRAYS) as arrays:
        for facts in tree["objects"]:
            thing = bpy.data.objects.new(facts["name"], _make_data(facts, arrays, materials))
            if facts["parent"] is not None:
                thing.parent = made[facts["parent"]]
            thing.matrix_local = Matrix(facts["matrix"])
            for name, value in facts["properties"].items():
                thing[name] = value
            made.append(thing)
    return made


def _make_data(facts: Tree, arrays: Any, materials: dict[str, bpy.types.Material]) -> bpy.types.ID | None:
    if facts["type"] == "Camera":
        return bpy.data.cameras.new(facts["name"])
    if facts["type"] != "Mesh":
        return None
    mesh = bpy.data.meshes.new(facts["name"])
    for name in facts["materials"]:
        mesh.materials.append(materials[name])
    of = {name: arrays[f"{facts['arrays']}.{name}"] for name in ("points", "sizes", "corners", "uv", "seen", "faces")}
    fill_mesh(mesh, of["points"], of["sizes"], of["corners"])
    mesh.uv_layers.new(name="st").uv.foreach_set("vector", of["uv"].ravel())
    mesh.attributes.new("seen", "INT", "FACE").data.foreach_set("value", of["seen"])
    mesh.polygons.foreach_set("material_index", of["faces"])
    for name, value in facts["mesh_properties"].items():
        mesh[name] = value
    mesh.update()
    return mesh


def fill_mesh(mesh: bpy.types.Mesh, points: np.ndarray, sizes: np.ndarray, corners: np.ndarray) -> None:
    """Give an empty mesh its polygons, flat shaded.

    Args:
        mesh: without vertices.
        points: (P, 3) float32, metres.
        sizes: (F,) int32, corners of each face.
        corners: (sum of sizes,) int32, point numbers.
    """
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(points, np.float32).ravel())
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(corners, np.int32))
    mesh.polygons.add(len(sizes))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_flat()


def _make_material(name: str, facts: Tree) -> bpy.types.Material:
    """Make a material with the colour, or the picture, and the roughness that the stage gives it."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Roughness"].default_value = material.roughness = facts["roughness"]
    if facts["picture"]:
        texture, where = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeUVMap")
        texture.image = bpy.data.images.load(facts["picture"])
        texture.extension, where.uv_map = "EXTEND", "st"
        texture.location, where.location = (-300, 300), (-600, 300)
        links.new(where.outputs["UV"], texture.inputs["Vector"])
        links.new(texture.outputs["Color"], surface.inputs["Base Color"])
    else:
        colour = (*facts["colour"], 1.0)
        surface.inputs["Base Color"].default_value = material.diffuse_color = colour
    return material
