"""A batched ray caster: which solid each ray meets first, at what depth. Tiles of rays against what may cover them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .render_solids import CARD_FACE, Solids
from .render_vectors import take
from .render_views import NEAR, TILE, Tiles, View, from_tiles

CHUNK_CPU, CHUNK_GPU = 256, 65536  # pairs of tile and solid that are worked on at once: caches on a CPU, launches else
PIXELS_CPU, PIXELS_GPU = 65536, 1 << 24  # pairs of ray and triangle, likewise


@dataclass(frozen=True)
class Hits:
    """What rays met.

    Attributes:
        depth: (S, H, W) float32, metres along the view's axis; infinite where nothing was met.
        solid: (S, H, W) int64, its number in ``Solids``; -1 for nothing.
        face: (S, H, W) int64, of a polytope; 0 side and 1 cap of a round solid; 3 of a triangle.
        points: (S, H, W, 3) float32, world metres.
    """

    depth: torch.Tensor
    solid: torch.Tensor
    face: torch.Tensor
    points: torch.Tensor


Opacity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


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
    boxes = _bounds(solids, view, allowed)
    for tile, number, near in _rounds(solids, view, boxes):
        wanted = take(farthest, tile) > near  # tiles that nearer things cover are done
        tile, number = tile[wanted], number[wanted]
        is_flat = number < solids.starts[0]
        for part, meet in ((is_flat, _meet_polytopes), (~is_flat, _meet_rounds)):
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
    _meet_triangles(solids, view, boxes, opacity, (depth, solid, face))
    origin, rays = view.rays()
    reach = torch.where(depth.isinf(), 0, depth).flatten(1)[:, :, None]
    return Hits(depth, solid.long(), face.long(), (origin + rays * reach).view(*depth.shape, 3))


@dataclass(frozen=True)
class _Bounds:
    """Where solids may be seen: numbers, least and greatest px (N, 2), nearest depth (N,)."""

    number: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    near: torch.Tensor

    def of(self, wanted: torch.Tensor) -> _Bounds:
        return _Bounds(self.number[wanted], self.low[wanted], self.high[wanted], self.near[wanted])


def _bounds(solids: Solids, view: View, allowed: torch.Tensor | None) -> _Bounds:
    origin, axes = take(view.origin, solids.scene), take(view.axes, solids.scene)
    local = torch.bmm(solids.corners - origin[:, None], axes.transpose(1, 2))
    pixel, depth = view.picture(local, solids.scene)
    low, high, near = pixel.amin(1), pixel.amax(1), depth.amin(1)
    if not view.is_parallel:
        through = ((near < NEAR) & (depth.amax(1) > NEAR)).nonzero()[:, 0]
        cut, _ = view.picture(_in_front(local[through]), solids.scene[through])
        low[through], high[through] = cut.amin(1), cut.amax(1)
    size = torch.tensor([view.size[1], view.size[0]], device=low.device)
    seen = ((high > 0) & (low < size)).all(1) & (depth.amax(1) > NEAR)
    seen = seen if allowed is None else seen & allowed
    number = seen.nonzero()[:, 0]
    return _Bounds(number, low[seen].clamp(min=0), torch.minimum(high[seen], size - 0.5), near[seen].clamp(min=0))


def _in_front(local: torch.Tensor) -> torch.Tensor:
    """Return (N, K, 3) corners of hulls (N, 8, 3) without what lies behind the camera; view axes."""
    first, second = torch.combinations(torch.arange(8, device=local.device)).T
    a, b = local[:, first], local[:, second]
    part = (NEAR - a[..., 2:]) / (b[..., 2:] - a[..., 2:])
    inside = local[torch.arange(len(local), device=local.device), local[..., 2].argmax(1)]
    cuts = torch.where((part > 0) & (part < 1), a + (b - a) * part, inside[:, None])
    return torch.cat([torch.where(local[..., 2:] > NEAR, local, inside[:, None]), cuts], 1)


def _cells(low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return which rectangle, column and row, for each whole cell in rectangles (N, 2) to (N, 2), both included."""
    columns, rows = (high - low + 1).unbind(1)
    count = columns * rows
    which = torch.repeat_interleave(torch.arange(len(low), device=low.device), count)
    step = torch.arange(len(which), device=low.device) - take(count.cumsum(0) - count, which)
    columns = take(columns, which)
    row = step // columns
    return which, take(low[:, 0], which) + step - row * columns, take(low[:, 1], which) + row


def _rounds(solids: Solids, view: View, boxes: _Bounds) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return pairs of tile and solid with the solid's nearest depth, in lots without repeated tiles, near first."""
    rows, columns = view.size[0] // TILE, view.size[1] // TILE
    boxes = boxes.of(boxes.number < solids.starts[1])
    pair, column, row = _cells((boxes.low / TILE).long(), (boxes.high / TILE).long())
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


def _meet_triangles(
    solids: Solids,
    view: View,
    boxes: _Bounds,
    opacity: Opacity | None,
    best: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    """Set what rays meet to triangles that are nearer: each pixel of their boxes is one ray."""
    (height, width), first = view.size, solids.starts[1]
    depth, solid, face = (values.view(-1) for values in best)
    boxes = boxes.of(boxes.number >= first)
    low, high = boxes.low.long(), boxes.high.long()
    begin = solids.scene[boxes.number] * (height * width)
    lines = _lines_of(solids, view, boxes.number)
    budget = PIXELS_CPU if depth.device.type == "cpu" else PIXELS_GPU
    lot = (high - low + 1).prod(1).cumsum(0) // budget
    for part in torch.arange(len(lot), device=lot.device).split(torch.bincount(lot).tolist() if len(lot) else []):
        which, x, y = _cells(low[part], high[part])
        which = take(part, which)
        pixel = take(begin, which) + y * width + x
        open_ = (take(depth, pixel) > take(boxes.near, which)).nonzero()[:, 0]
        which, pixel = take(which, open_), take(pixel, open_)
        x, y = take(x, open_) + (0.5 - width / 2), take(y, open_) + (0.5 - height / 2)
        u, v, when, scale = (
            torch.addcmul(torch.addcmul(take(rest, which), take(along, which), x), take(down, which), y)
            for along, down, rest in lines
        )
        scale = 1 / scale
        u, v, when = u * scale, v * scale, when * scale
        met = ((u >= 0) & (v >= 0) & (u + v <= 1) & (when > NEAR) & (when < take(depth, pixel))).nonzero()[:, 0]
        number, pixel, when = take(boxes.number, take(which, met)), take(pixel, met), take(when, met)
        if opacity is not None:
            u, v = take(u, met), take(v, met)
            weights = torch.stack([1 - u - v, u, v], 1)
            uv = (take(solids.uv, number - first) * weights[:, :, None]).sum(1)
            covers = opacity(take(solids.texture, number - first), uv).nonzero()[:, 0]
            number, pixel, when = take(number, covers), take(pixel, covers), take(when, covers)
        depth.scatter_reduce_(0, pixel, when, "amin")
        won = (when == take(depth, pixel)).nonzero()[:, 0]
        pixel = take(pixel, won)
        solid[pixel] = take(number, won).int()
        face[pixel] = CARD_FACE


def _lines_of(solids: Solids, view: View, number: torch.Tensor) -> torch.Tensor:
    """Return (4, 3, N): what times (x, y, 1), px from the picture's middle, is u, v, depth and 1 of a ray that meets
    triangles, all times one number. Rays that start or run alike make the products linear.
    """
    scene, frame = solids.scene[number], solids.local_from_world[number]
    start, run = (frame[:, :, :3] @ take(matrix, scene) for matrix in view.matrices())
    start[:, :, 2] += frame[:, :, 3]
    begin, go = (start, run[:, :, 2:]) if view.is_parallel else (start[:, :, 2:], run)
    u, v = (begin[:, axis] * go[:, 2] - begin[:, 2] * go[:, axis] for axis in (0, 1))
    return torch.stack([u, v, -start[:, 2], run[:, 2]]).transpose(1, 2).contiguous()
