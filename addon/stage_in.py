"""Stage -> what Blender is given: all levels side by side, metres, Z up. Runs in the worker; no bpy here.

Two forms of the same thing are written: a stage for Blenders with USD, and arrays with a list for those without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, Vt

from ..reconstruct.frames import METRES_PER_UNIT, blender_from_stage, carry_pose, factor_of, transform
from ..reconstruct.names import ROOT
from ..reconstruct.usd import save_layer
from ..reconstruct.usd_layer import add_attribute

LEVELS = "detail"
STAGE, TREE, ARRAYS = "working.usdc", "tree.json", "arrays.npz"
USER = "userProperties:"
PAIRS = "blockout_pairs"  # as in thickness.py, which needs bpy
FLAT = 0.01  # how far points may leave their plane, as a share of the thickness


def prepare(stage_file: Path, folder: Path) -> dict[str, Any]:
    """Write both forms of a stage into a folder.

    Args:
        stage_file: as the pipeline writes it: .usd, .usda or .usdc, in any of its units and axes.
        folder: receives ``STAGE``, ``TREE`` and ``ARRAYS``.

    Returns:
        {"sky": linear RGB or None, "levels": how many, "facts": what the stage says of its making}.
    """
    layer = Sdf.Layer.OpenAsAnonymous(str(stage_file))
    root = layer.GetPrimAtPath(ROOT)
    levels = _lay_levels_together(root)
    sky = _take_sky(root)
    _make_paths_absolute(layer, stage_file.parent)
    _to_blender_axes(layer)
    _note_pairs(layer)
    save_layer(layer, folder / STAGE)
    nodes, arrays = _describe(Usd.Stage.Open(layer))
    (folder / TREE).write_text(json.dumps(nodes), "utf-8")
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # NumPy 2.4 takes any name for its one option
    facts = layer.customLayerData.get("blockout", {})
    return {"sky": sky, "levels": levels, "facts": {key: str(value) for key, value in facts.items()}}


def _lay_levels_together(root: Sdf.PrimSpec) -> int:
    """Define the solids that stand for parts beside these, not in variants; return how many levels there are."""
    layer = root.layer
    if LEVELS not in root.variantSets:
        return 1
    variants = list(root.variantSets[LEVELS].variants)
    for variant in variants:
        for prim in _defined(variant.primSpec):
            target = prim.path.StripAllVariantSelections()
            Sdf.CopySpec(layer, prim.path, layer, target)
    del root.variantSets[LEVELS]
    root.variantSetNameList.ClearEditsAndMakeExplicit()
    root.ClearInfo("variantSetNames")
    root.ClearInfo("variantSelection")
    return len(variants)


def _defined(prim: Sdf.PrimSpec) -> Iterator[Sdf.PrimSpec]:
    """Yield the uppermost prims that are defined below a prim, and not only spoken of."""
    for child in prim.nameChildren:
        if child.specifier == Sdf.SpecifierDef:
            yield child
        else:
            yield from _defined(child)


def _take_sky(root: Sdf.PrimSpec) -> list[float] | None:
    """Take the dome light away and return its colour: the add-on sets the World, whether the scene has one or not."""
    light = root.nameChildren.get("sky_light")
    if light is None:
        return None
    colour = list(light.attributes["inputs:color"].default)
    del root.nameChildren["sky_light"]
    return colour


def _make_paths_absolute(layer: Sdf.Layer, folder: Path) -> None:
    """Let textures be found from the working stage's place."""

    def visit(path: Sdf.Path) -> None:
        attribute = layer.GetAttributeAtPath(path)
        if attribute and isinstance(attribute.default, Sdf.AssetPath) and attribute.default.path:
            attribute.default = Sdf.AssetPath(str((folder / attribute.default.path).resolve()))

    layer.Traverse(Sdf.Path.absoluteRootPath, visit)


def _to_blender_axes(layer: Sdf.Layer) -> None:
    """Bring every length into metres and every direction to Z up, so that no object needs a turned or scaled parent."""
    unit_m = layer.pseudoRoot.GetInfo("metersPerUnit") or METRES_PER_UNIT["cm"]
    similarity = blender_from_stage(unit_m, "Z" if layer.pseudoRoot.GetInfo("upAxis") == "Z" else "Y")
    layer.pseudoRoot.SetInfo("upAxis", "Z")
    layer.pseudoRoot.SetInfo("metersPerUnit", 1.0)

    def visit(path: Sdf.Path) -> None:
        prim = layer.GetPrimAtPath(path) if path.IsPrimPath() else None
        if prim:
            _convert(prim, similarity)

    layer.Traverse(Sdf.Path.absoluteRootPath, visit)


def _note_pairs(layer: Sdf.Layer) -> None:
    """Write on each Mesh how many points of its front have their counterparts at the back, for the thickness slider."""

    def visit(path: Sdf.Path) -> None:
        prim = layer.GetPrimAtPath(path) if path.IsPrimPath() else None
        if prim and prim.typeName == "Mesh":
            add_attribute(prim, f"{USER}{PAIRS}", "int", _count_pairs(prim), custom=True)

    layer.Traverse(Sdf.Path.absoluteRootPath, visit)


def _count_pairs(mesh: Sdf.PrimSpec) -> int:
    """Return N of a solid whose points 0..N-1 are the front and N..2N-1 the back; 0 where that does not hold.

    Caps are triangles; the one that the photo does not show is the back, whose points begin at N.
    """
    points = np.array(mesh.attributes["points"].default, np.float64)
    sizes = np.array(mesh.attributes["faceVertexCounts"].default)
    corners = np.array(mesh.attributes["faceVertexIndices"].default)
    seen = np.array(mesh.attributes["primvars:seen"].default, bool)
    hidden = corners[np.repeat(~seen & (sizes == 3), sizes)]
    count = int(hidden.min()) if len(hidden) and hidden.min() > 0 else len(points) // 2
    if not 3 <= count <= len(points) // 2:
        return 0
    front, back = points[:count], points[count : 2 * count]
    normal = np.linalg.svd(front - front.mean(axis=0), full_matrices=False)[2][2]
    depths = (back - front) @ normal
    is_flat = np.abs((front - front.mean(axis=0)) @ normal).max() < FLAT * np.abs(depths).max()
    return count if is_flat and np.ptp(depths) < FLAT * np.abs(depths).max() else 0


def _convert(prim: Sdf.PrimSpec, similarity: np.ndarray) -> None:
    attributes = prim.attributes
    if "xformOp:translate" in attributes:
        value = transform(similarity, np.array(attributes["xformOp:translate"].default))
        attributes["xformOp:translate"].default = Gf.Vec3d(*value.tolist())
    if "xformOp:transform" in attributes:
        matrix = carry_pose(similarity, np.array(attributes["xformOp:transform"].default).T)
        attributes["xformOp:transform"].default = Gf.Matrix4d(matrix.T.tolist())
    if "clippingRange" in attributes:
        attributes["clippingRange"].default = Gf.Vec2f(
            *(factor_of(similarity) * np.array(attributes["clippingRange"].default)).tolist()
        )
    if "points" in attributes:
        points = transform(similarity, np.array(attributes["points"].default, np.float64)).astype(np.float32)
        attributes["points"].default = Vt.Vec3fArray.FromNumpy(points)
        box = np.stack([points.min(axis=0), points.max(axis=0)])
        attributes["extent"].default = Vt.Vec3fArray.FromNumpy(box)
        turn = carry_pose(similarity, np.eye(4))
        normals = transform(turn, np.array(attributes["normals"].default, np.float64)).astype(np.float32)
        attributes["normals"].default = Vt.Vec3fArray.FromNumpy(normals)


def _describe(stage: Usd.Stage) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the tree of objects with materials, and the arrays that it names; an Xform with one Mesh is one object."""
    objects: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}

    def add(prim: Usd.Prim, parent: int | None) -> None:
        children = [child for child in prim.GetChildren() if child.GetTypeName() != "Scope"]
        matrix = np.array(UsdGeom.Xformable(prim).GetLocalTransformation()).T
        entry = {"parent": parent, "matrix": matrix.tolist(), "properties": _properties(prim)}
        only = children[0] if len(children) == 1 else None
        if only and only.IsA(UsdGeom.Mesh) and not prim.IsA(UsdGeom.Mesh):
            prim, children = only, []
        entry |= {"name": prim.GetName(), "type": prim.GetTypeName()}
        if prim.IsA(UsdGeom.Mesh):
            entry |= _describe_mesh(prim, f"{len(objects)}", arrays)
            children = []
        if prim.IsA(UsdGeom.Camera):
            entry["camera"] = {a.GetName(): _plain(a.Get()) for a in prim.GetAuthoredAttributes()}
            entry["camera"].pop("xformOp:transform")
        objects.append(entry)
        number = len(objects) - 1
        for child in children:
            add(child, number)

    add(stage.GetDefaultPrim(), None)
    return {"objects": objects, "materials": _describe_materials(stage)}, arrays


def _describe_mesh(prim: Usd.Prim, key: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Note the polygons of a Mesh under ``key``; return its materials and the name of its data."""
    mesh, primvars = UsdGeom.Mesh(prim), UsdGeom.PrimvarsAPI(prim)
    arrays[f"{key}.points"] = np.array(mesh.GetPointsAttr().Get(), np.float32)
    arrays[f"{key}.sizes"] = np.array(mesh.GetFaceVertexCountsAttr().Get(), np.int32)
    arrays[f"{key}.corners"] = np.array(mesh.GetFaceVertexIndicesAttr().Get(), np.int32)
    arrays[f"{key}.uv"] = np.array(primvars.GetPrimvar("st").ComputeFlattened(), np.float32)
    arrays[f"{key}.seen"] = np.array(primvars.GetPrimvar("seen").Get(), np.int32)
    bound = [_binding(prim)]
    faces = np.zeros(len(arrays[f"{key}.sizes"]), np.int32)
    for subset in UsdGeom.Subset.GetAllGeomSubsets(mesh):
        name = _binding(subset.GetPrim())
        if name not in bound:
            bound.append(name)
        faces[np.array(subset.GetIndicesAttr().Get())] = bound.index(name)
    arrays[f"{key}.faces"] = faces
    return {"arrays": key, "materials": bound, "mesh_properties": _properties(prim)}


def _binding(prim: Usd.Prim) -> str:
    """Return the name of the material that is bound to a prim itself."""
    targets = UsdShade.MaterialBindingAPI(prim).GetDirectBindingRel().GetTargets()
    return targets[0].name


def _describe_materials(stage: Usd.Stage) -> dict[str, dict[str, Any]]:
    """Return colour or picture, and roughness, of each material by its name."""
    materials = {}
    for prim in stage.Traverse():
        if not prim.IsA(UsdShade.Material):
            continue
        surface = UsdShade.Shader(prim.GetChild("surface"))
        photo = prim.GetChild("photo")
        materials[prim.GetName()] = {
            "colour": None if photo else _plain(surface.GetInput("diffuseColor").Get()),
            "picture": UsdShade.Shader(photo).GetInput("file").Get().path if photo else None,
            "roughness": float(surface.GetInput("roughness").Get()),
        }
    return materials


def _properties(prim: Usd.Prim) -> dict[str, str | float | int]:
    return {
        attribute.GetName()[len(USER) :]: _plain(attribute.Get())
        for attribute in prim.GetAuthoredAttributes()
        if attribute.GetName().startswith(USER)
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    return list(value) if isinstance(value, (Gf.Vec2f, Gf.Vec3f, Vt.TokenArray)) else value
