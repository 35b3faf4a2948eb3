"""What is known of a stage that was written, and what a reader has to find in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from blockout.reconstruct.backdrop import backdrop_of
from blockout.reconstruct.frames import Units, UpAxis, project, transform
from blockout.reconstruct.meshes import Mesh, mesh_of
from blockout.reconstruct.names import Texture, prim_paths, stem
from blockout.reconstruct.refine import refine_front
from blockout.reconstruct.scene import Prism, Scene


class Absent(Exception):
    """A validator is not installed; the message says how to install it."""


@dataclass(frozen=True, eq=False)
class WrittenStage:
    """A stage and what was asked of it."""

    path: Path
    scene: Scene
    units: Units = "cm"
    up: UpAxis = "Y"
    texture: Texture = "colour"
    backdrop: bool = False

    def solids(self) -> dict[str, tuple[Prism, str]]:
        """Return, by the name of its Mesh, each solid and the name of the prim above its Xform."""
        paths = prim_paths(self.scene.prisms)
        solids = {f"{stem(p.name)}_geo": (p, paths[p.name].rsplit("/", 2)[-2]) for p in self.scene.solids()}
        if self.backdrop:
            solids["backdrop_geo"] = backdrop_of(self.scene, self._furthest_m()), "Blockout"
        return solids

    def is_textured(self, prism: Prism) -> bool:
        """Return whether the front of a solid shows the photo."""
        return self.texture == "photo" or prism.name == "backdrop"

    def mesh(self, prism: Prism) -> Mesh:
        """Return the polygons that were written for a solid."""
        return refine_front(mesh_of(prism), prism, self.scene)[0] if self.is_textured(prism) else mesh_of(prism)

    def probes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, 3) world points, metres, of all solids, and (N, 2) px where the photo shows them."""
        points = np.concatenate([mesh_of(prism).points for prism in self.scene.solids()])
        return points, project(transform(np.linalg.inv(self.scene.world_from_camera), points), self.scene.camera)

    def _furthest_m(self) -> float:
        return float(transform(np.linalg.inv(self.scene.world_from_camera), self.probes()[0])[:, 2].max())
