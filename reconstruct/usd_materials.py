"""Photo and mean colours -> UsdPreviewSurface materials and the texture file."""

from __future__ import annotations

import cv2
import numpy as np
from pxr import Gf, Sdf

from .usd_layer import add_attribute, add_prim

LONGEST_TEXTURE_PX = 4096  # what viewports of Maya and Blender take without reducing it themselves
JPEG_QUALITY = 90
PATTERN = "pattern"
GUESSED, TINT = np.array([0.16, 0.22, 0.32]), 0.4  # linear grey-blue, and its share in faces that are guessed
ROUGHNESS = 0.8  # matt: a blockout shows shape, not gloss


def make_colour_material() -> Sdf.Layer:
    """Return a layer with a matt material of one colour, to be copied: several times faster than made anew."""
    layer = Sdf.Layer.CreateAnonymous(".usdc")
    _, surface = _add_surface(layer, PATTERN)
    add_attribute(surface, "inputs:diffuseColor", "color3f", Gf.Vec3f(0.5))
    return layer


def add_colour_material(scope: Sdf.PrimSpec, name: str, colour: Gf.Vec3f, pattern: Sdf.Layer) -> Sdf.Path:
    """Add a material of one linear colour, a copy of what ``make_colour_material`` gave; return its path."""
    path = scope.path.AppendChild(name)
    Sdf.CopySpec(pattern, Sdf.Path(f"/{PATTERN}"), scope.layer, path)
    surface = path.AppendChild("surface")
    scope.layer.GetAttributeAtPath(surface.AppendProperty("inputs:diffuseColor")).default = colour
    return path.StripAllVariantSelections()


def tint_colour(colour: np.ndarray) -> np.ndarray:
    """Return a linear colour (3,) with a little grey-blue, for what the photo does not show."""
    return (1 - TINT) * colour + TINT * GUESSED


def add_photo_material(scope: Sdf.PrimSpec, name: str, file: str) -> Sdf.Path:
    """Add a matt material that shows a picture by the primvar ``st``; return its path.

    Args:
        scope: the prim that holds the materials.
        name: of the material.
        file: the picture's path, relative to the layer.
    """
    material, surface = _add_surface(scope, name)
    reader = _add_shader(material, "st_reader", "UsdPrimvarReader_float2")
    add_attribute(reader, "inputs:varname", "string", "st")
    texture = _add_shader(material, "photo", "UsdUVTexture")
    add_attribute(texture, "inputs:file", "asset", Sdf.AssetPath(file))
    add_attribute(texture, "inputs:sourceColorSpace", "token", "sRGB")
    add_attribute(texture, "inputs:wrapS", "token", "clamp")
    add_attribute(texture, "inputs:wrapT", "token", "clamp")
    _connect(texture, "inputs:st", "float2", reader, "outputs:result", "float2")
    _connect(surface, "inputs:diffuseColor", "color3f", texture, "outputs:rgb", "float3")
    return material.path


def encode_texture(rgb: np.ndarray) -> bytes:
    """Return a photo as JPEG, its long side at most ``LONGEST_TEXTURE_PX``.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
    """
    height, width = rgb.shape[:2]
    shrink = LONGEST_TEXTURE_PX / max(height, width)
    if shrink < 1:
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def _add_surface(scope: Sdf.PrimSpec | Sdf.Layer, name: str) -> tuple[Sdf.PrimSpec, Sdf.PrimSpec]:
    material = add_prim(scope, name, "Material")
    surface = _add_shader(material, "surface", "UsdPreviewSurface")
    add_attribute(surface, "inputs:roughness", "float", ROUGHNESS)
    _connect(material, "outputs:surface", "token", surface, "outputs:surface", "token")
    return material, surface


def _add_shader(material: Sdf.PrimSpec, name: str, identifier: str) -> Sdf.PrimSpec:
    shader = add_prim(material, name, "Shader")
    add_attribute(shader, "info:id", "token", identifier, uniform=True)
    return shader


def _connect(
    target: Sdf.PrimSpec, name: str, type_name: str, source: Sdf.PrimSpec, output: str, output_type: str
) -> None:
    """Add the input ``name`` of a shader and feed it by an output of another."""
    if output not in source.attributes:
        add_attribute(source, output, output_type)
    attribute = add_attribute(target, name, type_name)
    attribute.connectionPathList.explicitItems = [source.path.StripAllVariantSelections().AppendProperty(output)]
