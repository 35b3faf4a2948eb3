"""Textures, cut-outs and skies of synthetic scenes: photographs from a folder, drawn patterns without one."""

from __future__ import annotations

import cv2
import numpy as np

from ...errors import DatasetUnusable
from .material_folder import MaterialFolder, read_rgba
from .synthesis_materials import MaterialTable
from .synthesis_patterns import draw_patterns

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
    open_sky = ("sky", "dawn", "sunrise", "park", "venice")  # others of the pack show roofs and towers
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
