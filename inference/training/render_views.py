"""Cameras of synthetic scenes, and the rays of their pixels: all of them, or in tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from .render_vectors import take, turned

TILE = 16  # px, side of the squares of rays that share their candidates
NEAR = 0.02  # metres: nothing is met nearer than that


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

    def matrices(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (S, 3, 3) what makes where rays begin, and how they run, 1 along the axis, of (x, y, 1), px from the
        picture's middle; world. What all rays of a view share is in the last column, and the first two are 0.
        """
        sideways = (self.axes[:, :2] / self.focal[:, None, None]).transpose(1, 2)
        still, origin, forward = torch.zeros_like(sideways), self.origin[:, :, None], self.axes[:, 2, :, None]
        first, second = (sideways, still) if self.is_parallel else (still, sideways)
        return torch.cat([first, origin], 2), torch.cat([second, forward], 2)

    def toward(self, ray: torch.Tensor, scene: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return origins and directions (3, N), of length 1 along the axis, world, of some rays.

        Args:
            ray: (N,) int64, numbers among those of all scenes, in rows.
            scene: (1,) that of all of them, or (N,).
        """
        (height, width), at = self.size, ray % (self.size[0] * self.size[1])
        y = at // width
        place = torch.stack([at - y * width + (0.5 - width / 2), y + (0.5 - height / 2), torch.ones_like(y)])
        start, run = (turned(take(matrix, scene), place) for matrix in self.matrices())
        return start, run

    def reach(self, depth: torch.Tensor) -> torch.Tensor:
        """Return (3, S, H, W) points of all rays at a depth (S, H, W), world."""
        y, x = (torch.arange(side, device=depth.device) + (0.5 - side / 2) for side in self.size)
        start, run = (matrix.permute(1, 2, 0).contiguous()[..., None, None] for matrix in self.matrices())
        if self.is_parallel:
            return (start[:, 0] * x + start[:, 1] * y[:, None] + start[:, 2]).addcmul(run[:, 2], depth)
        return (run[:, 0] * x + run[:, 1] * y[:, None] + run[:, 2]).mul_(depth).add_(start[:, 2])

    def picture(self, local: torch.Tensor, scene: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, K, 2) px and (N, K) depth of (N, K, 3) points in the view's own axes, each row of a scene."""
        depth = local[..., 2]
        scale = self.focal[scene, None] if self.is_parallel else self.focal[scene, None] / depth.clamp(min=NEAR)
        middle = torch.tensor([self.size[1] / 2, self.size[0] / 2], device=local.device)
        return local[..., :2] * scale[..., None] + middle, depth


@dataclass(frozen=True)
class Tiles:
    """Rays of N tiles: matrices that make them of (x, y, 1), px from the tile's middle.

    Attributes:
        start: (N, 3, 3) float32, to where rays begin; its first two columns are 0 unless they run side by side.
        run: (N, 3, 3) float32, to where they run, 1 along the view's axis; its first two are 0 if they do.
        is_parallel: whether rays run side by side.
    """

    start: torch.Tensor
    run: torch.Tensor
    is_parallel: bool

    @staticmethod
    def of(view: View) -> Tiles:
        """Return all tiles of all scenes, in rows."""
        rows, columns = (torch.arange(TILE / 2, side, TILE, device=view.origin.device) - side / 2 for side in view.size)
        middles = torch.cartesian_prod(rows, columns, torch.ones(1, device=rows.device))[:, [1, 0, 2]]
        start, run = (matrix[:, None].repeat(1, len(middles), 1, 1) for matrix in view.matrices())
        for matrix in (start, run):
            matrix[..., 2] = (matrix @ middles[:, :, None])[..., 0]
        return Tiles(start.flatten(0, 1), run.flatten(0, 1), view.is_parallel)

    def take(self, rows: torch.Tensor) -> Tiles:
        """Return some of them."""
        return replace(self, start=take(self.start, rows), run=take(self.run, rows))

    def along(self, turn: torch.Tensor, shift: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, K, 256 or 1) where rays begin and run along (N, K, 3) directions, (N, K) further off."""
        start, run = turn @ self.start, turn @ self.run
        start[:, :, 2] += shift
        return (_spread(start), run[:, :, 2:]) if self.is_parallel else (start[:, :, 2:], _spread(run))


def _spread(matrix: torch.Tensor) -> torch.Tensor:
    """Return (N, K, 256) what (N, K, 3) make of the pixels of a tile. Not by a matrix product: libraries add up in
    another order if there are more rows, and a scene would not be the same in any batch.
    """
    inside = torch.arange(TILE, device=matrix.device) - (TILE - 1) / 2
    x, y, middle = (column[..., None] for column in matrix.unbind(2))
    return ((x * inside + middle)[:, :, None] + (y * inside)[..., None]).flatten(2)


def from_tiles(values: torch.Tensor, view: View) -> torch.Tensor:
    """Return (S, H, W, ...) of values (N, 256, ...) of all tiles of all scenes."""
    height, width = view.size
    rest = values.shape[2:]
    values = values.reshape(len(view.origin), height // TILE, width // TILE, TILE, TILE, *rest).transpose(2, 3)
    return values.reshape(len(view.origin), height, width, *rest)
