"""Drawn patterns for the surfaces of synthetic scenes: noise, stripes, checks, grids of windows, prints."""

from __future__ import annotations

import cv2
import numpy as np

from .synthesis_materials import SIDE_PX, MaterialTable

PATTERNS = 240


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
