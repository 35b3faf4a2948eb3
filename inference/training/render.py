"""A batched ray caster: which solid each ray meets first, at what depth. Tiles of rays against what may cover them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .render_cells import Boxes, cells, find_boxes
from .render_solids import Solids
from .render_triangles import Opacity, meet_triangles
from .render_vectors import take
from .render_views import NEAR, TILE, Tiles, View, from_tiles

CHUNK_CPU, CHUNK_GPU = 256, 65536  # pairs of tile and solid that are worked on at once: caches on a CPU, launches else
ALONG = 1e-30  # how fast a ray that runs along a face of a box is taken to approach it


@dataclass(frozen=True)
class Hits:
    """What rays met.

    Attributes:
        depth: (S, H, W) float32, metres along the view's axis; infinite where nothing was met.
        solid: (S, H, W) int64, its number in ``Solids``; -1 for nothing.
        face: (S, H, W) int64, of a polytope; 0 side and 1 cap of a round solid; 3 of a triangle.
        points: (3, S, H, W) float32, world metres.
    """

    depth: torch.Tensor
    solid: torch.Tensor
    face: torch.Tensor
    points: torch.Tensor


def cast(solids: Solids, view: View, opacity: Opacity | None = None, allowed: torch.Tensor | None = None) -> Hits:
    """Return what each ray of a view meets first.

    Args:
        solids: of all scenes.
        view: one camera a scene.
        opacity: called with textures and coordinates of triangles, tells where they are solid; None: everywhere.
        allowed: (P + Q + T,) bool, what may be met; None for all.
    """
    tiles = Tiles.of(view)
    depth = torch.full((len(tiles.start), TILE * TILE), torch.inf, device=view.origin.device)
    solid = torch.full(depth.shape, -1, dtype=torch.int32, device=depth.device)
    face = torch.zeros(depth.shape, dtype=torch.int8, device=depth.device)
    farthest = depth[:, 0].clone()  # of each tile's rays
    boxes = find_boxes(solids, view, allowed)
    for tile, number, near in _rounds(solids, view, boxes):
        wanted = take(farthest, tile) > near  # tiles that nearer things cover are done
        tile, number = tile[wanted], number[wanted]
        is_box, is_round = number < solids.boxes, number >= solids.starts[0]
        sorts = ((is_box, _meet_boxes), (~is_box & ~is_round, _meet_polytopes), (is_round, _meet_rounds))
        for part, meet in sorts:
            at, which = tile[part], number[part]
            if len(at):
                found, found_face = meet(solids, which, tiles.take(at))
                before = take(depth, at)
                nearer = found < before
                nearest = torch.where(nearer, found, before)
                depth.index_copy_(0, at, nearest)
                farthest.index_copy_(0, at, nearest.amax(1))
                solid.index_copy_(0, at, torch.where(nearer, which[:, None].int(), take(solid, at)))
                face.index_copy_(0, at, torch.where(nearer, found_face.to(torch.int8), take(face, at)))
    depth, solid, face = (from_tiles(values, view) for values in (depth, solid, face))
    meet_triangles(solids, view, boxes, opacity, (depth, solid, face))
    return Hits(depth, solid.long(), face.long(), view.reach(torch.where(depth.isinf(), 0, depth)))


def _rounds(solids: Solids, view: View, boxes: Boxes) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return pairs of tile and solid with the solid's nearest depth, in lots without repeated tiles, near first."""
    rows, columns = view.size[0] // TILE, view.size[1] // TILE
    boxes = boxes.of(boxes.number < solids.starts[1])
    pair, column, row = cells((boxes.low / TILE).long(), (boxes.high / TILE).long())
    tile = (solids.scene[boxes.number[pair]] * rows + row) * columns + column
    order = boxes.near[pair].argsort(stable=True)
    order = order[tile[order].argsort(stable=True)]
    tile, pair = tile[order], pair[order]
    begins = torch.searchsorted(tile, torch.arange(len(view.origin) * rows * columns, device=tile.device))
    turn = torch.arange(len(tile), device=tile.device) - begins[tile]
    chunk = CHUNK_CPU if tile.device.type == "cpu" else CHUNK_GPU
    lots = turn.argsort(stable=True).split(torch.bincount(turn).tolist()) if len(turn) else []
    parts = [part for lot in lots for part in lot.split(chunk)]
    return [(tile[part], boxes.number[pair[part]], boxes.near[pair[part]]) for part in parts]


def _meet_boxes(solids: Solids, number: torch.Tensor, tiles: Tiles) -> tuple[torch.Tensor, torch.Tensor]:
    frame = take(solids.local_from_world, number)
    start, run = tiles.along(frame[:, :, :3], frame[:, :, 3])
    step = 1 / run.masked_fill_(run == 0, ALONG)
    middle, reach = start * step, step.abs()
    (x, y, z), is_back = (-middle - reach).unbind(1), (run > 0).unbind(1)
    near_xy, far = torch.maximum(x, y), (reach - middle).amin(1)
    near = torch.maximum(near_xy, z)
    face = torch.where(z > near_xy, is_back[2] + 4, torch.where(y > x, is_back[1] + 2, is_back[0]))
    return near.masked_fill((near >= far) | (near <= NEAR), torch.inf), face


def _meet_polytopes(solids: Solids, number: torch.Tensor, tiles: Tiles) -> tuple[torch.Tensor, torch.Tensor]:
    planes = take(solids.planes, number)
    beyond, speed = tiles.along(planes[:, :, :3], -planes[:, :, 3])
    when = -beyond / speed
    near, face = torch.where(speed < 0, when, -torch.inf).max(1)
    far = torch.where(speed > 0, when, torch.inf).amin(1)
    is_met = (near < far) & (near > NEAR)
    if not tiles.is_parallel:  # a ray that runs along a plane on its outside misses
        is_met &= ~((speed == 0) & (beyond > 0)).any(1)
    return near.masked_fill(~is_met, torch.inf), face


def _meet_rounds(solids: Solids, number: torch.Tensor, tiles: Tiles) -> tuple[torch.Tensor, torch.Tensor]:
    frame = take(solids.local_from_world, number)
    middle, slope, ball = take(solids.rounds, number - solids.starts[0]).T[:, :, None]
    (ox, oy, oz), (dx, dy, dz) = (lines.unbind(1) for lines in tiles.along(frame[:, :, :3], frame[:, :, 3]))
    radius = middle - slope * oy
    a = dx * dx + dz * dz + (ball - slope * slope) * dy * dy
    b = ox * dx + oz * dz + (ball * oy + radius * slope) * dy
    c = ox * ox + oz * oz + ball * (oy * oy - 1) - radius * radius
    square = b * b - a * c
    root = square.clamp(min=0).sqrt()
    first, second = (-b - root) / a, (-b + root) / a
    enter, leave = torch.minimum(first, second), torch.maximum(first, second)
    step = 1 / dy
    low = torch.minimum((-1 - oy) * step, (1 - oy) * step)
    high = torch.maximum((-1 - oy) * step, (1 - oy) * step)
    near = torch.maximum(enter, low)
    is_met = (square > 0) & (near < torch.minimum(leave, high))
    steep = a < 0  # the ray runs inside the double cone at both ends
    after = torch.maximum(low, leave)
    near = torch.where(steep, torch.where((square <= 0) | (low < enter), low, after), near)
    is_met = torch.where(steep, (square <= 0) | (low < torch.minimum(high, enter)) | (after < high), is_met)
    is_met = is_met & (near > NEAR)
    return near.masked_fill(~is_met, torch.inf), (near == low).long()
