"""Prims and attributes of a layer: Sdf in the few forms that a stage needs, several times faster than UsdGeom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pxr import Sdf

TYPES = {
    name: getattr(Sdf.ValueTypeNames, attribute)
    for name, attribute in {
        "asset": "Asset",
        "color3f": "Color3f",
        "color3f[]": "Color3fArray",
        "double3": "Double3",
        "float": "Float",
        "float2": "Float2",
        "float3": "Float3",
        "float3[]": "Float3Array",
        "int": "Int",
        "int[]": "IntArray",
        "matrix4d": "Matrix4d",
        "normal3f[]": "Normal3fArray",
        "point3f[]": "Point3fArray",
        "string": "String",
        "texCoord2f[]": "TexCoord2fArray",
        "token": "Token",
        "token[]": "TokenArray",
    }.items()
}


def add_prim(
    parent: Sdf.PrimSpec | Sdf.Layer, name: str, type_name: str, kind: str = "", schemas: Sequence[str] = ()
) -> Sdf.PrimSpec:
    """Define a prim below a prim, or at the root of a layer.

    Args:
        parent: where.
        name: a valid identifier.
        type_name: of the schema, such as "Xform".
        kind: of the model hierarchy, such as "component".
        schemas: applied API schemas.
    """
    prim = Sdf.PrimSpec(parent, name, Sdf.SpecifierDef, type_name)
    if kind:
        prim.kind = kind
    if schemas:
        prim.SetInfo("apiSchemas", Sdf.TokenListOp.Create(prependedItems=list(schemas)))
    return prim


def add_attribute(
    prim: Sdf.PrimSpec, name: str, type_name: str, value: Any = None, *, uniform: bool = False, custom: bool = False
) -> Sdf.AttributeSpec:
    """Add an attribute, with a default value unless that is None."""
    variability = Sdf.VariabilityUniform if uniform else Sdf.VariabilityVarying
    attribute = Sdf.AttributeSpec(prim, name, TYPES[type_name], variability, custom)
    if value is not None:
        attribute.default = value
    return attribute


def add_primvar(prim: Sdf.PrimSpec, name: str, type_name: str, value: Any, interpolation: str) -> Sdf.AttributeSpec:
    """Add the primvar ``name``, "constant", which is what USD takes unless told, "uniform" or "faceVarying"."""
    attribute = add_attribute(prim, f"primvars:{name}", type_name, value)
    if interpolation != "constant":
        attribute.SetInfo("interpolation", interpolation)
    return attribute


def bind_material(prim: Sdf.PrimSpec, material: Sdf.Path) -> None:
    """Bind a material to a prim that applies MaterialBindingAPI."""
    add_relationship(prim, "material:binding", material)


def add_relationship(prim: Sdf.PrimSpec, name: str, target: Sdf.Path, *, custom: bool = False) -> None:
    """Add a relationship with one target."""
    Sdf.RelationshipSpec(prim, name, custom).targetPathList.explicitItems = [target]


def add_variants(prim: Sdf.PrimSpec, name: str, variants: Sequence[str], selected: str) -> list[Sdf.PrimSpec]:
    """Add a variant set.

    Returns:
        For each variant the spec that stands for the prim in it, below which its opinions go.
    """
    variant_set = Sdf.VariantSetSpec(prim, name)
    prim.variantSetNameList.prependedItems = [name]
    prim.variantSelections[name] = selected
    return [Sdf.VariantSpec(variant_set, variant).primSpec for variant in variants]


def override(prim: Sdf.PrimSpec, root: Sdf.PrimSpec, variant: Sdf.PrimSpec) -> Sdf.PrimSpec:
    """Return the place for a variant's opinions about a prim below the root that has the variant."""
    path = prim.path.StripAllVariantSelections().ReplacePrefix(root.path, variant.path)
    return Sdf.CreatePrimInLayer(prim.layer, path)
