"""Render scenes with Cycles, run by a Python that has bpy: ``python cycles_script.py JOB.npz OUT.npz``; never imported.

The job has, for each scene i: corners_i (T, 3, 3), surface_i, gloss_i, glow_i, casts_i (T,), albedo_i (H, W, 3),
axes_i, origin_i, focal_i, ambient_i, sun_i, sun_dir_i, lamp_i, lamp_at_i; and ``samples``. Of each come colour_i
(H, W, 3), linear; surface_i (H, W), -1 for nothing; depth_i (H, W), metres along the axis. The last two are passes
taken at the pixels' middles.
"""

import itertools
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

FARTHEST_M = 5000.0


def main(job_path: str, out_path: str) -> None:
    """Render each scene of a job twice: in its light, and as numbers."""
    job = np.load(job_path)
    made: dict[str, Any] = {}
    count = sum(name.startswith("corners_") for name in job.files)
    for number in range(count):
        given = {name.rsplit("_", 1)[0]: job[name] for name in job.files if name.endswith(f"_{number}")}
        bpy.ops.wm.read_factory_settings(use_empty=True)
        scene, (height, width) = bpy.context.scene, given["albedo"].shape[:2]
        _set_up(scene, (height, width), int(job["samples"]))
        _add_camera(scene, given, width)
        lit = {glows: _make_lit(given["albedo"], glows) for glows in (True, False)}
        for casts, glows in itertools.product((True, False), repeat=2):
            _add_mesh(scene, given, lit[glows], casts, glows)
        _add_lights(scene, given)
        made[f"colour_{number}"] = _render(scene)[..., :3]
        numbers = _render_numbers(scene)
        made[f"surface_{number}"] = np.where(numbers[..., 3] > 0.5, np.rint(numbers[..., 0]), -1).astype(np.int32)
        made[f"depth_{number}"] = np.where(numbers[..., 3] > 0.5, numbers[..., 1], np.inf)
    np.savez(out_path, **made)


def _set_up(scene: Any, size: tuple[int, int], samples: int) -> None:
    scene.render.engine = "CYCLES"
    scene.render.resolution_y, scene.render.resolution_x = size
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format, scene.render.image_settings.color_depth = "OPEN_EXR", "32"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.film_transparent = True
    scene.cycles.device, scene.cycles.samples = "CPU", samples
    # Few samples and what the denoiser makes of them: a seventh of the time of 24, and pictures that look alike.
    scene.cycles.use_adaptive_sampling, scene.cycles.use_light_tree = False, False
    scene.cycles.use_denoising = True
    scene.cycles.denoising_prefilter, scene.cycles.denoising_quality = "NONE", "FAST"
    scene.cycles.max_bounces = 3
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False


def _add_camera(scene: Any, given: dict[str, np.ndarray], width: int) -> None:
    camera = bpy.data.cameras.new("camera")
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", 36.0
    camera.lens = float(given["focal"]) / width * 36.0
    camera.clip_start, camera.clip_end = 0.02, FARTHEST_M
    eye = bpy.data.objects.new("camera", camera)
    right, down, forward = given["axes"]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack([right, -down, -forward], axis=1), given["origin"]
    eye.matrix_world = [tuple(column) for column in matrix.T]
    scene.collection.objects.link(eye)
    scene.camera = eye


def _add_mesh(scene: Any, given: dict[str, np.ndarray], material: Any, casts: bool, glows: bool) -> None:
    """Add the triangles that throw shadows, glow, both or neither, as one object with what is known of each face."""
    wanted = (given["casts"].astype(bool) == casts) & ((given["glow"] > 0) == glows)
    if not wanted.any():
        return
    corners = given["corners"][wanted].reshape(-1, 3)
    mesh = bpy.data.meshes.new("solids")
    mesh.from_pydata(corners.tolist(), [], np.arange(len(corners)).reshape(-1, 3).tolist())
    for name in ("surface", "gloss", "glow"):
        column = mesh.attributes.new(name, "FLOAT", "FACE")
        column.data.foreach_set("value", given[name][wanted].astype(np.float32))
    mesh.materials.append(material)
    solids = bpy.data.objects.new("solids", mesh)
    solids.visible_shadow = casts
    scene.collection.objects.link(solids)


def _make_lit(albedo: np.ndarray, glows: bool) -> Any:
    """Return a material that shows, wherever the camera looks, the albedo of that pixel.

    One that may glow makes each of its triangles a light to Cycles, which costs by their number.
    """
    height, width = albedo.shape[:2]
    image = bpy.data.images.new("albedo", width, height, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    opaque = np.dstack([albedo, np.ones((height, width))])[::-1].astype(np.float32)  # rows begin at the bottom
    image.pixels.foreach_set(opaque.ravel())
    material = bpy.data.materials.new("lit")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    picture, place = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeTexCoord")
    picture.image, picture.interpolation, picture.extension = image, "Closest", "EXTEND"
    links.new(place.outputs["Window"], picture.inputs["Vector"])
    links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    if glows:
        links.new(picture.outputs["Color"], shader.inputs["Emission Color"])
        links.new(_read_column(material, "glow"), shader.inputs["Emission Strength"])
    gloss, rough = _read_column(material, "gloss"), nodes.new("ShaderNodeMath")
    rough.operation, rough.use_clamp = "MULTIPLY_ADD", True
    rough.inputs[1].default_value, rough.inputs[2].default_value = -0.8, 0.95
    links.new(gloss, rough.inputs[0])
    links.new(rough.outputs[0], shader.inputs["Roughness"])
    return material


def _read_column(material: Any, name: str) -> Any:
    node = material.node_tree.nodes.new("ShaderNodeAttribute")
    node.attribute_name = name
    return node.outputs["Fac"]


def _add_lights(scene: Any, given: dict[str, np.ndarray]) -> None:
    """Add sky light, sun and lamp, so that white faces turned towards them are as bright as the colours say."""
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*given["ambient"].tolist(), 1)
    scene.world = world
    if given["sun"].max() > 0:
        light, (strength, colour) = bpy.data.lights.new("sun", "SUN"), _split(given["sun"])
        light.energy, light.color, light.angle = math.pi * strength, colour, math.radians(1)
        sun = bpy.data.objects.new("sun", light)
        sun.rotation_mode, sun.rotation_quaternion = "QUATERNION", _turn_to(given["sun_dir"])
        scene.collection.objects.link(sun)
    if given["lamp"].max() > 0:
        light, (strength, colour) = bpy.data.lights.new("lamp", "POINT"), _split(given["lamp"])
        light.energy, light.color, light.shadow_soft_size = 4 * math.pi**2 * strength, colour, 0.1
        lamp = bpy.data.objects.new("lamp", light)
        lamp.location = given["lamp_at"].tolist()
        scene.collection.objects.link(lamp)


def _split(colour: np.ndarray) -> tuple[float, list[float]]:
    return float(colour.max()), (colour / colour.max()).tolist()


def _turn_to(direction: np.ndarray) -> Any:
    """Return the turn that makes a light's own +z look where the light comes from."""
    from mathutils import Vector

    return Vector(direction.tolist()).to_track_quat("Z", "Y")


def _render_numbers(scene: Any) -> np.ndarray:
    """Return (H, W, 4): surface, depth, nothing, whether something was met, at the middles of pixels."""
    material = bpy.data.materials.new("numbers")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    out, light, join = (tree.nodes.new(f"ShaderNode{name}") for name in ("OutputMaterial", "Emission", "CombineXYZ"))
    tree.links.new(_read_column(material, "surface"), join.inputs["X"])
    tree.links.new(tree.nodes.new("ShaderNodeCameraData").outputs["View Z Depth"], join.inputs["Y"])
    tree.links.new(join.outputs[0], light.inputs["Color"])
    tree.links.new(light.outputs[0], out.inputs["Surface"])
    for thing in scene.objects:
        if thing.type == "MESH":
            thing.data.materials[0] = material
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BLACKMAN_HARRIS", 0.01
    return _render(scene)


def _render(scene: Any) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "picture.exr")
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(scene.render.filepath)
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
        bpy.data.images.remove(image)
    return values.reshape(height, width, 4)[::-1]


if __name__ == "__main__":
    main(*sys.argv[1:])
