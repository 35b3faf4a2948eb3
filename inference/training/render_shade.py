"""What the rays see: textures, sun with shadows, sky light, gloss, haze. Made for variety, not for physics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .render import Hits
from .render_shadows import ShadowMap
from .render_solids import Solids
from .render_vectors import dot, rows_where, take, to_local
from .render_views import View
from .synthesis_materials import Materials

LOT_CPU, LOT_GPU = 32768, 1 << 24  # rays whose colours are found at once: caches on a CPU, launches else


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


@dataclass(frozen=True)
class _Met:
    """What N rays met, of all those of some views.

    Attributes:
        scene, number, surface: (N,) int64, of the solid.
        depth: (N,) float32, metres along the view's axis.
        points, normal, direction: (N, 3) float32, world; normals face the camera, directions are of rays.
    """

    scene: torch.Tensor
    number: torch.Tensor
    surface: torch.Tensor
    depth: torch.Tensor
    points: torch.Tensor
    normal: torch.Tensor
    direction: torch.Tensor

    @staticmethod
    def of(solids: Solids, hits: Hits, directions: torch.Tensor, ray: torch.Tensor) -> _Met:
        """Return what some rays met; unit directions (S * H * W, 3) are of all."""
        points, direction = take(hits.points.view(-1, 3), ray), take(directions, ray)
        number = take(hits.solid.flatten(), ray)
        normal = solid_normals(solids, number, take(hits.face.flatten(), ray), points)
        normal = torch.where((dot(normal, direction) > 0)[:, None], -normal, normal)
        scene, surface = take(solids.scene, number), take(solids.surface, number)
        return _Met(scene, number, surface, take(hits.depth.flatten(), ray), points, normal, direction)

    @property
    def facing(self) -> torch.Tensor:
        """Return (N,) how squarely rays meet surfaces: 1 at right angles, never 0."""
        return (-dot(self.normal, self.direction)).clamp(min=0.15)


def shade(
    solids: Solids, view: View, hits: Hits, materials: Materials, light: Light, shadows: ShadowMap
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return linear colours (S, H, W, 3) and world normals (S, H, W, 3) float32, zero where nothing was met."""
    directions, openness = _ray_directions(view), _openness(hits).flatten()
    colours, normals = torch.zeros_like(hits.points), torch.zeros_like(hits.points)
    is_met = hits.solid.flatten() >= 0
    for ray in _lots(is_met):
        met = _Met.of(solids, hits, directions, ray)
        lit = shadows.lit(met.points, met.normal, met.scene)
        colour = _throw_back(solids, view, met, (materials, light), lit, take(openness, ray))
        colours.view(-1, 3).index_copy_(0, ray, colour)
        normals.view(-1, 3).index_copy_(0, ray, met.normal)
    for ray in _lots(~is_met):
        scene = ray // hits.solid[0].numel()
        colours.view(-1, 3).index_copy_(0, ray, sky_colour(materials, light, scene, take(directions, ray)))
    return colours, normals


def _lots(wanted: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return the rows that (N,) bool chooses, in lots that are worked on at once."""
    return rows_where(wanted).split(LOT_CPU if wanted.device.type == "cpu" else LOT_GPU)


def _throw_back(
    solids: Solids,
    view: View,
    met: _Met,
    look: tuple[Materials, Light],
    reached: torch.Tensor,
    openness: torch.Tensor,
) -> torch.Tensor:
    """Return (N, 3) linear colours of what rays met, where (N,) shares of sunlight and of light from above reach it."""
    (materials, light), normal, facing = look, met.normal, met.facing
    ambient, bounce, sun, sun_dir, lamp, lamp_at, horizon, haze_m = (
        take(getattr(light, name), met.scene)
        for name in ("ambient", "bounce", "sun", "sun_dir", "lamp", "lamp_at", "horizon", "haze_m")
    )
    gloss, glow = (take(solids.table[name], met.surface) for name in ("gloss", "glow"))
    lit = dot(normal, sun_dir).clamp(min=0) * reached
    to_lamp = lamp_at - met.points
    by_lamp = dot(normal, to_lamp).clamp(min=0) / dot(to_lamp, to_lamp).clamp(min=0.09) ** 1.5
    above = torch.lerp(bounce, ambient, ((0.5 + 0.5 * normal[:, 1]) * openness)[:, None])
    diffuse = above + sun * lit[:, None] + lamp * by_lamp[:, None] + glow[:, None]
    mirrored = met.direction - 2 * dot(normal, met.direction)[:, None] * normal
    shine = dot(mirrored, sun_dir).clamp(min=0) ** 40 * gloss * (lit > 0.1)
    colour = _albedo(solids, view, materials, met) * diffuse + sun * shine[:, None]
    glossy = rows_where(gloss > 0)  # half of all surfaces are not, and the sky is a tenth of the work
    reflected = sky_colour(materials, light, take(met.scene, glossy), take(mirrored, glossy))
    share = take(gloss * (0.15 + 0.85 * (1 - facing) ** 3), glossy)
    colour.index_add_(0, glossy, reflected * share[:, None])
    return torch.lerp(horizon, colour, torch.exp(-met.depth / haze_m)[:, None])


def see_albedo(solids: Solids, view: View, hits: Hits, materials: Materials) -> torch.Tensor:
    """Return (S, H, W, 3) float32, linear, the share of light that what each ray met throws back; zero for nothing."""
    directions, out = _ray_directions(view), torch.zeros_like(hits.points)
    for ray in _lots(hits.solid.flatten() >= 0):
        met = _Met.of(solids, hits, directions, ray)
        out.view(-1, 3).index_copy_(0, ray, _albedo(solids, view, materials, met))
    return out


def _ray_directions(view: View) -> torch.Tensor:
    """Return (S * H * W, 3) unit directions, world."""
    rays = view.rays()[1]
    return (rays / dot(rays, rays).sqrt()[..., None]).view(-1, 3)


def solid_normals(solids: Solids, number: torch.Tensor, face: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Return (N, 3) float32 unit normals in the world at what rays met; a triangle's points to either side."""
    first_round, first_triangle = solids.starts
    normal = torch.empty_like(points)
    flat, round_, mesh = (
        rows_where(chosen)
        for chosen in (
            number < first_round,
            (number >= first_round) & (number < first_triangle),
            number >= first_triangle,
        )
    )
    side = take(number, flat) * solids.planes.shape[1] + take(face, flat)
    normal.index_copy_(0, flat, take(solids.planes.view(-1, 4), side)[:, :3])
    which = take(number, round_)
    frame = take(solids.local_from_world, which)
    local = to_local(frame, take(points, round_))
    middle, slope, ball = take(solids.rounds, which - first_round).unbind(1)
    rise = ball * local[:, 1] + slope * (middle - slope * local[:, 1])
    outward = torch.stack([local[:, 0], rise, local[:, 2]], 1)
    lid = torch.zeros_like(outward)
    lid[:, 1] = local[:, 1].sign()
    outward = torch.where((take(face, round_) == 1)[:, None], lid, outward)
    normal.index_copy_(0, round_, (frame[:, :, :3].transpose(1, 2) @ outward[:, :, None])[:, :, 0])
    normal.index_copy_(0, mesh, take(solids.local_from_world[:, 2, :3], take(number, mesh)))
    return normal / dot(normal, normal).clamp(min=1e-24).sqrt()[:, None]


def _albedo(solids: Solids, view: View, materials: Materials, met: _Met) -> torch.Tensor:
    frame = take(solids.local_from_world, met.number)
    local = to_local(frame, met.points)
    # The axis of the solid that the normal is most along.
    lengths = torch.linalg.vector_norm(solids.local_from_world[:, :, :3], dim=2)
    along = (frame[:, :, :3] @ met.normal[:, :, None])[:, :, 0].abs() / take(lengths, met.number)
    across = take(torch.tensor([[2, 1], [0, 2], [0, 1]], device=along.device), along.argmax(1))
    half, tile_m, offset, texture, gain, colour = (
        take(column, met.surface)
        for column in (solids.half, *(solids.table[name] for name in ("tile_m", "offset", "texture", "gain", "colour")))
    )
    is_tiled = tile_m > 0
    copies_m = torch.where(is_tiled, 1 / tile_m.clamp(min=1e-3), 0.5 / half.mean(1))
    scale = torch.where(is_tiled[:, None], half * copies_m[:, None], 0.5)
    uv = (local * scale).gather(1, across) + torch.where(is_tiled[:, None], offset, 0.5)
    uv[:, 1] *= -1  # pictures begin at the top
    mesh = rows_where(met.number >= solids.starts[1])
    if len(mesh):
        number = take(met.number, mesh)
        triangle, (u, v) = number - solids.starts[1], take(local, mesh)[:, :2].unbind(1)
        corners, world = take(solids.uv, triangle), take(solids.corners, number)
        weights = torch.stack([1 - u - v, u, v], 1)
        uv.index_copy_(0, mesh, (weights[:, None] @ corners)[:, 0])
        texture.index_copy_(0, mesh, take(solids.texture, triangle))
        size_m = (world[:, 1] - world[:, 0]).norm(dim=1).clamp(min=1e-3)
        copies_m.index_copy_(0, mesh, (corners[:, 1] - corners[:, 0]).norm(dim=1) / size_m)
    footprint_m = met.depth / take(view.focal, met.scene) / met.facing
    texel = materials.sample(texture, uv, footprint_m * copies_m * take(materials.side, texture))
    mean = take(materials.mean, texture)
    seen = torch.lerp(mean, texel, gain[:, None]).clamp(0, 1) * colour
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
    horizon, zenith, turn = take(light.horizon, scene), take(light.zenith, scene), take(light.turn, scene)
    colour = torch.lerp(horizon, zenith, (rise**0.5)[:, None])
    plane = direction[:, ::2] / (rise + 0.12)[:, None]
    drift = turn[:, None] * 7
    field = torch.zeros(len(scene), device=scene.device)
    for octave in range(4):
        k = 1.7 * 2**octave
        bent = plane * k + drift + 0.8 * torch.sin(plane.flip(1) * k * 0.6 + drift * 3)
        field += torch.sin(bent[:, 0]) * torch.sin(bent[:, 1] + octave) / 1.6**octave
    clouds = ((field * 0.5 + take(light.cover, scene) * 2 - 1) * 1.5).clamp(0, 1)
    colour = torch.lerp(colour, take(light.cloud, scene), (clouds * (rise * 8).clamp(max=1))[:, None])
    if len(materials.skies):
        photo = rows_where(take(light.sky, scene) >= 0)
        x, y, z = take(direction, photo).unbind(1)
        around = torch.atan2(x, z) / (2 * torch.pi) + take(turn, photo)
        column = (around % 1 * 1023).long()
        row = ((1 - (0.2 + 0.8 * torch.asin(y.clamp(0, 1)) / (torch.pi / 2))) * 255).long()
        sky = take(light.sky, take(scene, photo))
        seen = (materials.skies[sky, row, column].float() / 255) ** 2.2
        colour.index_copy_(0, photo, seen * take(zenith + horizon, photo))
    return colour
