"""Houses and towers of synthetic scenes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .render_solids import BOX, CONE, GABLE, HIP, SHED, Surface, place
from .synthesis_stage import STRUCTURE, Point, Stage, beside

ROOFS = (GABLE, GABLE, HIP, SHED)


@dataclass(frozen=True)
class Style:
    """What neighbouring houses may have in common.

    Attributes:
        walls, roof, glass, trim: how they look.
        storeys: about how many there are.
        is_flat: whether the roof is.
    """

    walls: Surface
    roof: Surface
    glass: Surface
    trim: Surface
    storeys: int
    is_flat: bool

    def of(self, instance: int) -> Style:
        """Return the same for a house of its own."""
        looks = {name: replace(getattr(self, name), instance=instance) for name in ("walls", "roof", "glass", "trim")}
        return replace(self, **looks)


def draw_style(stage: Stage) -> Style:
    """Return a style at random."""
    use = str(stage.rng.choice(["facade", "facade", "wall"]))
    return Style(
        walls=stage.look(use, 0, STRUCTURE, BOX, tile_m=stage.between(2, 5), gloss=0.0),
        roof=stage.look("roof", 0, STRUCTURE, CONE, tile_m=stage.between(1.5, 4), gloss=0.1),
        glass=stage.look("any", 0, STRUCTURE, BOX, gain=0.3, gloss=0.9, colour=tuple([stage.between(0.1, 0.6)] * 3)),
        trim=stage.look("wall", 0, STRUCTURE, BOX),
        storeys=int(stage.rng.choice([1, 2, 2, 3, 4, 6])),
        is_flat=stage.rng.random() < 0.35,
    )


def add_house(stage: Stage, at: Point, yaw: float, half: tuple[float, float], style: Style) -> None:
    """Add a house whose front looks along its own +z: walls, windows, door, roof, chimney."""
    model = stage.model("house")
    if model is not None and stage.rng.random() < 0.08:
        stage.put(model, at, yaw, kind=STRUCTURE)
        return
    style = style.of(stage.begin())
    storey = stage.between(2.7, 3.4)
    storeys = style.storeys + int(stage.rng.integers(0, 2))
    high = storeys * storey
    stage.solids.add_box(style.walls, beside(at, yaw, 0, 0, high / 2), (half[0], high / 2, half[1]), yaw)
    if np.hypot(at[0], at[2]) < 60:
        _add_windows(stage, at, yaw, half, (storeys, storey), style)
    if style.is_flat:
        rim = beside(at, yaw, 0, 0, high + 0.15)
        stage.solids.add_box(style.trim, rim, (half[0] + 0.15, 0.2, half[1] + 0.15), yaw)
    else:
        _add_roof(stage, beside(at, yaw, 0, 0, high), yaw, half, style)
    if stage.rng.random() < 0.2:
        wing = beside(at, yaw, stage.between(-0.6, 0.6) * half[0], half[1] + 1, high * 0.35)
        stage.solids.add_box(style.trim, wing, (half[0] * 0.4, high * 0.35, 1.5), yaw)


def _add_roof(stage: Stage, at: Point, yaw: float, half: tuple[float, float], style: Style) -> None:
    rise = stage.between(0.35, 0.9) * min(half)
    roof = ROOFS[stage.rng.integers(len(ROOFS))]
    along = yaw + (0 if stage.rng.random() < 0.6 else np.pi / 2)
    size = (half[0] + 0.3, half[1] + 0.3) if along == yaw else (half[1] + 0.3, half[0] + 0.3)
    stage.solids.add(style.roof, place(beside(at, yaw, 0, 0, rise), (size[0], rise, size[1]), along), roof)
    if stage.rng.random() < 0.5:
        chimney = beside(at, yaw, stage.between(-0.7, 0.7) * half[0], 0, rise * 1.7)
        stage.solids.add_box(style.trim, chimney, (0.35, rise * 0.6 + 0.4, 0.35), yaw)


def _add_windows(
    stage: Stage, at: Point, yaw: float, half: tuple[float, float], storeys: tuple[int, float], style: Style
) -> None:
    add, (number, storey) = stage.solids.add_box, storeys
    wide, high = stage.between(0.4, 0.8), storey * stage.between(0.2, 0.34)
    columns = max(1, int(2 * half[0] / stage.between(2.0, 4.0)))
    door = int(stage.rng.integers(columns))
    framed, balcony = stage.rng.random() < 0.6, stage.rng.random() < 0.15
    for column in range(columns):
        x = (column + 0.5) / columns * 2 * half[0] - half[0]
        for row in range(min(number, 7)):
            middle = beside(at, yaw, x, half[1], (row + 0.5) * storey)
            if row == 0 and column == door:
                add(style.trim, beside(at, yaw, x, half[1], 1.05), (0.5, 1.05, 0.06), yaw)
                continue
            if framed:
                add(style.trim, middle, (wide + 0.1, high + 0.1, 0.03), yaw)
            add(style.glass, middle, (wide, high, 0.05), yaw)
            if balcony and row:
                slab = beside(middle, yaw, 0, 0.5, -high - 0.2)
                add(style.trim, slab, (wide + 0.4, 0.08, 0.5), yaw)
                add(style.trim, beside(slab, yaw, 0, 0.5, 0.5), (wide + 0.4, 0.45, 0.03), yaw)


def add_tower(stage: Stage, at: Point) -> None:
    """Add a tall building of one to three blocks."""
    new, base = stage.begin(), 0.0
    half = np.array([stage.between(6, 22), stage.between(6, 22)])
    yaw = stage.between(-0.8, 0.8)
    look = stage.look("windows", new, STRUCTURE, BOX, tile_m=stage.between(8, 22), gloss=stage.between(0, 0.5))
    look.glow = float(stage.rng.choice([0.0, 0.0, stage.between(0, 0.5)]))
    for _ in range(int(stage.rng.integers(1, 4))):
        high = stage.between(10, 80)
        stage.solids.add_box(look, (at[0], base + high / 2, at[2]), (half[0], high / 2, half[1]), yaw)
        base, half = base + high, half * stage.between(0.5, 0.9)
    if stage.rng.random() < 0.2:
        stage.solids.add_round(look, place((at[0], base + 8, at[2]), (half[0] * 0.5, 8, half[1] * 0.5)), 0.0)
