"""What the surfaces of synthetic scenes show: pictures in one table, looked up at any size."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from .render_vectors import take

SIDE_PX = 128  # of a stored texture; photographs of more are kept at twice that
Uses = dict[str, np.ndarray]


@dataclass
class Materials:
    """All pictures that surfaces show, in one table.

    Attributes:
        texels: (N,) int32, red, green, blue and opacity of all sizes of all pictures, one after another.
        begin, side: (K,) int64, where each picture begins, and its side in px.
        mean: (K, 3) float32, sRGB from 0 to 1.
        uses: what a picture is good for -> indices.
        skies: (M, h, w, 3) uint8 panoramas.
        cards: indices of cut-outs by what they show.
    """

    texels: torch.Tensor
    begin: torch.Tensor
    side: torch.Tensor
    mean: torch.Tensor
    uses: Uses
    skies: torch.Tensor
    cards: Uses = field(default_factory=dict)

    def to(self, device: torch.device | str) -> Materials:
        """Return the same on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("texels", "begin", "side", "mean", "skies")}
        return Materials(**moved, uses=self.uses, cards=self.cards)

    def pick(self, rng: np.random.Generator, use: str) -> int:
        """Return a picture at random: one for the use, or now and then any."""
        able = self.uses.get(use, self.uses["any"])
        return int(rng.choice(able if rng.random() < 0.85 else self.uses["any"]))

    def is_opaque(self, texture: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
        """Return (N,) bool, whether pictures cover at (N, 2) copies."""
        side = take(self.side, texture)
        at = (uv - uv.floor()) * side[:, None]
        x, y = at.long().clamp(min=0).minimum(side[:, None] - 1).unbind(1)
        # The opacity's highest bit is the sign.
        return take(self.texels, take(self.begin, texture) + y * side + x) < 0

    def sample(self, texture: torch.Tensor, copies: torch.Tensor, texels: torch.Tensor) -> torch.Tensor:
        """Return (3, N) float32, sRGB from 0 to 1, of textures.

        Args:
            texture: (2, N) int64, where each begins in the table, and its side.
            copies: (2, N) float32, to the right and down.
            texels: (N,) float32, how many of them a pixel covers.
        """
        begin, side = texture
        level = texels.clamp(min=1).log2().round().long()
        small = (side >> level).clamp(min=1)
        begin = begin + (side * side - small * small) * 4 // 3
        at = (copies - copies.floor()) * small - 0.5
        low = at.floor()
        first = low.long()
        first, second = first & (small - 1), (first + 1) & (small - 1)  # sides are powers of two
        (x0, top), (x1, below), (u, v) = first, second, at - low
        top, below = begin + top * small, begin + below * small
        upper = torch.lerp(self._colours(top + x0), self._colours(top + x1), u)
        lower = torch.lerp(self._colours(below + x0), self._colours(below + x1), u)
        return torch.lerp(upper, lower, v) / 255

    def _colours(self, at: torch.Tensor) -> torch.Tensor:
        texels = take(self.texels, at)
        return torch.stack([texels & 255, (texels >> 8) & 255, (texels >> 16) & 255]).float()


class MaterialTable:
    """Pictures while they are gathered."""

    def __init__(self) -> None:
        self.levels: list[np.ndarray] = []
        self.sides: list[int] = []
        self.means: list[np.ndarray] = []
        self.length = 0
        self.begins: list[int] = []
        self.uses: dict[str, list[int]] = {"any": []}

    def add(self, picture: np.ndarray, *uses: str) -> int:
        """Add (h, w, 3 or 4) uint8 and return its index; it is stretched to a square."""
        side = SIDE_PX * (1 + (min(picture.shape[:2]) > 1.5 * SIDE_PX))
        if picture.shape[2] == 3:
            picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
        level = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        index = len(self.sides)
        opaque = level[level[:, :, 3] >= 128][:, :3]
        self.means.append((opaque if len(opaque) else level[:, :, :3].reshape(-1, 3)).mean(axis=0) / 255)
        self.sides.append(side)
        self.begins.append(self.length)
        while True:
            self.levels.append(np.ascontiguousarray(level).view(np.int32).ravel())
            self.length += level.shape[0] * level.shape[1]
            if len(level) == 1:
                break
            level = cv2.resize(level, (len(level) // 2, len(level) // 2), interpolation=cv2.INTER_AREA)
            level = level.reshape(len(level), len(level), 4)
        for use in uses:
            self.uses.setdefault(use, []).append(index)
        return index

    def finish(self, skies: list[np.ndarray]) -> Materials:
        """Return the table."""
        uses = {use: np.array(found) for use, found in self.uses.items() if found}
        return Materials(
            torch.from_numpy(np.concatenate(self.levels)),
            torch.tensor(self.begins),
            torch.tensor(self.sides),
            torch.tensor(np.array(self.means), dtype=torch.float32),
            {use: found for use, found in uses.items() if not use.startswith("card:")},
            torch.from_numpy(np.array(skies, np.uint8).reshape(len(skies), 256, 1024, 3)),
            {use.removeprefix("card:"): found for use, found in uses.items() if use.startswith("card:")},
        )
