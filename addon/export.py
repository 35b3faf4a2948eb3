"""A blockout in Blender -> a list, arrays and pictures, of which the worker makes a stage; objects.py reversed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..errors import BlockoutError, UsageError, WorkerFailed
from .editing import LABEL, SEEN, UV, prim_name, read_attribute
from .objects import ARRAYS, TREE
from .places import package_folders, preferences
from .scene_in import SKY
from .thickness import read_points
from .tree import IS_WHOLE, LEVELS, camera_of, solids_below, whole_of
from .worker import ANOTHER_CACHE, Worker, find_interpreter

PATIENCE_S = 120.0
GREY = (0.5, 0.5, 0.5, 1.0)
LENS = ("lens", "sensor_width", "sensor_height", "shift_x", "shift_y", "clip_start", "clip_end")
PLAIN = (str, int, float, bool)
OURS = "blockout"  # how the names of properties begin that only the add-on needs

Entry = dict[str, Any]


def export(root: bpy.types.Object, stage: Path, *, overwrite: bool = True) -> list[str]:
    """Write a blockout as a stage of the pipeline's layout, with its pictures beside it.

    Args:
        root: of the blockout.
        stage: ends as stages do.
        overwrite: whether files that are there may be replaced.

    Returns:
        The files, the stage last.

    Raises:
        BlockoutError: one of its children, in one sentence.
    """
    told = preferences()
    try:
        with tempfile.TemporaryDirectory(prefix="blockout-", dir=told.cache or None) as folder:
            describe(root, Path(folder))
            job = {"task": "export", "described": folder, "stage": str(stage), "overwrite": overwrite}
            worker = Worker(job, find_interpreter(told.python, package_folders()), parent=told.cache)
            try:
                events = worker.wait(PATIENCE_S)
            finally:
                worker.close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        place = error.filename or told.cache or tempfile.gettempdir()
        raise WorkerFailed(f"{place} cannot be read or written ({reason}); {ANOTHER_CACHE}.") from None
    for event in events:
        if event["event"] == "exported":
            return event["files"]
        if event["event"] == "error":
            raise BlockoutError(event["message"])
    raise BlockoutError(f"{stage} was not written within {PATIENCE_S:g} s: see to the disk, or name another folder.")


def describe(root: bpy.types.Object, folder: Path) -> None:
    """Write all that a stage needs of a blockout into a folder.

    Raises:
        UsageError: it has no camera or no solid any more.
    """
    camera = camera_of(root)
    if camera is None or not any(True for _ in solids_below(root)):
        raise UsageError(f"{root.name} has lost its camera or all its solids: undo that, then export.")
    arrays: dict[str, np.ndarray] = {}
    things: list[Entry] = []
    materials: dict[str, bpy.types.Material] = {}
    _describe_below(root, None, things, arrays, materials)
    tree = {
        "facts": {name: value for name, value in root.items() if isinstance(value, str) and not _is_ours(name)},
        "sky": list(root[SKY]) if SKY in root else None,
        "levels": root[LEVELS],
        "camera": {name: getattr(camera.data, name) for name in LENS}
        | {"matrix": [list(row) for row in world_matrix(camera)], "fit": camera.data.sensor_fit},
        "things": things,
        "materials": {name: _describe_material(material, folder) for name, material in materials.items()},
    }
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # NumPy 2.4 takes any name for its one option
    (folder / TREE).write_text(json.dumps(tree), "utf-8")


def world_matrix(thing: bpy.types.Object) -> Matrix:
    """Return where an object is; Blender does not work that out for what is hidden."""
    own = thing.matrix_parent_inverse @ thing.matrix_basis
    return world_matrix(thing.parent) @ own if thing.parent else own


def _describe_below(
    above: bpy.types.Object,
    parent: int | None,
    things: list[Entry],
    arrays: dict[str, np.ndarray],
    materials: dict[str, bpy.types.Material],
) -> None:
    """Add the solids and groups below an object, parents first; an empty without a label is passed through."""
    for thing in sorted(above.children, key=lambda child: child.name):
        number = parent
        if (thing.type == "MESH" and IS_WHOLE not in thing) or (thing.type == "EMPTY" and LABEL in thing):
            number = len(things)
            whole = whole_of(thing) if thing.type == "EMPTY" else None
            entry = {"name": prim_name(thing), "parent": parent, "properties": _properties(thing)}
            entry["mesh"] = _describe_mesh(thing, f"{number}", arrays, materials) if thing.type == "MESH" else None
            entry["whole"] = _describe_mesh(whole, f"{number} whole", arrays, materials) if whole else None
            things.append(entry)
        _describe_below(thing, number, things, arrays, materials)


def _describe_mesh(
    thing: bpy.types.Object, key: str, arrays: dict[str, np.ndarray], materials: dict[str, bpy.types.Material]
) -> Entry:
    """Note the polygons of a solid, in the world, under ``key``; return the names of its materials."""
    mesh = _mesh_of(thing)
    matrix = np.array(world_matrix(thing))
    arrays[f"{key}.points"] = read_points(mesh) @ matrix[:3, :3].T + matrix[:3, 3]
    arrays[f"{key}.sizes"] = read_attribute(mesh.polygons, "loop_total", np.int32)
    corners = read_attribute(mesh.loops, "vertex_index", np.int32)
    arrays[f"{key}.corners"] = corners
    slots = read_attribute(mesh.polygons, "material_index", np.int32)
    seen = mesh.attributes.get(SEEN)
    arrays[f"{key}.seen"] = read_attribute(seen.data, "value", np.int32) if seen else np.zeros_like(slots)
    layer = mesh.uv_layers.get(UV)
    uv = read_attribute(layer.uv, "vector", np.float32, 2) if layer else np.zeros((len(corners), 2), np.float32)
    arrays[f"{key}.uv"] = uv
    names = []
    for material in mesh.materials or [None]:
        name = material.name if material else f"{prim_name(thing)}_mtl"
        materials.setdefault(name, material)
        names.append(name)
    arrays[f"{key}.faces"] = np.minimum(slots, len(names) - 1)
    return {"arrays": key, "materials": names, "colour": list(thing.color)[:3], "properties": _properties(thing)}


def _mesh_of(thing: bpy.types.Object) -> bpy.types.Mesh:
    """Return the polygons of an object, with what its modifiers do where it shows."""
    if not thing.modifiers or thing.hide_viewport:
        return thing.data
    return thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data


def _describe_material(material: bpy.types.Material | None, folder: Path) -> Entry:
    """Return the colour of a material, or the file of the picture that it shows."""
    if material is None:
        return {"colour": GREY[:3], "picture": None}
    nodes = material.node_tree.nodes if material.node_tree else ()
    surface = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if surface is None:
        return {"colour": list(material.diffuse_color)[:3], "picture": None}
    colour = surface.inputs["Base Color"]
    source = colour.links[0].from_node if colour.is_linked else None
    if source is None or source.type != "TEX_IMAGE" or source.image is None:
        return {"colour": list(colour.default_value)[:3], "picture": None}
    return {"colour": None, "picture": str(_picture(source.image, folder))}


def _picture(image: bpy.types.Image, folder: Path) -> Path:
    """Return the file of a picture, which may lie inside the .blend."""
    if not image.packed_file:
        return Path(bpy.path.abspath(image.filepath, library=image.library))
    place = folder / f"{len(list(folder.iterdir()))}{Path(image.filepath).suffix or '.png'}"
    place.write_bytes(image.packed_file.data)
    return place


def _properties(thing: bpy.types.Object) -> dict[str, Any]:
    """Return the custom properties that a stage can hold."""
    return {name: value for name, value in thing.items() if isinstance(value, PLAIN) and not _is_ours(name)}


def _is_ours(name: str) -> bool:
    return name.startswith((OURS, "_", "cycles"))
