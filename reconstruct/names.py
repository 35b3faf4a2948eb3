"""What things are called in the stage and on disk; without pxr, so that reports can say it too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from .scene import Prism  # needs more than names do

Texture = Literal["photo", "colour"]

ROOT = "/Blockout"
SEGMENTS = f"{ROOT}/segments"
LONGEST_IDENTIFIER = 40  # with number and suffix a prim name stays below the 63 bytes where Blender 4 cuts


def identifier(label: str) -> str:
    """Return an ASCII identifier of at most 40 characters for any label; "segment" where no letter is ASCII.

    Args:
        label: any text, such as "Café table".

    Returns:
        Letters, digits and underscores, no digit first, such as "Cafe_table".
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:LONGEST_IDENTIFIER].rstrip("_")
    if words[:1].isdigit():
        words = f"n{words}"[:LONGEST_IDENTIFIER]
    return words or "segment"


def stem(prism_name: str) -> str:
    """Return what the names of a prism's Mesh and material start with: "table_001" for "seg_001_table"."""
    match = re.fullmatch(r"seg_(\d+)_(\w+)", prism_name, re.ASCII)
    return f"{match[2]}_{match[1]}" if match else prism_name


def encodable(text: str) -> str:
    """Return a text with "?" for what UTF-8 cannot hold, such as the bytes of a file name in another encoding."""
    return text.encode("utf-8", "replace").decode()


def prim_paths(prisms: Iterable[Prism], parent: str = SEGMENTS) -> dict[str, str]:
    """Return, for each prism and group by name, the path of its Xform in the stage, parents first."""
    paths = {}
    for prism in prisms:
        paths[prism.name] = f"{parent}/{prism.name}"
        paths |= prim_paths(prism.children, paths[prism.name])
    return paths


def texture_path(stage: Path, picture: str = "photo") -> Path:
    """Return where a texture for a stage lies: textures/<stem>_photo.jpg beside it, or _plate, for the clean plate.

    Letters of any script stay; marks that mean something in an asset path (brackets, @, %, ...) are written as %XX
    with the percent sign as an underscore.
    """
    safe = "".join(
        c if c.isalnum() or c in " ._-" else quote(c, safe="", errors="replace").replace("%", "_") for c in stage.stem
    )
    return stage.parent / "textures" / f"{safe}_{picture}.jpg"


def stage_files(stage: Path, *, texture: Texture, backdrop: bool) -> tuple[Path, ...]:
    """Return every file that ``usd.write_stage`` makes for these arguments, the stage last."""
    is_textured = texture == "photo" or backdrop
    if not is_textured or stage.suffix.lower() == ".usdz":
        return (stage,)
    return texture_path(stage), stage


def plate_files(stage: Path, *, texture: Texture) -> tuple[Path, ...]:
    """Return the files that ``usd.write_stage`` makes besides, where the scene has a clean plate."""
    return (texture_path(stage, "plate"),) if texture == "photo" and stage.suffix.lower() != ".usdz" else ()
