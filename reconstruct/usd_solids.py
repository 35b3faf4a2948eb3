"""Prism -> Xform and Mesh prims with pivots, normals, texture coordinates, materials and metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pxr import Gf, Sdf, Vt

from ..inference.prediction import Camera
from .frames import project, transform
from .meshes import Mesh
from .names import encodable, stem
from .refine import find_seen_faces, refine_front
from .scene import Prism, Scene
from .thickness import find_uncertainty
from .usd_layer import add_attribute, add_prim, add_primvar, add_relationship, bind_material, override
from .usd_materials import add_colour_material, make_colour_material, tint_colour

SUPPORT = "blockout:supportedBy"  # relationship to what a thing rests on
TEXTURE_REACH = (-1.0, 2.0)  # points beside or behind the camera have no place in the photo


@dataclass
class SolidWriter:
    """Adds prisms to a layer and counts what shows by default: the finest level.

    Attributes:
        root: the stage's root prim.
        materials: the Scope that receives one colour material for each solid.
        levels: for each level but the finest, the root's spec in the variant that shows that level.
        scene: that the prisms belong to.
        stage_from_world: (4, 4) similarity.
        meshes: of all prisms with a solid that shows at some level, by their names.
        tint_guessed: whether faces that the photo does not show get another colour.
        plate_material: shows the clean plate; None where there is none.
        prisms, groups, faces, points: added so far.
    """

    root: Sdf.PrimSpec
    materials: Sdf.PrimSpec
    levels: Sequence[Sdf.PrimSpec]
    scene: Scene
    stage_from_world: np.ndarray
    meshes: dict[str, Mesh]
    tint_guessed: bool = False
    plate_material: Sdf.Path | None = None
    prisms: int = field(default=0, init=False)
    groups: int = field(default=0, init=False)
    faces: int = field(default=0, init=False)
    points: int = field(default=0, init=False)
    _pattern: Sdf.Layer = field(default_factory=make_colour_material, init=False)
    _tops: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Note what may carry something."""
        self._tops = frozenset(prism.name for prism in self.scene.prisms)

    def add(
        self,
        parent: Sdf.PrimSpec,
        prism: Prism,
        photo_material: Sdf.Path | None = None,
        parent_foot: np.ndarray | None = None,
    ) -> Sdf.PrimSpec:
        """Add a prism with all its parts; return its Xform.

        Args:
            parent: the prim above.
            prism: its Xform gets the prism's name; a Mesh goes below it, or its parts.
            photo_material: shown by the front faces; None for the mean colour everywhere.
            parent_foot: (3,) stage, the pivot of the group above; None where there is none.
        """
        foot = transform(self.stage_from_world, self._foot_world(prism))
        xform = add_prim(parent, prism.name, "Xform", "component" if parent_foot is None else "subcomponent")
        offset = foot if parent_foot is None else foot - parent_foot
        add_attribute(xform, "xformOp:translate", "double3", Gf.Vec3d(*offset.tolist()))
        add_attribute(xform, "xformOpOrder", "token[]", Vt.TokenArray(["xformOp:translate"]), uniform=True)
        for name, (type_name, value) in metadata_of(prism).items():
            add_attribute(xform, f"userProperties:{name}", type_name, value, custom=True)
        if prism.supported_by in self._tops:
            add_relationship(xform, SUPPORT, parent.path.AppendChild(prism.supported_by), custom=True)
        if prism.children:
            self.groups += 1
            parts = [self.add(xform, child, photo_material, foot) for child in prism.children]
            if not prism.is_split:
                self._add_whole(xform, parts, prism, photo_material, foot)
        else:
            solid = self._add_mesh(xform, self.materials, prism, photo_material, foot)
            self.prisms += 1
            self.faces += len(solid.face_sizes)
            self.points += len(solid.points)
        return xform

    def _add_whole(
        self,
        xform: Sdf.PrimSpec,
        parts: Sequence[Sdf.PrimSpec],
        prism: Prism,
        photo_material: Sdf.Path | None,
        foot: np.ndarray,
    ) -> None:
        """Let a group's own solid stand for its parts at the group's level.

        The solid is defined in that variant alone, so that readers without variants find the finest level.
        """
        level = self.levels[prism.level]
        whole, materials = (override(prim, self.root, level) for prim in (xform, self.materials))
        self._add_mesh(whole, materials, prism, photo_material, foot)
        for part in parts:
            override(part, self.root, level).active = False

    def _add_mesh(
        self,
        xform: Sdf.PrimSpec,
        materials: Sdf.PrimSpec,
        prism: Prism,
        photo_material: Sdf.Path | None,
        foot: np.ndarray,
    ) -> Mesh:
        """Add a prism's own solid with its material; return the solid as it was written, in world metres."""
        solid = self.meshes[prism.name]
        if photo_material and prism.shows_plate:
            photo_material = self.plate_material or photo_material
        if photo_material:
            solid, points_px = refine_front(solid, prism, self.scene)
            seen = np.arange(len(solid.face_sizes)) < solid.front_faces
        else:
            points_cam = transform(np.linalg.inv(self.scene.world_from_camera), solid.points)
            points_px = project(points_cam, self.scene.camera)
            seen = find_seen_faces(solid, prism, points_cam)
        points = transform(self.stage_from_world, solid.points) - foot
        mesh = add_prim(xform, f"{stem(prism.name)}_geo", "Mesh", schemas=["MaterialBindingAPI"])
        add_polygons(mesh, solid, points.astype(np.float32))
        _add_texture_coordinates(mesh, solid, points_px, self.scene.camera)
        add_primvar(mesh, "seen", "int[]", Vt.IntArray.FromNumpy(seen.astype(np.int32)), "uniform")
        colours = Vt.Vec3fArray([Gf.Vec3f(*prism.colour.tolist())])
        display = add_primvar(mesh, "displayColor", "color3f[]", colours, "constant")
        display.customData = {"Maya": {"generated": True}}  # or Maya shows it in place of the material
        for name, (type_name, value) in metadata_of(prism).items():
            add_primvar(mesh, name, type_name, value, "constant")
        self._bind_materials(mesh, materials, prism, photo_material, seen)
        return solid

    def _bind_materials(
        self,
        mesh: Sdf.PrimSpec,
        materials: Sdf.PrimSpec,
        prism: Prism,
        photo_material: Sdf.Path | None,
        seen: np.ndarray,
    ) -> None:
        """Bind the mean colour, and what else its seen faces, (F,) bool, show."""

        def add_material(name: str, colour: np.ndarray) -> Sdf.Path:
            return add_colour_material(materials, name, Gf.Vec3f(*colour.tolist()), self._pattern)

        shared = stem(prism.name)
        guessed = tint_colour(prism.colour) if self.tint_guessed else prism.colour
        body_material = add_material(f"{shared}_mtl", guessed)
        if not photo_material and self.tint_guessed:
            photo_material = add_material(f"{shared}_seen_mtl", prism.colour)
        bind_material(mesh, photo_material if photo_material and seen.all() else body_material)
        if photo_material and seen.any() and not seen.all():
            _split_materials(mesh, seen, photo_material, body_material)

    def _foot_world(self, prism: Prism) -> np.ndarray:
        """Return (3,) world metres, the middle of the lower side of the box around a prism or its parts."""
        points = np.concatenate([self.meshes[p.name].points for p in prism.walk() if not p.children])
        low, high = points.min(axis=0), points.max(axis=0)
        return np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])


def metadata_of(prism: Prism) -> dict[str, tuple[str, str | float]]:
    """Return type and value, by name, of what is known of a prism: for Blender on the Xform, for Maya on the Mesh."""
    metadata: dict[str, tuple[str, str | float]] = {
        "label": ("string", encodable(prism.label)),
        "kind": ("string", prism.kind),
        "score": ("float", float(prism.score)),
        "level": ("int", int(prism.level)),
        "pixels": ("int", int(prism.pixels)),
    }
    if prism.supported_by:
        metadata["supported_by"] = "string", prism.supported_by
    if not prism.is_split:
        metadata |= {
            "thickness_m": ("float", float(prism.thickness_m)),
            "thickness_source": ("string", encodable(prism.thickness_source)),
            "shape": ("string", prism.shape),
        }
        uncertainty = find_uncertainty(prism.thickness_source)
        if uncertainty is not None:
            metadata["thickness_uncertainty"] = "float", uncertainty
        if prism.reason:
            metadata["shape_reason"] = "string", encodable(prism.reason)
    return metadata


def add_polygons(mesh: Sdf.PrimSpec, solid: Mesh, points: np.ndarray) -> None:
    """Give a Mesh prim the faces of a solid, flat shaded; ``points``, (P, 3) float32, are in the prim's axes."""
    add_attribute(mesh, "points", "point3f[]", Vt.Vec3fArray.FromNumpy(points))
    add_attribute(mesh, "faceVertexCounts", "int[]", Vt.IntArray.FromNumpy(solid.face_sizes))
    add_attribute(mesh, "faceVertexIndices", "int[]", Vt.IntArray.FromNumpy(solid.face_points))
    extent = np.stack([points.min(axis=0), points.max(axis=0)])
    add_attribute(mesh, "extent", "float3[]", Vt.Vec3fArray.FromNumpy(extent))
    normals = add_attribute(mesh, "normals", "normal3f[]", Vt.Vec3fArray.FromNumpy(_corner_normals(solid, points)))
    normals.SetInfo("interpolation", "faceVarying")
    add_attribute(mesh, "subdivisionScheme", "token", "none", uniform=True)


def _corner_normals(solid: Mesh, points: np.ndarray) -> np.ndarray:
    """Return (corners,) x 3 float32 unit normals: flat faces, for which importers would else blend.

    Source: Newell's method, the sum of the cross products along each face's edges.
    """
    starts = np.cumsum(solid.face_sizes) - solid.face_sizes
    following = np.arange(1, len(solid.face_points) + 1)
    following[starts + solid.face_sizes - 1] = starts
    origin = np.repeat(points[solid.face_points[starts]], solid.face_sizes, axis=0)
    corners = (points[solid.face_points] - origin).astype(np.float64)
    (x, y, z), (x1, y1, z1) = corners.T, corners[following].T
    normals = np.add.reduceat(np.array([y * z1 - z * y1, z * x1 - x * z1, x * y1 - y * x1]), starts, axis=1)
    normals /= np.sqrt((normals * normals).sum(axis=0))
    return np.repeat(normals.T.astype(np.float32), solid.face_sizes, axis=0)


def _add_texture_coordinates(mesh: Sdf.PrimSpec, solid: Mesh, points_px: np.ndarray, camera: Camera) -> None:
    """Add ``st`` with v up, one for each point: (points, 2) float64 (x, y) px, where the photo would show it."""
    st = np.clip(points_px / (camera.width, camera.height), *TEXTURE_REACH)
    st[:, 1] = 1 - st[:, 1]
    add_primvar(mesh, "st", "texCoord2f[]", Vt.Vec2fArray.FromNumpy(st.astype(np.float32)), "faceVarying")
    add_attribute(mesh, "primvars:st:indices", "int[]", Vt.IntArray.FromNumpy(solid.face_points))


def _split_materials(mesh: Sdf.PrimSpec, seen: np.ndarray, front_material: Sdf.Path, body_material: Sdf.Path) -> None:
    """Bind the seen faces, (F,) bool, to one material and all others to another.

    Both subsets are written although the mesh is bound to the body's material already: Blender gives faces that are
    in no subset the material of the first one.
    """
    add_attribute(mesh, "subsetFamily:materialBind:familyType", "token", "partition", uniform=True)
    parts = {"front": (np.flatnonzero(seen), front_material), "body": (np.flatnonzero(~seen), body_material)}
    for name, (indices, material) in parts.items():
        subset = add_prim(mesh, name, "GeomSubset", schemas=["MaterialBindingAPI"])
        add_attribute(subset, "elementType", "token", "face", uniform=True)
        add_attribute(subset, "familyName", "token", "materialBind", uniform=True)
        add_attribute(subset, "indices", "int[]", Vt.IntArray.FromNumpy(indices.astype(np.int32)))
        bind_material(subset, material)
