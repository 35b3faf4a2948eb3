"""Import stages into Blender and write down what arrived, as JSON; runs in the Python of a bpy module.

stdin: [{"stage": path, "width": px, "height": px, "points": [[x, y, z], ...]}, ...], points in metres, Z up.
The file named by the argument, for each: {"objects": {name: {...}}, "points_px": [[x, y], ...], "textures": [name]}.
"""

import json
import sys
from pathlib import Path

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

PLAIN = (str, int, float)


def read_stage(job):
    """Return what Blender made of one stage."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.usd_import(filepath=job["stage"])
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = job["width"], job["height"]
    cameras = [thing for thing in bpy.data.objects if thing.type == "CAMERA"]
    scene.camera = cameras[0]
    bpy.context.view_layer.update()
    views = [world_to_camera_view(scene, scene.camera, Vector(point)) for point in job["points"]]
    return {
        "cameras": [camera.name for camera in cameras],
        "objects": {thing.name: describe(thing) for thing in bpy.data.objects},
        "points_px": [[view.x * job["width"], (1 - view.y) * job["height"]] for view in views],
        "textures": sorted(image.name for image in bpy.data.images if image.source == "FILE"),
        "missing": [image.filepath for image in bpy.data.images if not is_there(image)],
    }


def is_there(image):
    """Return whether an image is packed, or its file exists."""
    return bool(image.packed_file) or Path(bpy.path.abspath(image.filepath)).exists()


def describe(thing):
    """Return what is compared of one object."""
    facts = {
        "type": thing.type,
        "parent": thing.parent.name if thing.parent else None,
        "pivot": list(thing.matrix_world.translation),
        "properties": {key: thing[key] for key in thing.keys() if isinstance(thing[key], PLAIN)},  # noqa: SIM118, no Mapping
    }
    if thing.type == "MESH":
        facts["points"] = [list(thing.matrix_world @ vertex.co) for vertex in thing.data.vertices]
        facts["materials"] = [material.name for material in thing.data.materials]
        facts["colours"] = [colour_of(material) for material in thing.data.materials]
        facts["face_materials"] = [face.material_index for face in thing.data.polygons]
    return facts


def colour_of(material):
    """Return a material's linear base colour, None when a texture gives it."""
    for node in material.node_tree.nodes:
        if node.type == "BSDF_PRINCIPLED":
            socket = node.inputs["Base Color"]
            return None if socket.is_linked else list(socket.default_value)[:3]
    return None


Path(sys.argv[1]).write_text(json.dumps([read_stage(job) for job in json.load(sys.stdin)]), "utf-8")
