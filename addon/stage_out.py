"""What export.py describes -> a stage of the pipeline's layout. Runs in the worker; no bpy here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pxr import Gf, Sdf, Usd, Vt  # noqa: F401  usd-core 24.11 finds its plug-ins only when Usd is loaded

from .. import __version__
from ..errors import UsageError
from ..output import staged
from ..pipeline import STAGE_SUFFIXES
from ..reconstruct.frames import METRES_PER_UNIT, carry_pose, factor_of
from ..reconstruct.names import ROOT, encodable, identifier, texture_path
from ..reconstruct.usd import VARIANT_SET, package_layer, save_layer
from ..reconstruct.usd_layer import add_attribute, add_prim, add_variants
from ..reconstruct.usd_materials import encode_texture
from .solids_out import STAGE_FROM_BLENDER, SolidsOut
from .stage_in import ARRAYS, TREE

Tree = dict[str, Any]


def write(described: Path, stage: Path, *, overwrite: bool) -> list[Path]:
    """Write a stage and its pictures, all of them or none.

    Args:
        described: folder that export.py filled.
        stage: the file.
        overwrite: whether files that exist may be replaced.

    Returns:
        The files, the stage last.

    Raises:
        UsageError: the name does not end as a stage's does.
        BlockoutError: another of its children, where the files cannot be written.
    """
    if stage.suffix.lower() not in STAGE_SUFFIXES:
        raise UsageError(f"{stage} is no stage: let the name end in {', '.join(STAGE_SUFFIXES)}.")
    tree = json.loads((described / TREE).read_text("utf-8"))
    pictures = _encode_pictures(tree["materials"], stage)
    is_package = stage.suffix.lower() == ".usdz"
    files = [*([] if is_package else pictures), stage]
    with np.load(described / ARRAYS) as arrays:
        layer = make_layer(tree, arrays, ".usda" if stage.suffix.lower() == ".usda" else ".usdc")
    with staged(files, overwrite=overwrite) as place:
        if is_package:
            package_layer(layer, place(stage), pictures)
        else:
            for file, content in pictures.items():
                place(file).write_bytes(content)
            save_layer(layer, place(stage))
    return files


def make_layer(tree: Tree, arrays: Mapping[str, np.ndarray], suffix: str) -> Sdf.Layer:
    """Return the layer of a described blockout."""
    layer = Sdf.Layer.CreateAnonymous(suffix)
    with Sdf.ChangeBlock():
        _describe(layer, tree["facts"])
        root = add_prim(layer, ROOT[1:], "Xform", "assembly")
        names = [str(level) for level in range(tree["levels"])]
        levels = add_variants(root, VARIANT_SET, names, selected=names[-1])
        _add_camera(root, tree["camera"])
        scope = add_prim(root, "mtl", "Scope")
        SolidsOut(root, scope, levels[:-1], tree["things"], arrays, tree["materials"]).add_all()
        if tree["sky"]:
            sky = add_prim(root, "sky_light", "DomeLight")
            add_attribute(sky, "inputs:color", "color3f", Gf.Vec3f(*tree["sky"]))
            add_attribute(sky, "inputs:intensity", "float", 1.0)
    return layer


def _describe(layer: Sdf.Layer, facts: Mapping[str, str]) -> None:
    """Write the layer's metadata as the pipeline does, and that it was edited since."""
    facts = {identifier(name): encodable(fact) for name, fact in facts.items() if name != "version"}
    layer.defaultPrim = ROOT[1:]
    layer.pseudoRoot.SetInfo("upAxis", "Y")
    layer.pseudoRoot.SetInfo("metersPerUnit", METRES_PER_UNIT["cm"])
    made = f"Made by Blockout {__version__} from one photograph, and edited in Blender."
    layer.documentation = "\n".join([made, *(f"{name}: {fact}" for name, fact in facts.items())])
    layer.customLayerData = {"blockout": {"version": __version__, **facts}}


def _add_camera(root: Sdf.PrimSpec, camera: Tree) -> None:
    """Add the camera, its lens in millimetres."""
    pose = carry_pose(STAGE_FROM_BLENDER, np.array(camera["matrix"]))
    prim = add_prim(root, "photo_cam", "Camera")
    add_attribute(prim, "xformOp:transform", "matrix4d", Gf.Matrix4d(pose.T.tolist()))
    add_attribute(prim, "xformOpOrder", "token[]", Vt.TokenArray(["xformOp:transform"]), uniform=True)
    add_attribute(prim, "projection", "token", "perspective")
    longer = max(camera["sensor_width"], camera["sensor_height"])
    lens = {
        "focalLength": camera["lens"],
        "horizontalAperture": camera["sensor_width"],
        "verticalAperture": camera["sensor_height"],
        "horizontalApertureOffset": camera["shift_x"] * longer,
        "verticalApertureOffset": camera["shift_y"] * longer,
    }
    for name, value in lens.items():
        add_attribute(prim, name, "float", value)
    planes = (factor_of(STAGE_FROM_BLENDER) * camera[name] for name in ("clip_start", "clip_end"))
    add_attribute(prim, "clippingRange", "float2", Gf.Vec2f(*planes))


def _encode_pictures(materials: Mapping[str, Tree], stage: Path) -> dict[Path, bytes]:
    """Return the content of each picture by the file that it goes to, and note that file on its material.

    Raises:
        UsageError: a picture is gone or cannot be read.
    """
    contents: dict[Path, bytes] = {}
    for name, facts in materials.items():
        if not facts["picture"]:
            continue
        source = Path(facts["picture"])
        file = texture_path(stage, identifier(name.partition(".")[0]).removesuffix("_mtl"))
        content = source.read_bytes() if source.is_file() else b""
        if not content.startswith(b"\xff\xd8"):  # the first bytes of a JPEG
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
            if pixels is None:
                raise UsageError(f"the picture {source} of {name} cannot be read: pack it, or give the solid a colour.")
            content = encode_texture(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
        if contents.get(file, content) != content:
            file = texture_path(stage, identifier(name))
        contents[file] = content
        facts["file"] = f"./textures/{file.name}"
    return contents
