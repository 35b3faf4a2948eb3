"""A batched ray caster: which solid each ray meets first, at what depth. Tiles of rays against what may cover them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch

from .render_cells import Boxes, cells, find_boxes
from .render_solids import FACES, Solids
from .render_triangles import Opacity, meet_triangles
from .render_vectors import rows_where, take
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
    side = torch.full(depth.shape, -1, dtype=torch.int32, device=depth.device)  # solid and face in one number
    farthest = depth[:, 0].clone()  # of each tile's rays
    boxes = find_boxes(solids, view, allowed)
    parts = pairwise((0, solids.boxes, *solids.starts))
    for (first, end), meet in zip(parts, (_meet_boxes, _meet_polytopes, _meet_rounds), strict=True):
        for tile, number, near, turn in _lots(solids, view, boxes.of((boxes.number >= first) & (boxes.number < end))):
            wanted = rows_where(take(farthest, tile) > near)  # tiles that nearer things cover are done
            tile, number = take(tile, wanted), take(number, wanted)
            found, face = meet(solids, number, tiles.take(tile))
            found_side = (number[:, None] * FACES + face).int()
            counts = torch.unique_consecutive(take(turn, wanted), return_counts=True)[1].tolist()
            for at, when, what in zip(tile.split(counts), found.split(counts), found_side.split(counts), strict=True):
                before = take(depth, at)
                nearest = torch.minimum(when, before)
                side.index_copy_(0, at, torch.where(when < before, what, take(side, at)))
                depth.index_copy_(0, at, nearest)
                farthest.index_copy_(0, at, nearest.amax(1))
    depth, side = from_tiles(depth, view), from_tiles(side, view)
    solid, face = side.div(FACES, rounding_mode="floor"), side.clamp(min=0) % FACES
    meet_triangles(solids, view, boxes, opacity, (depth, solid, face))
    return Hits(depth, solid.long(), face.long(), view.reach(torch.where(depth.isinf(), 0, depth)))


def _lots(
    solids: Solids, view: View, boxes: Boxes
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Give pairs of tile and solid, the solid's nearest depth and its turn in the tile, near first, in lots by turn."""
    rows, columns = view.size[0] // TILE, view.size[1] // TILE
    pair, column, row = cells((boxes.low / TILE).long(), (boxes.high / TILE).long())
    tile = (take(solids.scene, take(boxes.number, pair)) * rows + row) * columns + column
    order = take(boxes.near, pair).argsort(stable=True)
    order = take(order, take(tile, order).argsort(stable=True))
    tile, pair = take(tile, order), take(pair, order)
    begins = torch.searchsorted(tile, torch.arange(len(view.origin) * rows * columns, device=tile.device))
    turn = torch.arange(len(tile), device=tile.device) - take(begins, tile)
    for part in turn.argsort(stable=True).split(CHUNK_CPU if tile.device.type == "cpu" else CHUNK_GPU):
        of_pair = take(pair, part)
        yield take(tile, part), take(boxes.number, of_pair), take(boxes.near, of_pair), take(turn, part)


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
