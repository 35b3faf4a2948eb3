"""What the rays see: textures, sun with shadows, sky light, gloss, haze. Made for variety, not for physics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional

from .render import Hits
from .render_looks import Looks
from .render_shadows import ShadowMap
from .render_sky import Light, sky_colour
from .render_solids import Solids
from .render_vectors import columns_of, dot, of_scene, rows_where, take, turned, unit
from .render_views import View
from .synthesis_materials import Materials

LOT_CPU = 32768  # rays, all of one scene, whose colours are found at once: a CPU's caches; other devices take all


@dataclass(frozen=True)
class _Lot:
    """N rays that met something.

    Attributes:
        scene: (1,) or (N,) int64.
        depth: (N,) float32, metres along the view's axis.
        direction, points: (3, N) float32, world, the first of length 1.
        look: columns of looks by name, (K, N) each.
        texture: (2, N) int64, as in ``Looks``.
    """

    scene: torch.Tensor
    depth: torch.Tensor
    direction: torch.Tensor
    points: torch.Tensor
    look: dict[str, torch.Tensor]
    texture: torch.Tensor


def shade(
    solids: Solids, view: View, hits: Hits, materials: Materials, light: Light, shadows: ShadowMap
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return linear colours (3, S, H, W) and world normals (3, S, H, W) float32, zero where nothing was met.

    The view is perspective.
    """
    openness, colours, normals = _openness(hits).flatten(), _nothing(hits), _nothing(hits)
    looks = Looks.of(solids, view, hits, materials)
    columns = _albedo_columns(solids, looks) | _light_columns(solids, looks, light)
    for ray, lot in _lots(view, hits, looks, columns):
        reached = shadows.lit(lot.points, lot.look["normal"], lot.scene)
        colour = _throw_back(materials, view, light, lot, reached, take(openness, ray))
        colours.flatten(1).index_copy_(1, ray, colour)
        normals.flatten(1).index_copy_(1, ray, lot.look["normal"])
    for ray, scene in _split(hits.solid < 0):
        direction = unit(view.toward(ray, scene)[1])
        colours.flatten(1).index_copy_(1, ray, sky_colour(materials, light, scene, direction))
    return colours, normals


def see_albedo(solids: Solids, view: View, hits: Hits, materials: Materials) -> torch.Tensor:
    """Return (3, S, H, W) float32, linear, the share of light that what each ray met throws back; zero for nothing."""
    looks, out = Looks.of(solids, view, hits, materials), _nothing(hits)
    for ray, lot in _lots(view, hits, looks, _albedo_columns(solids, looks)):
        out.flatten(1).index_copy_(1, ray, _albedo(materials, view, lot))
    return out


def _nothing(hits: Hits) -> torch.Tensor:
    return torch.zeros((3, *hits.depth.shape), device=hits.depth.device)


def _split(wanted: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give the rays that (S, H, W) bool chooses in lots, and the scene (1,) of each, or all, and the scenes (N,)."""
    size = wanted[0].numel()
    if wanted.device.type != "cpu":
        ray = rows_where(wanted.flatten())
        yield ray, ray // size
        return
    for number, scene in enumerate(wanted.flatten(1)):
        for part in rows_where(scene).split(LOT_CPU):
            yield part + number * size, torch.tensor([number])


def _lots(
    view: View, hits: Hits, looks: Looks, columns: dict[str, torch.Tensor]
) -> Iterator[tuple[torch.Tensor, _Lot]]:
    """Give the rays that met something, and what they met, in lots that are worked on at once."""
    table, widths = torch.cat(list(columns.values())), [len(column) for column in columns.values()]
    for ray, scene in _split(hits.solid >= 0):
        which, depth = take(looks.of_ray, ray), take(hits.depth.flatten(), ray)
        origin, direction = view.toward(ray, scene)
        look = dict(zip(columns, columns_of(table, which).split(widths), strict=True))
        points = torch.addcmul(origin, direction, depth)
        direction = unit(direction)
        yield ray, _Lot(scene, depth, direction, points, look, columns_of(looks.texture, which))


def _albedo_columns(solids: Solids, looks: Looks) -> dict[str, torch.Tensor]:
    """Return what the looks' albedo is made of: where they are in their texture, and how that is changed."""
    gain, colour = (take(solids.table[name], looks.surface) for name in ("gain", "colour"))
    return {
        "normal": looks.normal,
        "place": looks.place,
        "texels": looks.texels,
        "plain": looks.mean * (1 - gain),
        "gain": gain[None],
        "colour": colour.T,
    }


def _light_columns(solids: Solids, looks: Looks, light: Light) -> dict[str, torch.Tensor]:
    """Return what light does to the looks: gloss, light where nothing else reaches, of the open sky, of the sun."""
    ambient, bounce, sun, sun_dir = (
        of_scene(values, looks.scene) for values in (light.ambient, light.bounce, light.sun, light.sun_dir)
    )
    gloss, glow = (take(solids.table[name], looks.surface)[None] for name in ("gloss", "glow"))
    turned_to_sun = dot(looks.normal, sun_dir).clamp(min=0)[None]
    return {
        "gloss": gloss,
        "below": bounce + glow,
        "above": (ambient - bounce) * (0.5 + 0.5 * looks.normal[1]),
        "sunlit": sun * turned_to_sun,
        "turned_to_sun": turned_to_sun,
    }


def _throw_back(
    materials: Materials, view: View, light: Light, lot: _Lot, reached: torch.Tensor, openness: torch.Tensor
) -> torch.Tensor:
    """Return (3, N) linear colours of what rays met, where (N,) shares of sunlight and of light from above reach it."""
    look, normal = lot.look, lot.look["normal"]
    diffuse = torch.addcmul(look["below"], look["above"], openness).addcmul_(look["sunlit"], reached)
    lamp = of_scene(light.lamp, lot.scene)
    if lamp.any():
        to_lamp = of_scene(light.lamp_at, lot.scene) - lot.points
        square = dot(to_lamp, to_lamp).clamp(min=0.09)
        diffuse.addcmul_(lamp, dot(normal, to_lamp).clamp(min=0) / (square * square.sqrt()))
    colour = _albedo(materials, view, lot) * diffuse
    glossy = rows_where(look["gloss"][0] > 0)  # half of all surfaces are not
    if len(glossy):
        colour.index_add_(1, glossy, _mirrored(materials, light, lot, glossy, reached))
    horizon, haze_m = of_scene(light.horizon, lot.scene), take(light.haze_m, lot.scene)
    return torch.lerp(horizon, colour, torch.exp(-lot.depth / haze_m))


def _mirrored(
    materials: Materials, light: Light, lot: _Lot, glossy: torch.Tensor, reached: torch.Tensor
) -> torch.Tensor:
    """Return (3, K) what glossy rays add: a highlight of the sun, and some sky."""
    scene = lot.scene if len(lot.scene) == 1 else take(lot.scene, glossy)
    direction, normal = columns_of(lot.direction, glossy), columns_of(lot.look["normal"], glossy)
    gloss, turned_to_sun = (take(lot.look[name][0], glossy) for name in ("gloss", "turned_to_sun"))
    along = dot(normal, direction)
    mirrored = torch.addcmul(direction, normal, along, value=-2)
    shine = dot(mirrored, of_scene(light.sun_dir, scene)).clamp(min=0) ** 40
    shine *= gloss * (turned_to_sun * take(reached, glossy) > 0.1)
    share = gloss * (0.15 + 0.85 * (1 - (-along).clamp(min=0.15)) ** 3)
    return of_scene(light.sun, scene) * shine + sky_colour(materials, light, scene, mirrored) * share


def _albedo(materials: Materials, view: View, lot: _Lot) -> torch.Tensor:
    look, points = lot.look, lot.points
    along = turned(look["place"].view(2, 4, -1).permute(2, 0, 1), points)
    facing = (-dot(look["normal"], lot.direction)).clamp(min=0.15)
    texels = lot.depth / take(view.focal, lot.scene) / facing * look["texels"][0]
    texel = materials.sample(lot.texture, along, texels)
    seen = torch.addcmul(look["plain"], look["gain"], texel).clamp_(0, 1).mul_(look["colour"])
    return seen.clamp_(0.01, 1.0) ** 2.2


def _openness(hits: Hits) -> torch.Tensor:
    """Return (S, H, W) float32, less than 1 in corners and before what stands close behind: from depth alone."""
    near = torch.where(hits.depth.isinf(), 0.0, 1 / hits.depth)[:, None]
    open_, coarse = torch.ones_like(near), near
    for step in (2, 4):  # twice and eight times coarser
        coarse = functional.avg_pool2d(coarse, step)
        around = functional.avg_pool2d(coarse, 3, 1, 1, count_include_pad=False)
        around = functional.interpolate(around, near.shape[2:], mode="bilinear")
        open_ -= ((around / near.clamp(min=1e-6) - 1) * 2.5).clamp(0, 0.3)
    return open_[:, 0]
