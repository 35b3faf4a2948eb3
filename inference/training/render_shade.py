"""What the rays see: textures, sun with shadows, sky light, gloss, haze. Made for variety, not for physics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .render import Hits, View
from .render_shadows import ShadowMap
from .render_solids import Solids
from .synthesis_materials import Materials


@dataclass(frozen=True)
class Light:
    """Light and air of each scene; colours linear.

    Attributes:
        sun_dir: (S, 3) float32, unit, towards the sun.
        sun, ambient, bounce: (S, 3) float32 colours of the sun, of light from above and from below.
        zenith, horizon, cloud: (S, 3) float32 of the sky.
        cover: (S,) float32, share of clouds; sky: (S,) int64, panorama or -1; turn: (S,) float32, of it, in turns.
        haze_m: (S,) float32, distance over which air hides two thirds.
        lamp, lamp_at: (S, 3) float32, a lamp's colour and place, world.
        reach_m: (S,) float32, width of what the shadow map covers.
        softness: (S,) float32, of shadows, share of the map.
    """

    sun_dir: torch.Tensor
    sun: torch.Tensor
    ambient: torch.Tensor
    bounce: torch.Tensor
    zenith: torch.Tensor
    horizon: torch.Tensor
    cloud: torch.Tensor
    cover: torch.Tensor
    sky: torch.Tensor
    turn: torch.Tensor
    haze_m: torch.Tensor
    lamp: torch.Tensor
    lamp_at: torch.Tensor
    reach_m: torch.Tensor
    softness: torch.Tensor

    def to(self, device: torch.device | str) -> Light:
        """Return the same on a device."""
        return Light(**{name: value.to(device) for name, value in vars(self).items()})

    def of(self, rows: torch.Tensor | list[int]) -> Light:
        """Return that of some scenes."""
        return Light(**{name: value[rows] for name, value in vars(self).items()})


def shade(
    solids: Solids, view: View, hits: Hits, materials: Materials, light: Light, shadows: ShadowMap
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return linear colours (S, H, W, 3) and world normals (S, H, W, 3) float32, zero where nothing was met."""
    met = hits.solid >= 0
    scene = torch.arange(len(met), device=met.device)[:, None, None].expand_as(met)
    direction = functional.normalize(hits.points - view.origin[:, None, None], dim=-1)
    direction = torch.where(met[..., None], direction, _ray_directions(view))
    s, d, p = scene[met], direction[met], hits.points[met]
    number, face, depth = hits.solid[met], hits.face[met], hits.depth[met]
    normal = solid_normals(solids, number, face, p)
    normal = torch.where((normal * d).sum(1, keepdim=True) > 0, -normal, normal)
    surface = solids.surface[number]
    table = {name: column[surface] for name, column in solids.table.items()}
    facing = (normal * d).sum(1).abs().clamp(min=0.15)
    albedo = _albedo(solids, materials, table, number, surface, normal, p, depth / view.focal[s] / facing)

    lit = (normal * light.sun_dir[s]).sum(1).clamp(min=0) * shadows.lit(p, normal, s)
    up = (0.5 + 0.5 * normal[:, 1:2]) * _openness(hits)[met][:, None]
    colour = albedo * (light.ambient[s] * up + light.bounce[s] * (1 - up) + light.sun[s] * lit[:, None])
    to_lamp = light.lamp_at[s] - p
    distance = to_lamp.norm(dim=1).clamp(min=0.3)
    colour += albedo * light.lamp[s] * ((normal * to_lamp).sum(1).clamp(min=0) / distance**3)[:, None]
    mirrored = d - 2 * (normal * d).sum(1, keepdim=True) * normal
    gloss = table["gloss"] * (0.15 + 0.85 * (1 - facing) ** 3)
    shine = (mirrored * light.sun_dir[s]).sum(1).clamp(min=0) ** 40 * table["gloss"]
    colour += light.sun[s] * (shine * (lit > 0.1))[:, None] + albedo * table["glow"][:, None]
    glossy = gloss > 0  # half of all surfaces are not, and the sky is a tenth of the work
    colour[glossy] += sky_colour(materials, light, s[glossy], mirrored[glossy]) * gloss[glossy, None]
    clear = torch.exp(-depth / light.haze_m[s])[:, None]
    out = torch.zeros_like(hits.points)
    out[met] = colour * clear + light.horizon[s] * (1 - clear)
    out[~met] = sky_colour(materials, light, scene[~met], direction[~met])
    normals = torch.zeros_like(out)
    normals[met] = normal
    return out, normals


def see_albedo(solids: Solids, view: View, hits: Hits, materials: Materials) -> torch.Tensor:
    """Return (S, H, W, 3) float32, linear, the share of light that what each ray met throws back; zero for nothing."""
    met = hits.solid >= 0
    scene = torch.arange(len(met), device=met.device)[:, None, None].expand_as(met)[met]
    points, number = hits.points[met], hits.solid[met]
    normal = solid_normals(solids, number, hits.face[met], points)
    facing = (normal * functional.normalize(points - view.origin[scene], dim=1)).sum(1).abs().clamp(min=0.15)
    surface = solids.surface[number]
    table = {name: column[surface] for name, column in solids.table.items()}
    footprint_m = hits.depth[met] / view.focal[scene] / facing
    out = torch.zeros_like(hits.points)
    out[met] = _albedo(solids, materials, table, number, surface, normal, points, footprint_m)
    return out


def _ray_directions(view: View) -> torch.Tensor:
    (height, width), device = view.size, view.origin.device
    y = torch.arange(height, device=device) + 0.5 - height / 2
    x = torch.arange(width, device=device) + 0.5 - width / 2
    plane = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None] / view.focal[:, None, None, None]
    rays = torch.einsum("shwk,skc->shwc", plane, view.axes[:, :2]) + view.axes[:, None, None, 2]
    return functional.normalize(rays, dim=-1)


def solid_normals(solids: Solids, number: torch.Tensor, face: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Return (N, 3) float32 unit normals in the world at what rays met; a triangle's points to either side."""
    first_round, first_triangle = solids.starts
    normal = torch.empty_like(points)
    flat, round_ = number < first_round, (number >= first_round) & (number < first_triangle)
    normal[flat] = solids.planes[number[flat], face[flat], :3]
    frame = solids.local_from_world[number[round_]]
    local = (frame[:, :, :3] @ points[round_][:, :, None] + frame[:, :, 3:])[:, :, 0]
    middle, slope, ball = solids.rounds[number[round_] - first_round].unbind(1)
    rise = ball * local[:, 1] + slope * (middle - slope * local[:, 1])
    outward = torch.stack([local[:, 0], rise, local[:, 2]], 1)
    lid = torch.zeros_like(outward)
    lid[:, 1] = local[:, 1].sign()
    outward = torch.where(face[round_, None] == 1, lid, outward)
    normal[round_] = (frame[:, :, :3].transpose(1, 2) @ outward[:, :, None])[:, :, 0]
    mesh = number >= first_triangle
    normal[mesh] = solids.local_from_world[number[mesh], 2, :3]
    return functional.normalize(normal, dim=1)


def _albedo(
    solids: Solids,
    materials: Materials,
    table: dict[str, torch.Tensor],
    number: torch.Tensor,
    surface: torch.Tensor,
    normal: torch.Tensor,
    points: torch.Tensor,
    footprint_m: torch.Tensor,
) -> torch.Tensor:
    frame = solids.local_from_world[number]
    local = (frame[:, :, :3] @ points[:, :, None] + frame[:, :, 3:])[:, :, 0]
    along = (functional.normalize(frame[:, :, :3], dim=2) @ normal[:, :, None])[:, :, 0].abs()
    axis = along.argmax(1)
    across = torch.tensor([[2, 1], [0, 2], [0, 1]], device=number.device)[axis]
    half, tile = solids.half[surface], table["tile_m"][:, None]
    scale = torch.where(tile > 0, half / tile.clamp(min=1e-3), 0.5)
    uv = (local * scale).gather(1, across) + torch.where(tile > 0, table["offset"], 0.5)
    uv = torch.stack([uv[:, 0], -uv[:, 1]], 1)  # pictures begin at the top
    copies_m = torch.where(tile[:, 0] > 0, 1 / tile[:, 0].clamp(min=1e-3), 0.5 / half.mean(1))
    texture = table["texture"]
    first = solids.starts[1]
    mesh = number >= first
    if mesh.any():
        triangle, (u, v) = number[mesh] - first, local[mesh, :2].unbind(1)
        corners = solids.uv[triangle]
        uv[mesh] = corners[:, 0] * (1 - u - v)[:, None] + corners[:, 1] * u[:, None] + corners[:, 2] * v[:, None]
        texture = texture.clone()
        texture[mesh] = solids.texture[triangle]
        world = solids.corners[number[mesh]]
        size_m = (world[:, 1] - world[:, 0]).norm(dim=1).clamp(min=1e-3)
        copies_m[mesh] = (corners[:, 1] - corners[:, 0]).norm(dim=1) / size_m
    texel = materials.sample(texture, uv, footprint_m * copies_m * materials.side[texture])
    mean = materials.mean[texture]
    seen = (mean + table["gain"][:, None] * (texel - mean)).clamp(0, 1) * table["colour"]
    return seen.clamp(0.01, 1.0) ** 2.2


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


def sky_colour(materials: Materials, light: Light, scene: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Return (N, 3) linear colours of the sky of scenes in unit directions, world."""
    rise = direction[:, 1].clamp(min=0)
    colour = torch.lerp(light.horizon[scene], light.zenith[scene], (rise**0.5)[:, None])
    plane = direction[:, [0, 2]] / (rise + 0.12)[:, None]
    drift = light.turn[scene, None] * 7
    field = torch.zeros(len(scene), device=scene.device)
    for octave in range(4):
        k = 1.7 * 2**octave
        bent = plane * k + drift + 0.8 * torch.sin(plane.flip(1) * k * 0.6 + drift * 3)
        field += torch.sin(bent[:, 0]) * torch.sin(bent[:, 1] + octave) / 1.6**octave
    clouds = ((field * 0.5 + light.cover[scene] * 2 - 1) * 1.5).clamp(0, 1)
    colour = torch.lerp(colour, light.cloud[scene], (clouds * (rise * 8).clamp(max=1))[:, None])
    if len(materials.skies):
        column = (
            (torch.atan2(direction[:, 0], direction[:, 2]) / (2 * torch.pi) + light.turn[scene]) % 1 * 1023
        ).long()
        row = ((1 - (0.2 + 0.8 * torch.asin(rise.clamp(max=1)) / (torch.pi / 2))) * 255).long()
        photo = (materials.skies[light.sky[scene].clamp(min=0), row, column].float() / 255) ** 2.2
        photo = photo * (light.zenith[scene] + light.horizon[scene])
        colour = torch.where((light.sky[scene] >= 0)[:, None], photo, colour)
    return colour
