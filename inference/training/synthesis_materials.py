"""Textures, cut-outs and skies of synthetic scenes: photographs from a folder, drawn patterns without one."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from ...errors import DatasetUnusable
from .material_folder import MaterialFolder, read_rgba

SIDE_PX = 128  # of a stored texture; photographs of more are kept at twice that
PATTERNS = 240
Uses = dict[str, np.ndarray]
USES = {
    "floor": (
        "Wood",
        "WoodFloor",
        "Tiles",
        "Carpet",
        "Planks",
        "Marble",
        "Concrete",
        "Terrazzo",
        "Tatami",
        "Travertine",
    ),
    "road": ("Asphalt", "Road", "Concrete", "Gravel", "Asphalt", "PavingStones"),
    "pavement": ("PavingStones", "Concrete", "Tiles", "Bricks", "Stone"),
    "nature": ("Grass", "Ground", "Moss", "Gravel", "Sand", "Snow", "ScatteredLeaves", "PineNeedles", "Rock"),
    "wall": ("Plaster", "Paint", "Wallpaper", "Concrete", "Plaster", "Clay", "Bricks", "WoodSiding", "Tiles", "Paper"),
    "facade": ("Facade", "Bricks", "Plaster", "Concrete", "WoodSiding", "CorrugatedSteel", "Paint", "Stone", "Planks"),
    "roof": ("RoofingTiles", "CorrugatedSteel", "ThatchedRoof", "SolarPanel", "Metal"),
    "wood": ("Wood", "Planks", "WoodFloor", "Chipboard", "Bamboo"),
    "cloth": ("Fabric", "Carpet", "Leather"),
    "metal": ("Metal", "Rust", "DiamondPlate", "Plastic"),
    "bark": ("Bark", "Logs", "Wood"),
    "leaves": ("Grass", "Moss", "ScatteredLeaves", "PineNeedles", "Ground", "ThatchedRoof"),
    "print": ("patch of a photograph", "object atlas"),
}


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
        side = self.side[texture]
        at = (uv - uv.floor()) * side[:, None]
        x, y = at.long().clamp(min=0).minimum(side[:, None] - 1).unbind(1)
        return self.texels[self.begin[texture] + y * side + x] < 0  # the opacity's highest bit is the sign

    def sample(self, texture: torch.Tensor, uv: torch.Tensor, texels: torch.Tensor) -> torch.Tensor:
        """Return (N, 3) float32, sRGB from 0 to 1, at (N, 2) copies where a pixel covers so many texels."""
        side = self.side[texture]
        level = texels.clamp(min=1).log2().round().long().minimum(side.float().log2().long())
        begin = self.begin[texture] + (side * side * 4 * (1 - 0.25**level) / 3).round().long()
        side = side >> level
        at = (uv - uv.floor()) * side[:, None] - 0.5
        low = at.floor()
        part = at - low
        x0, y0 = (low.long() % side[:, None]).unbind(1)
        x1, y1 = (x0 + 1) % side, (y0 + 1) % side
        u, v = part[:, :1], part[:, 1:]
        top = (
            _colours(self.texels[begin + y0 * side + x0]) * (1 - u) + _colours(self.texels[begin + y0 * side + x1]) * u
        )
        low = (
            _colours(self.texels[begin + y1 * side + x0]) * (1 - u) + _colours(self.texels[begin + y1 * side + x1]) * u
        )
        return (top * (1 - v) + low * v) / 255


def _colours(texels: torch.Tensor) -> torch.Tensor:
    return torch.stack([texels & 255, (texels >> 8) & 255, (texels >> 16) & 255], 1).float()


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


def gather_materials(folder: MaterialFolder | None, drawn: int = 0) -> MaterialTable:
    """Read the pictures of a folder, or draw patterns only.

    Args:
        folder: None draws patterns only.
        drawn: seed of the patterns.

    Raises:
        DatasetUnusable: the folder has no texture that can be read and may be used.
    """
    table = MaterialTable()
    draw_patterns(table, np.random.default_rng(drawn))
    if folder is None:
        return table
    before = len(table.sides)
    for part, uses_of in (("textures", _texture_uses), ("backgrounds", _print_uses), ("foregrounds", _card_uses)):
        for path in folder.files(part):
            uses = uses_of(folder.category(path))
            picture = read_rgba(path) if uses else None
            if picture is not None:
                table.add(picture, *uses)
    if len(table.sides) == before:
        raise DatasetUnusable(
            f"{folder.path} holds no picture under {' or '.join(folder.licences)}, going by its index.csv: allow other "
            "licences, or name a folder laid out as docs/embedded.md says."
        )
    return table


def read_skies(folder: MaterialFolder | None) -> list[np.ndarray]:
    """Return (256, 1024, 3) uint8 upper halves of the panoramas in sky/ whose name tells of the open sky."""
    open_sky = ("sky", "dawn", "sunrise", "sunset", "venice", "bridge", "park", "esplanade")
    if folder is None:
        return []
    halves = [
        [p for p in folder.files("sky", held_out=h) if any(word in p.name.lower() for word in open_sky)]
        for h in (False, True)
    ]
    found = halves[folder.held_out] or halves[not folder.held_out]
    pictures = [picture for picture in map(read_rgba, found) if picture is not None]
    return [cv2.resize(p[: len(p) // 2, :, :3], (1024, 256), interpolation=cv2.INTER_AREA) for p in pictures]


def _texture_uses(category: str) -> tuple[str, ...]:
    return ("any", *(use for use, words in USES.items() if category.split(":")[0] in words))


def _print_uses(category: str) -> tuple[str, ...]:
    return ("print",)


def _card_uses(category: str) -> tuple[str, ...]:
    if "sign" in category:
        return ("card:sign",)
    if "tree" in category:
        return ("card:tree",)
    if "plant" in category:
        return ("card:plant",)
    return ()


def draw_patterns(table: MaterialTable, rng: np.random.Generator) -> None:
    """Add patterns: noise, stripes, checks, grids of windows, prints."""
    draw = {"any": _noise, "wall": _noise, "print": _print, "facade": _windows, "cloth": _stripes, "road": _noise}
    for number in range(PATTERNS):
        use = tuple(draw)[number % len(draw)]
        picture = draw[use](rng)
        table.add(np.clip(picture, 0, 255).astype(np.uint8), *({"any", use} - ({"any"} if use == "facade" else set())))
        if use == "facade":
            table.uses.setdefault("windows", []).append(len(table.sides) - 1)


def _colour(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(20, 245) + rng.normal(0, 35, 3)


def _noise(rng: np.random.Generator) -> np.ndarray:
    sides, weight = (2, 4, 8, 16, 32, 64, 128), rng.uniform(0.4, 1.0)
    layers = [cv2.resize(rng.normal(0, 1, (s, s)), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC) for s in sides]
    field = sum(layer * weight**i for i, layer in enumerate(layers))
    return _colour(rng) + np.asarray(field)[:, :, None] * rng.normal(0, 18, 3)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    count, other = rng.integers(2, 16), rng.integers(0, 2) * rng.integers(2, 16)
    on = ((x * count % 1 < rng.uniform(0.2, 0.8)) ^ (y * other % 1 < 0.5)).astype(float)
    return _colour(rng) + (on[:, :, None] * rng.normal(0, 50, 3)) + rng.normal(0, 4, (SIDE_PX, SIDE_PX, 1))


def _windows(rng: np.random.Generator) -> np.ndarray:
    """Return a facade with 2 to 5 windows each way, some of them lit."""
    picture = np.broadcast_to(_colour(rng), (SIDE_PX, SIDE_PX, 3)) + rng.normal(0, 6, (SIDE_PX, SIDE_PX, 1))
    columns, rows = rng.integers(2, 6, 2)
    glass, frame, lit = _colour(rng) * rng.uniform(0.2, 0.9), _colour(rng), rng.random() < 0.3
    wide, high = rng.uniform(0.3, 0.9, 2)
    for row in range(rows):
        for column in range(columns):
            x0, y0 = (column + 0.5 - wide / 2) / columns, (row + 0.5 - high / 2) / rows
            x1, y1 = x0 + wide / columns, y0 + high / rows
            a, b, c, d = (round(v * SIDE_PX) for v in (x0, x1, y0, y1))
            picture[c:d, a:b] = frame
            on = rng.random() < 0.4 and lit
            picture[c + 1 : d - 1, a + 1 : b - 1] = [250, 215, 140] if on else glass + rng.normal(0, 18)
            if rng.random() < 0.5:
                picture[c:d, (a + b) // 2] = frame
    return picture


def _print(rng: np.random.Generator) -> np.ndarray:
    """Return a label: blocks and lines of writing on a ground."""
    picture = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8) + np.clip(_colour(rng), 0, 255).astype(np.uint8)
    for _ in range(rng.integers(2, 9)):
        x, y = rng.integers(0, SIDE_PX, 2).tolist()
        w, h = rng.integers(8, 80, 2).tolist()
        if rng.random() < 0.3:
            cv2.circle(picture, (x, y), h // 2, _colour(rng).tolist(), -1)
        elif rng.random() < 0.5:
            cv2.rectangle(picture, (x, y), (x + w, y + h), _colour(rng).tolist(), -1)
        else:
            cv2.putText(picture, "Rne Hm"[: rng.integers(2, 7)], (x, y), 1, h / 20, _colour(rng).tolist(), 2)
    return picture
