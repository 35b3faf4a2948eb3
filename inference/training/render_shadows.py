"""Where the sun reaches: what a camera that looks along its rays meets first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .render import Hits, cast
from .render_sky import Light
from .render_solids import Solids
from .render_vectors import take, turned
from .render_views import View
from .synthesis_materials import Materials

SIDE_PX = 192
BIAS = 0.012  # of the map's width: so far a surface is held away from itself
TAPS = ((-0.5, -0.2), (0.5, 0.3), (-0.2, 0.6), (0.3, -0.6))  # of a shadow's softness


@dataclass(frozen=True)
class ShadowMap:
    """What the sun's rays meet first.

    Attributes:
        view: parallel, along the rays.
        depth: (S, P, P) float32, metres along them; infinite where they meet nothing.
        width_m, softness: (S,) float32, of the map, and of shadows as a share of it.
    """

    view: View
    depth: torch.Tensor
    width_m: torch.Tensor
    softness: torch.Tensor

    def of(self, rows: torch.Tensor | list[int]) -> ShadowMap:
        """Return that of some scenes."""
        return ShadowMap(self.view.of(rows), self.depth[rows], self.width_m[rows], self.softness[rows])

    def lit(self, points: torch.Tensor, normal: torch.Tensor, scene: torch.Tensor) -> torch.Tensor:
        """Return (N,) float32, share of the sun that reaches (3, N) points with normals, of a scene (1,) or (N,)."""
        bias = BIAS * take(self.width_m, scene)
        frames = torch.cat([self.view.axes, -self.view.axes @ self.view.origin[:, :, None]], 2)
        local = turned(take(frames, scene), torch.addcmul(points, normal, bias))
        x, y = local[:2] * take(self.view.focal, scene) + SIDE_PX / 2
        deepest, spread = local[2] - 0.5 * bias, take(self.softness, scene) * SIDE_PX
        depth, begin = self.depth.flatten(), scene * SIDE_PX**2
        lit = torch.zeros_like(x)
        for right, down in TAPS:
            column, row = x + spread * right, y + spread * down
            outside = (column <= 0) | (row <= 0) | (column >= SIDE_PX) | (row >= SIDE_PX)
            at = begin + row.long().clamp(0, SIDE_PX - 1) * SIDE_PX + column.long().clamp(0, SIDE_PX - 1)
            lit += outside | (take(depth, at) > deepest)
        return lit / len(TAPS)


def cast_shadows(solids: Solids, hits: Hits, materials: Materials, light: Light) -> ShadowMap:
    """Return where the sun reaches, around the middle of what a camera met near by."""
    near = (hits.solid >= 0) & (hits.depth < 1.2 * light.reach_m[:, None, None])
    weight = torch.where(near, 1.0, 1e-6)
    middle = ((hits.points * weight).sum((2, 3)) / weight.sum((1, 2))).T
    origin = middle + light.sun_dir * 3 * light.reach_m[:, None]
    axes, size = _axes_along(-light.sun_dir), (SIDE_PX, SIDE_PX)
    view = View(origin, axes, SIDE_PX / light.reach_m, size, is_parallel=True)
    first = cast(solids, view, materials.is_opaque, solids.table["casts"][solids.surface])
    return ShadowMap(view, first.depth, light.reach_m, light.softness)


def _axes_along(forward: torch.Tensor) -> torch.Tensor:
    """Return (S, 3, 3) rows right, down, forward for unit directions that are not vertical."""
    up = torch.tensor([0.0, 1.0, 0.0], device=forward.device).expand_as(forward)
    right = functional.normalize(torch.linalg.cross(forward, up, dim=1), dim=1)
    return torch.stack([right, torch.linalg.cross(forward, right, dim=1), forward], 1)
