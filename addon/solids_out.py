"""Described solids and groups -> Xform and Mesh prims, as ``usd_solids`` writes them. In the worker; no bpy here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Vt

from ..reconstruct.frames import METRES_PER_UNIT, blender_from_stage, transform
from ..reconstruct.meshes import Mesh
from ..reconstruct.names import encodable, identifier, stem
from ..reconstruct.usd_layer import add_attribute, add_prim, add_primvar, add_relationship, bind_material, override
from ..reconstruct.usd_materials import add_colour_material, add_photo_material, make_colour_material
from ..reconstruct.usd_solids import SUPPORT, add_polygons

STAGE_FROM_BLENDER = np.linalg.inv(blender_from_stage(METRES_PER_UNIT["cm"], "Y"))
TYPES = {bool: "int", int: "int", float: "float", str: "string"}
LARGEST_INT = 2**31 - 1
BACKDROP = "backdrop"
Entry = dict[str, Any]


@dataclass
class SolidsOut:
    """Adds described things to a layer.

    Attributes:
        root: the stage's root prim.
        scope: of the materials.
        levels: for each level but the finest, the root's spec in the variant that shows that level.
        things: groups and solids, parents first.
        arrays: their polygons, metres, Z up.
        materials: colour or picture by name.
    """

    root: Sdf.PrimSpec
    scope: Sdf.PrimSpec
    levels: Sequence[Sdf.PrimSpec]
    things: Sequence[Entry]
    arrays: Mapping[str, np.ndarray]
    materials: Mapping[str, Entry]
    _pattern: Sdf.Layer = field(default_factory=make_colour_material, init=False)
    _made: dict[str, Sdf.Path] = field(default_factory=dict, init=False)
    _material_names: dict[str, str] = field(init=False)
    _levels_of: dict[str, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Choose names for the materials, and note at which levels each shows; -1 where it always may."""
        names = make_unique(identifier(name.partition(".")[0]) for name in self.materials)
        self._material_names = dict(zip(self.materials, names, strict=True))
        self._levels_of = {name: set() for name in self.materials}
        for thing in self.things:
            for form, level in (("mesh", -1), ("whole", self._level_of(thing))):
                for name in thing[form]["materials"] if thing[form] else ():
                    self._levels_of[name].add(level)

    def add_all(self) -> None:
        """Add everything."""
        segments = add_prim(self.root, "segments", "Xform", "group")
        names = make_unique(identifier(thing["name"]) for thing in self.things)
        feet = self._find_feet()
        prims: list[Sdf.PrimSpec] = []
        for number, (name, thing) in enumerate(zip(names, self.things, strict=True)):
            above = thing["parent"]
            parent = prims[above] if above is not None else self.root if name == BACKDROP else segments
            offset = feet[number] - (feet[above] if above is not None else 0)
            prims.append(_add_xform(parent, name, thing["properties"], offset, is_part=above is not None))
            if thing["mesh"]:
                self._add_mesh(prims[-1], stem(name), thing["mesh"], feet[number])
        for number, (name, thing) in enumerate(zip(names, self.things, strict=True)):
            parts = [prim for prim, other in zip(prims, self.things, strict=True) if other["parent"] == number]
            if thing["whole"] and parts:
                self._add_whole(prims[number], parts, stem(name), thing, feet[number])
            carrier = segments.path.AppendChild(str(thing["properties"].get("supported_by", "")) or "-")
            if self.root.layer.GetPrimAtPath(carrier):
                add_relationship(prims[number], SUPPORT, carrier, custom=True)

    def _find_feet(self) -> list[np.ndarray]:
        """Return for each thing (3,) cm the middle of the lower side of the box around what shows of it."""
        boxes: list[list[np.ndarray]] = [[] for _ in self.things]
        for number, thing in enumerate(self.things):
            if thing["mesh"]:
                above: int | None = number
                points = transform(STAGE_FROM_BLENDER, self.arrays[f"{thing['mesh']['arrays']}.points"])
                while above is not None:
                    boxes[above] += [points.min(axis=0), points.max(axis=0)]
                    above = self.things[above]["parent"]
        return [_foot(np.array(box)) if box else np.zeros(3) for box in boxes]

    def _add_whole(
        self, xform: Sdf.PrimSpec, parts: Sequence[Sdf.PrimSpec], shared: str, thing: Entry, foot: np.ndarray
    ) -> None:
        """Let a group's own solid stand for its parts at the group's level."""
        number = self._level_of(thing)
        if number < 0:
            return
        level = self.levels[number]
        self._add_mesh(override(xform, self.root, level), shared, thing["whole"], foot)
        for part in parts:
            override(part, self.root, level).active = False

    def _level_of(self, group: Entry) -> int:
        """Return the level at which a group's own solid shows; -1 for none."""
        level = int(group["properties"].get("level", 0))
        return level if level < len(self.levels) else -1

    def _add_mesh(self, xform: Sdf.PrimSpec, shared: str, facts: Entry, foot: np.ndarray) -> None:
        """Add polygons, texture coordinates, metadata and materials of one solid."""
        of = {
            name: self.arrays[f"{facts['arrays']}.{name}"]
            for name in ("points", "sizes", "corners", "seen", "uv", "faces")
        }
        points = (transform(STAGE_FROM_BLENDER, of["points"]) - foot).astype(np.float32)
        mesh = add_prim(xform, f"{shared}_geo", "Mesh", schemas=["MaterialBindingAPI"])
        add_polygons(mesh, Mesh(points, of["sizes"], of["corners"], int(of["seen"].sum())), points)
        st, indices = np.unique(of["uv"], axis=0, return_inverse=True)
        add_primvar(mesh, "st", "texCoord2f[]", Vt.Vec2fArray.FromNumpy(st), "faceVarying")
        add_attribute(mesh, "primvars:st:indices", "int[]", Vt.IntArray.FromNumpy(indices.ravel().astype(np.int32)))
        add_primvar(mesh, "seen", "int[]", Vt.IntArray.FromNumpy(of["seen"]), "uniform")
        colours = Vt.Vec3fArray([Gf.Vec3f(*facts["colour"])])
        display = add_primvar(mesh, "displayColor", "color3f[]", colours, "constant")
        display.customData = {"Maya": {"generated": True}}  # or Maya shows it in place of the material
        for name, (type_name, value) in _metadata(facts["properties"]).items():
            add_primvar(mesh, name, type_name, value, "constant")
        self._bind(mesh, facts["materials"], of["faces"])

    def _bind(self, mesh: Sdf.PrimSpec, materials: Sequence[str], slots: np.ndarray) -> None:
        """Bind the material of most faces that show no picture, and the others by subsets of faces."""
        used = {name: np.flatnonzero(np.array(materials)[slots] == name) for name in dict.fromkeys(materials)}
        used = {name: faces for name, faces in used.items() if len(faces)}
        paths = {name: self._material(name) for name in used}
        plain = [name for name in used if not self.materials[name]["picture"]]
        body = max(plain or used, key=lambda name: len(used[name]))
        bind_material(mesh, paths[body])
        if len(used) == 1:
            return
        add_attribute(mesh, "subsetFamily:materialBind:familyType", "token", "partition", uniform=True)
        front = [name for name in used if self.materials[name]["picture"]]
        for name, faces in sorted(used.items(), key=lambda item: item[0] not in front):
            called = "body" if name == body else "front" if name in front[:1] else self._material_names[name]
            subset = add_prim(mesh, called, "GeomSubset", schemas=["MaterialBindingAPI"])
            add_attribute(subset, "elementType", "token", "face", uniform=True)
            add_attribute(subset, "familyName", "token", "materialBind", uniform=True)
            add_attribute(subset, "indices", "int[]", Vt.IntArray.FromNumpy(faces.astype(np.int32)))
            bind_material(subset, paths[name])

    def _material(self, name: str) -> Sdf.Path:
        """Return the path of a material; the first call adds it, in a level's variant if only that level shows it."""
        if name not in self._made:
            levels = self._levels_of[name]
            scope = self.scope
            if -1 not in levels and len(levels) == 1:
                scope = override(self.scope, self.root, self.levels[next(iter(levels))])
            facts, called = self.materials[name], self._material_names[name]
            if facts["picture"]:
                self._made[name] = add_photo_material(scope, called, facts["file"])
            else:
                self._made[name] = add_colour_material(scope, called, Gf.Vec3f(*facts["colour"]), self._pattern)
        return self._made[name]


def make_unique(names: Iterable[str]) -> list[str]:
    """Return names, those that came before with a number after them."""
    made: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" if number > 1 else name for number in count(1))
        made.append(next(one for one in numbered if one not in made))
    return made


def _add_xform(
    parent: Sdf.PrimSpec, name: str, properties: Mapping[str, Any], offset: np.ndarray, *, is_part: bool
) -> Sdf.PrimSpec:
    """Add what an artist moves as one: an Xform with its pivot at its foot."""
    xform = add_prim(parent, name, "Xform", "subcomponent" if is_part else "component")
    add_attribute(xform, "xformOp:translate", "double3", Gf.Vec3d(*offset.tolist()))
    add_attribute(xform, "xformOpOrder", "token[]", Vt.TokenArray(["xformOp:translate"]), uniform=True)
    for key, (type_name, value) in _metadata(properties).items():
        add_attribute(xform, f"userProperties:{key}", type_name, value, custom=True)
    return xform


def _metadata(properties: Mapping[str, Any]) -> dict[str, tuple[str, str | float]]:
    """Return type and value, by a name that USD takes, of custom properties."""
    found: dict[str, tuple[str, str | float]] = {}
    for name, value in properties.items():
        if isinstance(value, int) and abs(value) > LARGEST_INT:
            value = float(value)
        found[identifier(name)] = TYPES[type(value)], encodable(value) if isinstance(value, str) else value
    return found


def _foot(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
