"""What the town square's surfaces and sky look like: linear colours from places, computed, not photographed."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

UP = np.array([0.0, 1.0, 0.0], np.float32)
ACROSS = np.array([1.0, 0.0, 0.0], np.float32)
# Two turned lattices with cells of 6 and 4 cm: where both are filled there is a leaf, and no two leaves look alike.
LATTICES = np.array(
    [
        [[0.69, -0.51, 0.52], [0.61, 0.79, -0.04], [-0.39, 0.34, 0.86]],
        [[0.36, 0.87, -0.34], [-0.83, 0.14, -0.54], [-0.42, 0.48, 0.77]],
    ],
    np.float32,
) / np.array([0.06, 0.04], np.float32).reshape(2, 1, 1)


@cache
def _noise_tile() -> np.ndarray:
    """Return (512, 512) float32 fractal noise 0..1 that repeats seamlessly."""
    random = np.random.default_rng(7)
    tile = np.zeros((512, 512), np.float32)
    for cells in (8, 16, 32, 64, 128, 256):
        grid = np.pad(random.random((cells, cells)).astype(np.float32), 2, mode="wrap")
        step = 512 // cells
        large = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        tile += large[2 * step : -2 * step, 2 * step : -2 * step] / cells**0.9
    low, high = np.quantile(tile, [0.005, 0.995])
    return np.clip((tile - low) / (high - low), 0, 1)


def noise(u: np.ndarray, v: np.ndarray, grain: float) -> np.ndarray:
    """Return (N,) float32 fractal noise 0..1 whose largest spots are about ``grain`` wide."""
    scale = 64 / grain
    x, y = (np.mod(value * scale, 511.0).astype(np.float32).reshape(-1, 1) for value in (u, v))
    rows = 32000  # what cv2.remap takes at once
    parts = [
        cv2.remap(_noise_tile(), x[i : i + rows], y[i : i + rows], cv2.INTER_LINEAR) for i in range(0, len(x), rows)
    ]
    return np.concatenate(parts).ravel() if parts else np.zeros(0, np.float32)


def scatter(*cells: np.ndarray) -> np.ndarray:
    """Return (N,) float32 0..1, a different one for each whole-numbered cell."""
    primes = (73856093, 19349663, 83492791)
    mixed = np.zeros(cells[0].shape, np.uint32)
    for cell, prime in zip(cells, primes, strict=False):
        mixed ^= (np.floor(cell).astype(np.int64) * prime).astype(np.uint32)
    mixed = (mixed ^ (mixed >> 15)) * np.uint32(0x2C1B3C6D)
    mixed = (mixed ^ (mixed >> 12)) * np.uint32(0x297A2D39)
    return ((mixed ^ (mixed >> 15)) >> 8).astype(np.float32) / 2**24


def leaf_at(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (...) bool, whether there is a leaf at (..., 3) places, and (...) float32 0..1, which."""
    first, second = (np.moveaxis(place @ lattice, -1, 0) for lattice in LATTICES)
    return (scatter(*first) > 0.28) & (scatter(*second) > 0.25), scatter(*second)


def sky(direction: np.ndarray) -> np.ndarray:
    """Return (N, 3) float32 linear light of a blue sky with clouds in (N, 3) directions."""
    unit = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    up = np.clip(unit[:, 1:2], 0, 1)
    haze, blue = np.array([0.66, 0.80, 0.97]), np.array([0.12, 0.30, 0.72])
    colour = haze + (blue - haze) * (1 - (1 - up) ** 3)
    x, y = (unit[:, [0, 2]] / (up + 0.25)).T
    puffs = 0.7 * noise(x + 5, 1.4 * y, 2.2) + 0.3 * noise(x, 1.4 * y, 0.6)
    cover = np.clip((puffs - 0.52) / 0.20, 0, 1)[:, None]
    cover = cover * cover * (3 - 2 * cover) * np.clip(up / 0.1, 0, 1)
    shade = 1.15 - 0.35 * np.clip((puffs - 0.62) / 0.3, 0, 1)[:, None]
    return (colour + 0.9 * cover * (shade * [1.0, 1.0, 1.02] - colour)).astype(np.float32)


def surface_axes(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two (N, 3) directions along a surface: level, and up the slope."""
    level = np.cross(np.broadcast_to(UP, normal.shape), normal)
    size = np.linalg.norm(level, axis=1, keepdims=True)
    level = np.where(size > 1e-3, level / np.maximum(size, 1e-6), ACROSS)
    return level, np.cross(normal, level)


def paint(material: str, colour: np.ndarray, place: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return (N, 3) float32 linear reflectance of a surface of some base colour at (N, 3) places."""
    level, rise = surface_axes(normal)
    u, v = (place * level).sum(axis=1), (place * rise).sum(axis=1)
    return (colour * PATTERNS[material](u, v, place)).astype(np.float32)


def _plaster(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    streaks = noise(u, 0.12 * v, 3.0)
    damp = np.clip(1 - place[:, 1] / (0.35 + 0.5 * noise(u, 0 * u, 2.0)), 0, 1)
    return ((0.86 + 0.12 * noise(u, v, 4.0) + 0.10 * streaks) * (1 - 0.35 * damp))[:, None]


def _brick(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    row = np.floor(v / 0.085)
    column = u / 0.25 + 0.5 * (row % 2)
    joint = ((v / 0.085) % 1 < 0.15) | (column % 1 < 0.06)
    tone = 0.62 + 0.55 * scatter(column, row) + 0.15 * noise(u, v, 2.0)
    hue = np.stack([tone, tone * (0.92 + 0.2 * scatter(row, column)), tone], axis=1)
    return np.where(joint[:, None], np.array([1.25, 2.3, 2.9]), hue)


def _tiles(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    row = v / 0.30
    column = u / 0.22 + 0.5 * (np.floor(row) % 2)
    lip = 0.55 + 0.45 * np.clip(row % 1 / 0.25, 0, 1)
    curve = 0.78 + 0.22 * np.sin(np.pi * (column % 1))
    tone = lip * curve * (0.7 + 0.5 * scatter(column, row) + 0.25 * noise(u, v, 4.0))
    return tone[:, None] * np.stack([np.ones_like(u), 0.9 + 0.2 * scatter(row, column), np.ones_like(u)], axis=1)


def _slabs(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    x, z = place[:, 0], place[:, 2]
    row = z / 0.32
    column = x / 0.48 + 0.37 * (np.floor(row) % 3)
    joint = np.minimum(np.minimum(row % 1, 1 - row % 1) * 0.32, np.minimum(column % 1, 1 - column % 1) * 0.48)
    seam = 0.45 + 0.55 * np.clip((joint - 0.006) / 0.010, 0, 1)
    stains = 0.75 + 0.3 * noise(x, z, 9.0) + 0.12 * noise(x, z, 0.6)
    return (seam * stains * (0.8 + 0.3 * scatter(column, row)))[:, None]


def _wood(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    board = v / 0.12
    gap = np.clip(np.minimum(board % 1, 1 - board % 1) / 0.06, 0.25, 1)
    return (gap * (0.65 + 0.35 * scatter(board, board) + 0.4 * noise(0.15 * u, 3 * v, 0.8)))[:, None]


def _leaves(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    leaf = leaf_at(place)[1]
    return (0.45 + 0.9 * leaf)[:, None] * np.stack([0.7 + 0.6 * leaf, np.ones_like(u), 0.9 - 0.3 * leaf], axis=1)


def _meadow(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    return (0.3 + 1.3 * noise(place[:, 0], place[:, 1] + place[:, 2], 9.0))[:, None]


def _plain(u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
    return (0.95 + 0.1 * noise(u, v, 0.7))[:, None]


PATTERNS = {
    "plaster": _plaster,
    "brick": _brick,
    "tiles": _tiles,
    "slabs": _slabs,
    "wood": _wood,
    "leaves": _leaves,
    "meadow": _meadow,
    "plain": _plain,
    "gloss": _plain,
    "glass": _plain,
}
MIRRORS = {"gloss": 0.05, "glass": 0.30}  # share of light reflected head on
