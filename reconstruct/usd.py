"""Scene -> USD stage: its layout and its file, as Maya and Blender both read it; no geometry decisions here."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pxr import Gf, Sdf, Tf, Usd, Vt  # noqa: F401  usd-core 24.11 finds its plug-ins only when Usd is loaded

from .. import __version__
from .backdrop import backdrop_of
from .frames import (
    METRES_PER_UNIT,
    USD_CAMERA_FROM_CV,
    Units,
    UpAxis,
    carry_pose,
    factor_of,
    lens_mm,
    stage_from_world,
    transform,
)
from .meshes import Mesh, mesh_of
from .names import ROOT, Texture, encodable, texture_path
from .scene import Scene
from .usd_layer import add_attribute, add_prim, add_variants
from .usd_materials import add_photo_material, encode_texture
from .usd_solids import SolidWriter

VARIANT_SET = "detail"
CLIPPING = (0.1, 10.0)  # near plane over the nearest depth, far plane over the furthest
NEAREST_M = 0.001
Picture = Literal["photo", "plate"]
ZIP_ALIGNMENT = 64
ZIP_HEADER = 30  # bytes before a member's name
ZIP_PADDING = 0x1986  # the number of an extra field that only fills up


@dataclass(frozen=True)
class StageFacts:
    """What a stage shows by default: numbers of solids, of groups, of faces and of points, the backdrop included."""

    prisms: int
    groups: int
    faces: int
    points: int


def write_stage(
    scene: Scene,
    path: Path,
    *,
    units: Units = "cm",
    up: UpAxis = "Y",
    texture: Texture = "colour",
    backdrop: bool = False,
    tint_guessed: bool = False,
) -> StageFacts:
    """Write a scene as one USD stage, with its texture beside it or, in a .usdz, inside.

    The variant set ``VARIANT_SET`` of the root prim chooses the level of detail, "0" to the finest, which is selected.
    The files are those of ``names.stage_files`` and, with a clean plate, ``names.plate_files``. The same scene and
    arguments give the same bytes.

    Args:
        scene: with at least one solid.
        path: ends in .usd or .usdc (binary), .usda (text) or .usdz; existing files are replaced.
        units: the stage's unit of length.
        up: the stage's up axis.
        texture: "photo" shows the photograph on the front faces, "colour" the mean colour everywhere.
        backdrop: whether a card with the photograph stands behind the scene.
        tint_guessed: whether faces that the photo does not show have a colour of their own.

    Returns:
        What the stage holds.

    Raises:
        OSError: a file could not be written.
    """
    pictures = _choose_pictures(scene, path, texture, backdrop)
    layer = Sdf.Layer.CreateAnonymous(".usda" if path.suffix.lower() == ".usda" else ".usdc")
    with Sdf.ChangeBlock():
        _describe(layer, scene, units, up)
        facts = _fill(layer, scene, stage_from_world(units, up), pictures, texture == "photo", backdrop, tint_guessed)
    encoded = {file: encode_texture(picture) for file, picture in pictures.values()}
    if path.suffix.lower() == ".usdz":
        package_layer(layer, path, encoded)
    else:
        for file, content in encoded.items():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        save_layer(layer, path)
    return facts


def _choose_pictures(
    scene: Scene, path: Path, texture: Texture, backdrop: bool
) -> dict[Picture, tuple[Path, np.ndarray]]:
    """Return file and pixels, (H, W, 3) uint8 sRGB, of each picture that the stage shows."""
    pictures: dict[Picture, tuple[Path, np.ndarray]] = {}
    if texture == "photo" or backdrop:
        pictures["photo"] = texture_path(path), scene.photo.rgb
    if texture == "photo" and scene.plate is not None:
        pictures["plate"] = texture_path(path, "plate"), scene.plate.rgb
    return pictures


def _describe(layer: Sdf.Layer, scene: Scene, units: Units, up: UpAxis) -> None:
    """Write the layer's metadata: units, axis, and where everything comes from."""
    facts = {"photo": scene.photo.path.name, "camera": scene.camera.source, "scale": scene.scale.in_words}
    for source in scene.sources:
        if source.task != "camera":
            words = (source.name, source.version, source.licence and f"({source.licence})", source.note)
            facts[source.task] = " ".join(word for word in words if word)
    facts = {name: encodable(fact) for name, fact in facts.items()}
    layer.defaultPrim = ROOT[1:]
    layer.pseudoRoot.SetInfo("upAxis", up)
    layer.pseudoRoot.SetInfo("metersPerUnit", METRES_PER_UNIT[units])
    layer.documentation = "\n".join(
        [f"Made by Blockout {__version__} from one photograph.", *(f"{name}: {fact}" for name, fact in facts.items())]
    )
    layer.customLayerData = {"blockout": {"version": __version__, **facts}}


def _fill(
    layer: Sdf.Layer,
    scene: Scene,
    stage_from_world: np.ndarray,
    pictures: Mapping[Picture, tuple[Path, np.ndarray]],
    show_photo: bool,
    backdrop: bool,
    tint_guessed: bool,
) -> StageFacts:
    """Add everything below the root prim."""
    meshes = {prism.name: mesh_of(prism) for prism in scene.walk() if not prism.is_split}
    depths_m = _depth_range_m(scene, meshes)
    root = add_prim(layer, ROOT[1:], "Xform", "assembly")
    names = [str(level) for level in range(scene.finest + 1)]
    levels = add_variants(root, VARIANT_SET, names, selected=names[-1])
    _add_camera(root, scene, stage_from_world, depths_m)
    materials = add_prim(root, "mtl", "Scope")
    shown = {
        name: add_photo_material(materials, f"{name}_mtl", f"./textures/{file.name}")
        for name, (file, _) in pictures.items()
    }
    segments = add_prim(root, "segments", "Xform", "group")
    writer = SolidWriter(
        root, materials, levels[:-1], scene, stage_from_world, meshes, tint_guessed, shown.get("plate")
    )
    for prism in scene.prisms:
        writer.add(segments, prism, shown["photo"] if show_photo else None)
    if backdrop:
        card = backdrop_of(scene, depths_m[1])
        meshes[card.name] = mesh_of(card)
        writer.add(root, card, shown["photo"])
    if scene.sky_colour is not None:
        sky = add_prim(root, "sky_light", "DomeLight")
        add_attribute(sky, "inputs:color", "color3f", Gf.Vec3f(*map(float, scene.sky_colour)))
        add_attribute(sky, "inputs:intensity", "float", 1.0)
    return StageFacts(writer.prisms, writer.groups, writer.faces, writer.points)


def _depth_range_m(scene: Scene, meshes: dict[str, Mesh]) -> tuple[float, float]:
    """Return the least and the greatest depth along the optical axis, in metres."""
    camera_from_world = np.linalg.inv(scene.world_from_camera)
    depths = [transform(camera_from_world, mesh.points)[:, 2] for mesh in meshes.values()]
    return float(min(z.min() for z in depths)), float(max(z.max() for z in depths))


def _add_camera(root: Sdf.PrimSpec, scene: Scene, stage_from_world: np.ndarray, depths_m: tuple[float, float]) -> None:
    """Add the camera; apertures and focal length stay in millimetres for every unit, as Maya reads them."""
    stage_from_camera = carry_pose(stage_from_world, scene.world_from_camera @ USD_CAMERA_FROM_CV)
    camera = add_prim(root, "photo_cam", "Camera")
    add_attribute(camera, "xformOp:transform", "matrix4d", Gf.Matrix4d(stage_from_camera.T.tolist()))
    add_attribute(camera, "xformOpOrder", "token[]", Vt.TokenArray(["xformOp:transform"]), uniform=True)
    add_attribute(camera, "projection", "token", "perspective")
    lens = lens_mm(scene.camera)
    add_attribute(camera, "focalLength", "float", lens["focal_length"])
    add_attribute(camera, "horizontalAperture", "float", lens["horizontal_aperture"])
    add_attribute(camera, "verticalAperture", "float", lens["vertical_aperture"])
    add_attribute(camera, "horizontalApertureOffset", "float", lens["horizontal_aperture_offset"])
    add_attribute(camera, "verticalApertureOffset", "float", lens["vertical_aperture_offset"])
    planes_m = max(CLIPPING[0] * depths_m[0], NEAREST_M), CLIPPING[1] * depths_m[1]
    add_attribute(camera, "clippingRange", "float2", Gf.Vec2f(*(factor_of(stage_from_world) * z for z in planes_m)))


def save_layer(layer: Sdf.Layer, path: Path) -> None:
    """Write a layer to a file in the format of its suffix; a layer's own paths stay relative, a stage's would not."""
    try:
        is_written = layer.Export(str(path))
    except Tf.ErrorException:
        is_written = False
    if not is_written:  # USD names no reason
        code = errno.ENOSPC if shutil.disk_usage(path.parent).free < 2**20 else errno.EIO
        raise OSError(code, os.strerror(code), str(path))


def package_layer(layer: Sdf.Layer, path: Path, textures: Mapping[Path, bytes]) -> None:
    """Write a layer and its textures as one .usdz; USD's own writer takes a full disk for success.

    Source: the usdz specification: a zip file, nothing compressed, the layer first, all data at multiples of 64 bytes.
    """
    inner = path.with_suffix(".usdc")
    save_layer(layer, inner)
    members = [(inner.name, inner.read_bytes())]
    inner.unlink()
    members += [(f"textures/{file.name}", content) for file, content in textures.items()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            assert package.fp
            padding = -(package.fp.tell() + ZIP_HEADER + len(name.encode()) + 4) % ZIP_ALIGNMENT
            member.extra = struct.pack("<HH", ZIP_PADDING, padding) + bytes(padding)
            package.writestr(member, content)
