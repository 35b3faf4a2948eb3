"""Level surfaces at height 0 that mirror what is over them: water, polished floors and table tops, wet roads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from .render import Hits, cast
from .render_shade import shade
from .render_shadows import ShadowMap
from .render_sky import Light
from .render_solids import SceneSolids, pack
from .render_vectors import unit
from .render_views import View
from .synthesis_materials import Materials

LEVEL_M = 0.02  # higher or lower is no mirror; what reaches no higher is part of it
AT_RIGHT_ANGLES = 0.15  # share of the mirrored light that is left where one looks straight down
WAVES = ((1.7, 0.9), (-0.6, 4.3), (7.9, -3.1))  # radians a metre along x and z
SIDEWAYS = 0.2  # of a wave's shift up and down


@dataclass(frozen=True)
class Mirrors:
    """What mirrors in pictures.

    Attributes:
        share: (S, H, W) float32, of the light from above at a flat angle.
        ripple: (S, H, W) float32, radians by which waves bend it.
    """

    share: torch.Tensor
    ripple: torch.Tensor


def find_mirrors(table: dict[str, torch.Tensor], surface: torch.Tensor, points: torch.Tensor) -> Mirrors:
    """Return where rays met a level mirror: (S, H, W) rows of the surfaces' table, -1 for none, at (3, S, H, W)."""
    is_level = (surface >= 0) & (points[1].abs() < LEVEL_M)
    share, ripple = (table[name][surface.clamp(min=0)] for name in ("mirror", "ripple"))
    return Mirrors(torch.where(is_level, share, 0.0), ripple)


def add_mirrors(
    colour: torch.Tensor,
    mirrors: Mirrors,
    scenes: Sequence[SceneSolids],
    met: tuple[View, Hits],
    look: tuple[Materials, Light, ShadowMap],
) -> torch.Tensor:
    """Return linear colours (3, S, H, W) with what mirrors show: what a camera as far below them sees above.

    Args:
        colour: of what the rays met.
        mirrors: among it.
        scenes: that it is of.
        met: the cameras, and what their rays met.
        look: what ``shade`` needs of all scenes.
    """
    rows = (mirrors.share > 0).flatten(1).any(1).nonzero()[:, 0].tolist()
    if not rows:
        return colour
    (view, hits), (materials, light, shadows) = met, look
    solids = pack([scenes[row] for row in rows]).to(colour.device)
    above, points = view.of(rows), hits.points[:, rows]
    down_up = torch.tensor([1.0, -1.0, 1.0], device=colour.device)
    below = replace(above, origin=above.origin * down_up, axes=above.axes * down_up)
    seen = cast(solids, below, materials.is_opaque, solids.corners[..., 1].amax(1) > LEVEL_M)
    drowned = seen.points[1] < -LEVEL_M
    seen = replace(seen, depth=seen.depth.masked_fill(drowned, torch.inf), solid=seen.solid.masked_fill(drowned, -1))
    mirrored, _ = shade(solids, below, seen, materials, light.of(rows), shadows.of(rows))
    mirrored = _ruffle(mirrored, points, above.focal[:, None, None] * mirrors.ripple[rows])
    steep = unit(points - above.origin.T[:, :, None, None])[1].abs()
    share = mirrors.share[rows] * (AT_RIGHT_ANGLES + (1 - AT_RIGHT_ANGLES) * (1 - steep) ** 2)
    out = colour.clone()
    out[:, rows] = torch.lerp(colour[:, rows], mirrored, share)
    return out


def _ruffle(picture: torch.Tensor, points: torch.Tensor, most_px: torch.Tensor) -> torch.Tensor:
    """Return (3, S, H, W) a picture as waves at (3, S, H, W) points show it, (S, H, W) px off at most."""
    shift = most_px * torch.stack([torch.sin(points[0] * x + points[2] * z) for x, z in WAVES]).mean(0)
    scenes, height, width = shift.shape
    y = torch.arange(height, device=shift.device)[:, None] + shift
    x = torch.arange(width, device=shift.device) + SIDEWAYS * shift
    scene = torch.arange(scenes, device=shift.device)[:, None, None]
    return picture[:, scene, y.round().long().clamp(0, height - 1), x.round().long().clamp(0, width - 1)]
