"""A batched ray caster: which solid each ray meets first, at what depth. Tiles of rays against what may cover them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from .render_solids import CARD_FACE, Solids

TILE = 16  # px, side of the squares that share their candidates
NEAR = 0.02  # metres: nothing is met nearer than that
CHUNK_CPU, CHUNK_GPU = 256, 65536  # pairs of tile and solid that are worked on at once: caches on a CPU, launches else
PIXELS_CPU, PIXELS_GPU = 65536, 1 << 24  # pairs of ray and triangle, likewise


@dataclass(frozen=True)
class View:
    """Cameras, one for each scene: either all perspective or all parallel.

    Attributes:
        origin: (S, 3) float32, world metres; of a parallel view, the middle of its picture.
        axes: (S, 3, 3) float32, rows are right, down and forward in the world.
        focal: (S,) float32, px; of a parallel view, px for each metre.
        size: (height, width) px, multiples of 16.
        is_parallel: whether rays run side by side.
    """

    origin: torch.Tensor
    axes: torch.Tensor
    focal: torch.Tensor
    size: tuple[int, int]
    is_parallel: bool = False

    def of(self, rows: torch.Tensor | list[int]) -> View:
        """Return the cameras of some scenes."""
        return replace(self, origin=self.origin[rows], axes=self.axes[rows], focal=self.focal[rows])

    def project(self, points: torch.Tensor, scene: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, K, 2) px and (N, K) depth of (N, K, 3) world points, each row of a scene."""
        return self.picture(torch.bmm(points - self.origin[scene, None], self.axes[scene].transpose(1, 2)), scene)

    def picture(self, local: torch.Tensor, scene: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the same of points in the view's own axes."""
        depth = local[..., 2]
        scale = self.focal[scene, None] if self.is_parallel else self.focal[scene, None] / depth.clamp(min=NEAR)
        middle = torch.tensor([self.size[1] / 2, self.size[0] / 2], device=local.device)
        return local[..., :2] * scale[..., None] + middle, depth


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
    origin, rays = _rays_in_tiles(view)
    tiles = rays.shape[0]
    depth = torch.full((tiles, TILE * TILE), torch.inf, device=rays.device)
    solid = torch.full((tiles, TILE * TILE), -1, dtype=torch.int32, device=rays.device)
    face = torch.zeros((tiles, TILE * TILE), dtype=torch.int8, device=rays.device)
    boxes = _bounds(solids, view, allowed)
    for tile, number, near in _rounds(solids, view, boxes):
        wanted = depth[tile].amax(1) > near  # tiles that nearer things cover are done
        tile, number = tile[wanted], number[wanted]
        is_flat = number < solids.starts[0]
        for part, meet in ((is_flat, _meet_polytopes), (~is_flat, _meet_rounds)):
            at, which = tile[part], number[part]
            if len(at):
                found, found_face = meet(solids, which, origin[at], rays[at])
                nearer = found < depth[at]
                depth[at] = torch.where(nearer, found, depth[at])
                solid[at] = torch.where(nearer, which[:, None].int(), solid[at])
                face[at] = torch.where(nearer, found_face.to(torch.int8), face[at])
    depth, solid, face = (_from_tiles(values, view) for values in (depth, solid, face))
    origin = _from_tiles(origin.expand_as(rays).transpose(1, 2), view)
    rays = _from_tiles(rays.transpose(1, 2), view)
    _meet_triangles(solids, view, boxes, opacity, (origin, rays), (depth, solid, face))
    points = origin + rays * torch.where(depth.isinf(), 0, depth)[..., None]
    return Hits(depth, solid.long(), face.long(), points)


def _rays_in_tiles(view: View) -> tuple[torch.Tensor, torch.Tensor]:
    """Return origins (N, 3, 1 or 256) and directions (N, 3, 256), of length 1 along the view's axis."""
    (height, width), device = view.size, view.origin.device
    y, x = torch.meshgrid(
        torch.arange(height, device=device) + 0.5 - height / 2,
        torch.arange(width, device=device) + 0.5 - width / 2,
        indexing="ij",
    )
    plane = torch.stack([x, y]).reshape(2, height // TILE, TILE, width // TILE, TILE).permute(1, 3, 0, 2, 4)
    plane = plane.reshape(1, -1, 2, TILE * TILE) / view.focal[:, None, None, None]
    sideways = torch.einsum("skc,stkr->stcr", view.axes[:, :2], plane)
    forward = view.axes[:, None, 2, :, None]
    tiles = plane.shape[1]
    origin = view.origin[:, None, :, None].expand(-1, tiles, -1, 1)
    if view.is_parallel:
        return (origin + sideways).flatten(0, 1), forward.expand(-1, tiles, -1, TILE * TILE).flatten(0, 1)
    return origin.flatten(0, 1), (sideways + forward).flatten(0, 1).contiguous()


def _from_tiles(values: torch.Tensor, view: View) -> torch.Tensor:
    height, width = view.size
    rest = values.shape[2:]
    values = values.reshape(len(view.origin), height // TILE, width // TILE, TILE, TILE, *rest).transpose(2, 3)
    return values.reshape(len(view.origin), height, width, *rest)


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
    local = torch.bmm(solids.corners - view.origin[solids.scene, None], view.axes[solids.scene].transpose(1, 2))
    if not view.is_parallel:
        local = _in_front(local)
    pixel, depth = view.picture(local, solids.scene)
    low, high, near = pixel.amin(1), pixel.amax(1), depth.amin(1)
    size = torch.tensor([view.size[1], view.size[0]], device=low.device)
    seen = ((high > 0) & (low < size)).all(1) & (depth.amax(1) > NEAR)
    seen = seen if allowed is None else seen & allowed
    number = seen.nonzero()[:, 0]
    return _Bounds(number, low[seen].clamp(min=0), torch.minimum(high[seen], size - 0.5), near[seen].clamp(min=0))


def _in_front(local: torch.Tensor) -> torch.Tensor:
    """Return (N, K, 3) corners of hulls (N, 8, 3) without what lies behind the camera; view axes."""
    through = ((local[..., 2] < NEAR).any(1) & (local[..., 2] > NEAR).any(1)).nonzero()[:, 0]
    first, second = torch.combinations(torch.arange(8, device=local.device)).T
    hull = local[through]
    a, b = hull[:, first], hull[:, second]
    part = (NEAR - a[..., 2:]) / (b[..., 2:] - a[..., 2:])
    inside = hull[torch.arange(len(hull), device=local.device), hull[..., 2].argmax(1)]
    cuts = torch.where((part > 0) & (part < 1), a + (b - a) * part, inside[:, None])
    kept = torch.where(hull[..., 2:] > NEAR, hull, inside[:, None])
    points = torch.cat([local, local[:, :1].expand(-1, len(first), -1)], 1)
    points[through] = torch.cat([kept, cuts], 1)
    return points


def _cells(low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return which rectangle, column and row, for each whole cell in rectangles (N, 2) to (N, 2), both included."""
    columns, rows = (high - low + 1).unbind(1)
    count = columns * rows
    which = torch.repeat_interleave(torch.arange(len(low), device=low.device), count)
    step = torch.arange(len(which), device=low.device) - (count.cumsum(0) - count)[which]
    return which, low[which, 0] + step % columns[which], low[which, 1] + step // columns[which]


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


def _meet_polytopes(
    solids: Solids, number: torch.Tensor, origin: torch.Tensor, rays: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    planes = solids.planes[number]
    room = planes[:, :, 3:] - torch.bmm(planes[:, :, :3], origin)
    speed = torch.bmm(planes[:, :, :3], rays)
    when = room / speed
    entering = speed < 0
    near, face = when.masked_fill(~entering, -torch.inf).max(1)
    far = when.masked_fill(speed <= 0, torch.inf).amin(1)
    is_met = (near < far) & (near > NEAR)
    if origin.shape[2] == 1:  # a ray that runs along a plane on its outside misses
        is_met &= ~((speed == 0) & (room < 0)).any(1)
    return near.masked_fill(~is_met, torch.inf), face


def _meet_rounds(
    solids: Solids, number: torch.Tensor, origin: torch.Tensor, rays: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    frame = solids.local_from_world[number]
    middle, slope, ball = solids.rounds[number - solids.starts[0]].T[:, :, None]
    ox, oy, oz = (torch.bmm(frame[:, :, :3], origin) + frame[:, :, 3:]).unbind(1)
    dx, dy, dz = torch.bmm(frame[:, :, :3], rays).unbind(1)
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
    lines: tuple[torch.Tensor, torch.Tensor],
    best: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    """Set what rays meet to triangles that are nearer: each pixel of their boxes is one ray."""
    (height, width), first = view.size, solids.starts[1]
    origin, rays = (line.reshape(-1, 3) for line in lines)
    depth, solid, face = (values.view(-1) for values in best)
    boxes = boxes.of(boxes.number >= first)
    low, high = boxes.low.long(), boxes.high.long()
    budget = PIXELS_CPU if depth.device.type == "cpu" else PIXELS_GPU
    lot = (high - low + 1).prod(1).cumsum(0) // budget
    for part in torch.arange(len(lot), device=lot.device).split(torch.bincount(lot).tolist() if len(lot) else []):
        which, x, y = _cells(low[part], high[part])
        which = part[which]
        number = boxes.number[which]
        pixel = (solids.scene[number] * height + y) * width + x
        open_ = (depth[pixel] > boxes.near[which]).nonzero()[:, 0]
        number, pixel = number[open_], pixel[open_]
        frame = solids.local_from_world[number]
        ou, ov, rise = ((frame[:, :, :3] * origin[pixel, None]).sum(2) + frame[:, :, 3]).unbind(1)
        du, dv, fall = (frame[:, :, :3] * rays[pixel, None]).sum(2).unbind(1)
        when = -rise / fall
        u, v = ou + when * du, ov + when * dv
        met = ((u >= 0) & (v >= 0) & (u + v <= 1) & (when > NEAR) & (when < depth[pixel])).nonzero()[:, 0]
        number, pixel, when, u, v = number[met], pixel[met], when[met], u[met], v[met]
        if opacity is not None:
            weights = torch.stack([1 - u - v, u, v], 1)
            uv = (solids.uv[number - first] * weights[:, :, None]).sum(1)
            covers = opacity(solids.texture[number - first], uv).nonzero()[:, 0]
            number, pixel, when = number[covers], pixel[covers], when[covers]
        depth.scatter_reduce_(0, pixel, when, "amin")
        won = (when == depth[pixel]).nonzero()[:, 0]
        solid[pixel[won]] = number[won].int()
        face[pixel[won]] = CARD_FACE
