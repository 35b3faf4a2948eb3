"""A share of synthetic scenes in Cycles' light, with Cycles' own passes as their truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from .cycles import find_python, light_scenes
from .render import Hits
from .render_shade import see_albedo
from .render_sky import Light
from .render_solids import SceneSolids, Solids
from .render_views import View
from .synthesis_materials import Materials


@dataclass(frozen=True)
class Seen:
    """What cameras see, before any lens.

    Attributes:
        colour: (3, S, H, W) float32, linear.
        depth: (S, H, W) float32, metres along the axis.
        surface: (S, H, W) int64, row of the surface tables; -1 for nothing.
    """

    colour: torch.Tensor
    depth: torch.Tensor
    surface: torch.Tensor


class Relight:
    """Renders some scenes anew; those with cut-outs stay, for their holes are in pictures that Cycles does not get."""

    def __init__(self, share: float, seed: int, materials: Materials) -> None:
        find_python()
        self._share, self._seed = share, seed
        ends = (materials.begin + materials.side**2).tolist()
        parts = zip(materials.begin.tolist(), ends, strict=True)
        self._is_opaque = np.array([bool((materials.texels[first:end] < 0).all()) for first, end in parts])

    def choose(self, numbers: Sequence[int], scenes: Sequence[SceneSolids]) -> list[int]:
        """Return the rows of scenes to render: by seed and number alone."""
        return [
            row
            for row, (number, scene) in enumerate(zip(numbers, scenes, strict=True))
            if np.random.default_rng([self._seed, number, 2]).random() < self._share
            and all(self._is_opaque[textures].all() for *_, textures in scene.meshes)
        ]

    def render(
        self,
        rows: list[int],
        scenes: Sequence[SceneSolids],
        seen: Seen,
        cast: tuple[Solids, View, Hits],
        look: tuple[Materials, Light],
    ) -> Seen:
        """Return what is seen with some rows rendered by Cycles: as bright as before, under the same sky and haze."""
        (solids, view, hits), (materials, light) = cast, look
        albedo = see_albedo(solids, view, hits, materials)[:, rows].movedim(0, -1)
        lights = light.of(rows)
        made = light_scenes([scenes[row] for row in rows], view.of(rows), albedo, lights)
        base = np.cumsum([0, *(len(scene.surfaces) for scene in scenes)])
        new = replace(seen, **{name: value.clone() for name, value in vars(seen).items()})
        for i, (row, found) in enumerate(zip(rows, made, strict=True)):
            passes = {name: torch.from_numpy(value).to(seen.colour.device) for name, value in found.items()}
            met, before = passes["surface"] >= 0, seen.colour[:, row].movedim(0, -1)
            gain = before[met].mean() / passes["colour"][met].mean().clamp(min=1e-6) if met.any() else 1.0
            clear = torch.exp(-passes["depth"] / lights.haze_m[i])[..., None]
            lit = passes["colour"] * gain * clear + lights.horizon[i] * (1 - clear)
            new.colour[:, row] = torch.where(met[..., None], lit, before).movedim(-1, 0)
            new.depth[row] = passes["depth"]
            new.surface[row] = torch.where(met, passes["surface"].long() + int(base[row]), -1)
        return new
