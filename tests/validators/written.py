"""What is known of a stage that was written, and what a reader has to find in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from blockout.reconstruct.backdrop import backdrop_of
from blockout.reconstruct.frames import Units, UpAxis, project, transform
from blockout.reconstruct.meshes import Mesh, mesh_of
from blockout.reconstruct.names import Texture, prim_paths, stem
from blockout.reconstruct.refine import refine_front
from blockout.reconstruct.scene import Prism, Scene
from pxr import Sdf


class Absent(Exception):
    """A validator is not installed; the message says how to install it."""


@dataclass(frozen=True, eq=False)
class WrittenStage:
    """A stage, what was asked of it, and the level of detail that is selected in it; None for the finest."""

    path: Path
    scene: Scene
    units: Units = "cm"
    up: UpAxis = "Y"
    texture: Texture = "colour"
    backdrop: bool = False
    level: int | None = None

    def at_level(self, level: int) -> WrittenStage:
        """Return a copy of the stage, beside it, that has another level selected."""
        path = self.path.with_name(f"{self.path.stem} level {level}{self.path.suffix}")
        layer = Sdf.Layer.OpenAsAnonymous(str(self.path))
        layer.GetPrimAtPath("/Blockout").variantSelections["detail"] = str(level)
        layer.Export(str(path))
        return replace(self, path=path, level=level)

    def solids(self) -> dict[str, tuple[Prism, str]]:
        """Return, by the name of its Mesh, each solid and the name of the prim above its Xform."""
        paths = prim_paths(self.scene.prisms)
        solids = {f"{stem(p.name)}_geo": (p, paths[p.name].rsplit("/", 2)[-2]) for p in self._shown()}
        if self.backdrop:
            solids["backdrop_geo"] = backdrop_of(self.scene, self._furthest_m()), "Blockout"
        return solids

    def front_picture(self, prism: Prism) -> str | None:
        """Return the picture that the front of a solid shows; None for its colour alone."""
        if prism.name == "backdrop":
            return "photo"
        if self.texture != "photo":
            return None
        return "plate" if prism.shows_plate and self.scene.plate is not None else "photo"

    def pictures(self) -> set[str]:
        """Return the pictures that the stage's materials show."""
        photo = {"photo"} if self.texture == "photo" or self.backdrop else set()
        plate = {"plate"} if self.texture == "photo" and self.scene.plate is not None else set()
        return photo | plate

    def mesh(self, prism: Prism) -> Mesh:
        """Return the polygons that were written for a solid."""
        return refine_front(mesh_of(prism), prism, self.scene)[0] if self.front_picture(prism) else mesh_of(prism)

    def probes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, 3) world points, metres, of all solids, and (N, 2) px where the photo shows them."""
        points = np.concatenate([mesh_of(prism).points for prism in self._shown()])
        return points, project(transform(np.linalg.inv(self.scene.world_from_camera), points), self.scene.camera)

    def box_below(self, prism: Prism) -> tuple[np.ndarray, np.ndarray]:
        """Return the corners, world metres, of the box around what shows for a prism at the finest level."""
        points = np.concatenate([mesh_of(solid).points for solid in prism.walk() if not solid.children])
        return points.min(axis=0), points.max(axis=0)

    def _shown(self) -> list[Prism]:
        """Return the solids at the level, worked out anew."""
        level = max(p.level for p in self.scene.walk()) if self.level is None else self.level
        parents = {child.name: prism for prism in self.scene.walk() for child in prism.children}

        def stands_for_parts(prism: Prism) -> bool:
            return prism.level == level and any(child.level > level for child in prism.children)

        shown = []
        for prism in self.scene.walk():
            above = parents.get(prism.name)
            hidden = False
            while above:
                hidden |= stands_for_parts(above)
                above = parents.get(above.name)
            if not hidden and (not prism.children or stands_for_parts(prism)):
                shown.append(prism)
        return shown

    def _furthest_m(self) -> float:
        solids = (prism for prism in self.scene.walk() if not prism.is_split)
        points = np.concatenate([mesh_of(prism).points for prism in solids])
        return float(transform(np.linalg.inv(self.scene.world_from_camera), points)[:, 2].max())
