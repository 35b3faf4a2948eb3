"""Open country: fields, dunes, deserts, coasts and lakes, with hills, cliffs and mountains under much sky."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .render_solids import NONE, PRISM, Surface, place
from .synthesis_houses import add_house, draw_style
from .synthesis_outdoors import add_plant
from .synthesis_stage import GROUND, OBJECT, STRUCTURE, Stage, ahead
from .synthesis_streets import FAR_M, lay_ground, lay_water, scatter

ROWS, COLUMNS = 7, 26  # of a mountain range's corners
OCTAVES = 4


def build_landscape(stage: Stage) -> float:
    """Lay out open country and return how far it can be seen, metres."""
    rng = stage.rng
    if rng.random() < 0.35:
        water = lay_water(stage)
        if rng.random() < 0.6:
            _lay_shore(stage, water)
    else:
        lay_ground(stage, "nature", 0.0)
        if rng.random() < 0.5:
            _lay_path(stage)
    for _ in range(int(rng.choice([0, 1, 1, 2, 3]))):
        _raise_range(stage, stage.between(120, 750))
    if rng.random() < 0.4:
        _roll_hills(stage)
    if rng.random() < 0.25:
        _raise_cliff(stage)
    for _ in range(int(rng.integers(0, 9))):
        _drop_rock(stage)
    for _ in range(int(rng.integers(0, 25)) if rng.random() < 0.5 else 0):
        away, angle = float(np.exp(stage.between(np.log(15), np.log(300)))), stage.between(-0.8, 0.8)
        add_plant(stage, ahead(away, angle), stage.between(2, 15))
    if rng.random() < 0.25:
        away, angle = stage.between(25, 150), stage.between(-0.5, 0.5)
        half = (stage.between(4, 9), stage.between(3, 6))
        add_house(stage, ahead(away, angle), angle, half, draw_style(stage))
    if rng.random() < 0.5:
        scatter(stage, int(rng.integers(1, 8)), 4, 60)
    return 60.0


def _lay_shore(stage: Stage, water: Surface) -> None:
    """Lay a beach, a meadow or a pier's planks before the water, its edge at any angle."""
    use, yaw = str(stage.rng.choice(["nature", "nature", "wood", "pavement"])), stage.between(-1.2, 1.2)
    look = stage.look(use, stage.begin(), GROUND, NONE, tile_m=stage.between(1, 6), gloss=0.0)
    begin, half = stage.between(-2, 25), stage.between(20, 200)
    centre = (-np.sin(yaw) * (begin - half), 0.0, -np.cos(yaw) * (begin - half))
    stage.solids.add_box(look, (centre[0], 0.02, centre[2]), (FAR_M, 0.05, half), yaw)
    if stage.rng.random() < 0.3:  # surf
        foam = replace(water, colour=(1.2, 1.25, 1.3), gain=0.8, gloss=0.0, casts=False)
        edge = (-np.sin(yaw) * (begin + 1), 0.0, -np.cos(yaw) * (begin + 1))
        stage.solids.add_box(foam, (edge[0], 0.03, edge[2]), (FAR_M, 0.03, stage.between(0.5, 3)), yaw)


def _lay_path(stage: Stage) -> None:
    yaw, half = stage.between(-1.2, 1.2), stage.between(0.6, 3.5)
    use = str(stage.rng.choice(["road", "nature", "pavement", "wood"]))
    look = stage.look(use, stage.begin(), GROUND, NONE, tile_m=stage.between(1, 5))
    stage.solids.add_box(look, (stage.between(-2, 2), 0.01, 0.0), (half, 0.04, FAR_M), yaw)


def _draw_relief(rng: np.random.Generator, rough: float) -> np.ndarray:
    """Return (ROWS, COLUMNS) heights from 0 to about 1, more of the fine the rougher."""
    relief = np.zeros((ROWS, COLUMNS), np.float32)
    for octave in range(OCTAVES):
        grid = rng.uniform(0, 1, (2**octave + 1, 3 * 2**octave + 1)).astype(np.float32)
        relief += cv2.resize(grid, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC) * rough**octave
    relief -= relief.min()
    return relief / max(float(relief.max()), 1e-6)


def _add_relief(stage: Stage, look: Surface, xz: np.ndarray, heights: np.ndarray) -> None:
    """Add a mesh through (ROWS, COLUMNS, 2) places, x and z, and heights, metres."""
    corners = np.stack([xz[..., 0], heights, xz[..., 1]], axis=-1).astype(np.float32)
    a, b, c, d = corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], 2).reshape(-1, 3, 3), np.stack([a, c, d], 2).reshape(-1, 3, 3)])
    along = np.stack([triangles[..., 0], triangles[..., 1] - triangles[..., 2]], axis=-1) / look.tile_m
    stage.solids.add_mesh(look, triangles, along.astype(np.float32), np.full(len(triangles), look.texture))


def _raise_range(stage: Stage, far: float) -> None:
    """Raise a range of hills or mountains far off."""
    rng, high = stage.rng, far * stage.between(0.04, 0.35)
    look = stage.look("nature", stage.begin(), STRUCTURE, PRISM, tile_m=far * stage.between(0.05, 0.3), gloss=0.0)
    if rng.random() < 0.5:
        look.colour = tuple((np.array([0.5, 0.6, 0.7]) * rng.uniform(0.3, 1.3) * rng.uniform(0.8, 1.2, 3)).tolist())
    wide, middle, deep = far * stage.between(0.5, 2.2), far * stage.between(-0.8, 0.8), far * stage.between(0.15, 0.4)
    across, along = np.linspace(-1, 1, COLUMNS), np.linspace(0, 1, ROWS)
    envelope = np.sin(np.pi * along)[:, None] ** 0.7 * (1 - np.abs(across[None]) ** stage.between(2, 8))
    heights = high * _draw_relief(rng, stage.between(0.35, 0.65)) * envelope - 0.5
    xz = np.stack(np.broadcast_arrays(middle + wide * across[None], -far - deep * along[:, None]), axis=-1)
    _add_relief(stage, look, xz, heights)


def _roll_hills(stage: Stage) -> None:
    """Let the ground rise into low hills or dunes."""
    for _ in range(int(stage.rng.integers(1, 5))):
        look = stage.look("nature", stage.begin(), GROUND, NONE, tile_m=stage.between(3, 30), gloss=0.0)
        away, angle = stage.between(40, 300), stage.between(-0.9, 0.9)
        half = (away * stage.between(0.3, 1.2), away * stage.between(0.03, 0.12), away * stage.between(0.2, 0.5))
        at = ahead(away * 1.4, angle)
        stage.solids.add_round(look, place(at, half, stage.between(-0.5, 0.5)), sphere=True)


def _raise_cliff(stage: Stage) -> None:
    """Raise a wall of rock along one side."""
    rng, side = stage.rng, -1 if stage.rng.random() < 0.5 else 1
    near, high = stage.between(3, 20), stage.between(3, 35)
    look = stage.look(
        str(rng.choice(["nature", "bark"])), stage.begin(), STRUCTURE, PRISM, tile_m=stage.between(2, 12), gloss=0.0
    )
    away = np.geomspace(stage.between(1.5, 6), stage.between(40, 200), COLUMNS)[None]
    up = np.linspace(0, 1, ROWS)[:, None]
    bulge = _draw_relief(rng, 0.6) - 0.3
    x = side * (near * (1 + 0.6 * bulge) + high * up * stage.between(0.05, 0.5) + away * stage.between(-0.05, 0.3))
    heights = high * up * (0.6 + 0.8 * _draw_relief(rng, 0.5)[-1:]) - 0.3
    _add_relief(stage, look, np.stack(np.broadcast_arrays(x, -away), axis=-1), heights)


def _drop_rock(stage: Stage) -> None:
    away, angle = float(np.exp(stage.between(np.log(4), np.log(80)))), stage.between(-0.7, 0.7)
    look = stage.look("nature", stage.begin(), OBJECT, PRISM, tile_m=stage.between(0.5, 3), gloss=0.0)
    r = stage.between(0.03, 0.15) * away
    x, _, z = ahead(away, angle)
    at = (x, r * stage.between(-0.2, 0.4), z)
    size = (r * stage.between(0.7, 1.6), r * stage.between(0.5, 1.1), r * stage.between(0.7, 1.4))
    stage.solids.add_round(look, place(at, size, stage.between(0, 3), stage.between(-0.4, 0.4)), sphere=True)
