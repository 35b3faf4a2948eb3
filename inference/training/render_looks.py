"""What surfaces look like where rays met them.

On a flat face, and on a triangle, all points look alike but for where they are in the texture, which is linear: a look
is worked out once for each, and for each point of a round solid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .render import Hits
from .render_solids import Solids
from .render_vectors import columns_of, rows_where, take
from .render_views import View
from .synthesis_materials import Materials

ACROSS = ((2, 1), (0, 2), (0, 1))  # axes of a solid that its texture runs along, by the one that a face looks along


@dataclass(frozen=True)
class Looks:
    """R looks.

    Attributes:
        of_ray: (S * H * W,) int64, which look each ray has; 0 where it met nothing.
        scene, surface: (R,) int64.
        texture: (2, R) int64, where a texture begins in the table, and its side.
        mean: (3, R) float32, its mean colour.
        normal: (3, R) float32, unit, world, towards the camera.
        place: (8, R) float32, of a point (x, y, z, 1) in the world: copies to the right, copies down.
        texels: (1, R) float32, copies for each metre times the texture's side.
    """

    of_ray: torch.Tensor
    scene: torch.Tensor
    surface: torch.Tensor
    texture: torch.Tensor
    mean: torch.Tensor
    normal: torch.Tensor
    place: torch.Tensor
    texels: torch.Tensor

    @staticmethod
    def of(solids: Solids, view: View, hits: Hits, materials: Materials) -> Looks:
        """Return the looks of what rays met."""
        of_ray, number, face, points = _sort(solids, hits)
        scene, surface = take(solids.scene, number), take(solids.surface, number)
        normal, points = _normals(solids, number, face, points)
        away = ((take(view.origin, scene) - points) * normal).sum(1) < 0  # a triangle's points to either side
        normal = torch.where(away[:, None], -normal, normal)
        place, copies_m, texture = _textures(solids, number, surface, normal)
        table = torch.stack([take(materials.begin, texture), take(materials.side, texture)])
        texels = (copies_m * table[1])[None]
        mean = take(materials.mean, texture).T
        return Looks(of_ray, scene, surface, table, mean, normal.T, place.T, texels)


def _sort(solids: Solids, hits: Hits) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the look of each ray, and for each look solid, face, and (R, 3) point, which is any on flat ones."""
    (first_round, first_triangle), faces = solids.starts, solids.planes.shape[1]
    ray = rows_where(hits.solid.flatten() >= 0)
    number, face = take(hits.solid.flatten(), ray), take(hits.face.flatten(), ray)
    is_round = (number >= first_round) & (number < first_triangle)
    round_, sides = rows_where(is_round), first_round * faces
    side = torch.where(number < first_round, number * faces + face, number - first_triangle + sides)
    side = side.masked_fill(is_round, sides + len(solids.uv))
    known = torch.zeros(sides + len(solids.uv) + 1, dtype=torch.bool, device=ray.device).index_fill_(0, side, True)
    known[-1] = False
    look = take(known.cumsum(0) - 1, side)
    flat = rows_where(known)
    look[round_] = torch.arange(len(flat), len(flat) + len(round_), device=ray.device)
    of_ray = torch.zeros(hits.solid.numel(), dtype=torch.int64, device=ray.device).index_copy_(0, ray, look)
    is_side = flat < sides
    numbers = torch.cat([torch.where(is_side, flat // faces, flat - sides + first_triangle), take(number, round_)])
    looks_at = torch.cat([flat % faces, take(face, round_)])
    points = columns_of(hits.points.flatten(1), take(ray, round_)).T
    return of_ray, numbers, looks_at, torch.cat([points.new_zeros(len(flat), 3), points])


def _normals(
    solids: Solids, number: torch.Tensor, face: torch.Tensor, points: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (R, 3) unit normals, and the points with ones on the faces and triangles, whose points are any."""
    first_round, first_triangle = solids.starts
    normal, points = torch.empty_like(points), points.clone()
    flat, mesh = rows_where(number < first_round), rows_where(number >= first_triangle)
    round_ = rows_where((number >= first_round) & (number < first_triangle))
    planes = solids.planes[take(number, flat), take(face, flat)]
    normal[flat], points[flat] = planes[:, :3], planes[:, :3] * planes[:, 3:]
    which = take(number, mesh)
    normal[mesh], points[mesh] = solids.local_from_world[which, 2, :3], solids.corners[which, 0]
    normal[round_] = _round_normals(solids, take(number, round_), take(face, round_), take(points, round_))
    return functional.normalize(normal, dim=1, eps=1e-12), points


def _round_normals(solids: Solids, number: torch.Tensor, face: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Return (N, 3) normals, of any length, of round solids at (N, 3) points of them."""
    frame = take(solids.local_from_world, number)
    local = torch.baddbmm(frame[:, :, 3:], frame[:, :, :3], points[:, :, None])[:, :, 0]
    middle, slope, ball = take(solids.rounds, number - solids.starts[0]).unbind(1)
    rise = ball * local[:, 1] + slope * (middle - slope * local[:, 1])
    lid = torch.zeros_like(local)
    lid[:, 1] = local[:, 1].sign()
    outward = torch.where((face == 1)[:, None], lid, torch.stack([local[:, 0], rise, local[:, 2]], 1))
    return (outward[:, None] @ frame[:, :, :3])[:, 0]


def _textures(
    solids: Solids, number: torch.Tensor, surface: torch.Tensor, normal: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (R, 8) what makes copies of points, (R,) copies for each metre, and (R,) textures."""
    frame = take(solids.local_from_world, number)
    along = (frame[:, :, :3] @ normal[:, :, None])[:, :, 0].abs() / torch.linalg.vector_norm(frame[:, :, :3], dim=2)
    across = take(torch.tensor(ACROSS, device=along.device), along.argmax(1))
    half, tile_m, offset, texture = (
        take(column, surface)
        for column in (solids.half, *(solids.table[name] for name in ("tile_m", "offset", "texture")))
    )
    is_tiled = tile_m > 0
    copies_m = torch.where(is_tiled, 1 / tile_m.clamp(min=1e-3), 0.5 / half.mean(1))
    scale = torch.where(is_tiled[:, None], half * copies_m[:, None], 0.5).gather(1, across)
    place = frame.gather(1, across[:, :, None].expand(-1, -1, 4)) * scale[:, :, None]
    place[:, :, 3] += torch.where(is_tiled[:, None], offset, 0.5)
    place[:, 1] *= -1  # pictures begin at the top
    mesh = rows_where(number >= solids.starts[1])
    which = take(number, mesh)
    triangle = which - solids.starts[1]
    begin, *ends = take(solids.uv, triangle).unbind(1)
    sides = torch.stack([end - begin for end in ends], 2)
    place[mesh] = sides @ take(frame, mesh)[:, :2]
    place[mesh, :, 3] += begin
    first = take(solids.corners, which)
    size_m = torch.linalg.vector_norm(first[:, 1] - first[:, 0], dim=1).clamp(min=1e-3)
    copies_m[mesh] = torch.linalg.vector_norm(sides[:, :, 0], dim=1) / size_m
    texture[mesh] = take(solids.texture, triangle)
    return place.flatten(1), copies_m, texture
