"""The names of COCO-Stuff's 182 classes."""

from __future__ import annotations

from pathlib import Path


def read_names() -> tuple[str, ...]:
    """Return the names in the order of COCO's ids, which begin at 1: the first 91 are things, the others stuff."""
    return tuple((Path(__file__).parent / "coco_stuff.txt").read_text(encoding="utf-8").splitlines())
