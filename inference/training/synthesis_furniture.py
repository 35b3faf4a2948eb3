"""Furniture of synthetic scenes: tables, chairs, sofas, beds, shelves and cupboards."""

from __future__ import annotations

import numpy as np

from .render_solids import PRISM, Surface, place
from .synthesis_small import add_small_thing
from .synthesis_stage import Point, Stage, beside


def add_table(stage: Stage, at: Point, yaw: float, things: int = 4, half_m: tuple[float, float] | None = None) -> float:
    """Add a table, desk or bench with things on it, of a known size or any, and return how high it is, metres."""
    rng = stage.rng
    model = stage.model("table")
    if half_m is not None:
        half, height = np.array(half_m), stage.between(0.65, 0.8)
        _table_solids(stage, at, yaw, half, height)
    elif model is not None and rng.random() < 0.35:
        height = stage.put(model, at, yaw)
        half = np.array(model.reach) * height * 0.7
    else:
        half, height = np.array([stage.between(0.35, 1.1), stage.between(0.3, 0.5)]), stage.between(0.4, 0.8)
        _table_solids(stage, at, yaw, half, height)
    for _ in range(rng.integers(0, things + 1)):
        local = rng.uniform(-0.85, 0.85, 2) * half
        add_small_thing(stage, beside(at, yaw, float(local[0]), float(local[1]), height), stage.between(0.08, 0.3))
    return float(height)


def _table_solids(stage: Stage, at: Point, yaw: float, half: np.ndarray, height: float) -> None:
    new, thick, leg = stage.begin(), stage.between(0.015, 0.05), stage.between(0.015, 0.04)
    top, legs = stage.look("wood", new), stage.look("metal", new)
    if stage.rng.random() < 0.2:
        frame = place((at[0], at[1] + height - thick, at[2]), (half[0], thick, half[0]))
        stage.solids.add_round(top, frame)
        stage.solids.add_round(legs, place((at[0], at[1] + height / 2, at[2]), (leg, height / 2, leg)))
        return
    stage.solids.add_box(top, (at[0], at[1] + height - thick, at[2]), (half[0], thick, half[1]), yaw)
    if stage.rng.random() < 0.3:  # closed sides
        for side in (-1, 1):
            centre = beside(at, yaw, side * (half[0] - 0.03), 0, height / 2 - thick)
            stage.solids.add_box(legs, centre, (0.02, height / 2 - thick, half[1] * 0.95), yaw)
        if stage.rng.random() < 0.6:
            centre = beside(at, yaw, half[0] * 0.6, 0, height / 2 - thick)
            stage.solids.add_box(top, centre, (half[0] * 0.35, height / 2 - thick, half[1] * 0.9), yaw)
        return
    for a in (-1, 1):
        for b in (-1, 1):
            centre = beside(at, yaw, a * (half[0] - 2 * leg), b * (half[1] - 2 * leg), height / 2 - thick)
            stage.solids.add_box(legs, centre, (leg, height / 2 - thick, leg), yaw)


def add_chair(stage: Stage, at: Point, yaw: float) -> None:
    """Add a chair, stool or office chair."""
    rng, solids = stage.rng, stage.solids
    model = stage.model("chair")
    if model is not None and rng.random() < 0.4:
        stage.put(model, at, yaw)
        return
    new, seat, r = stage.begin(), stage.between(0.4, 0.5), stage.between(0.19, 0.27)
    cloth = stage.look(str(rng.choice(["cloth", "wood"])), new, shape=PRISM)
    legs = stage.look("metal", new, shape=PRISM)
    thick = stage.between(0.015, 0.06)
    solids.add_box(cloth, (at[0], at[1] + seat, at[2]), (r, thick, r), yaw)
    back, lean = stage.between(0.18, 0.32), stage.between(-0.25, 0.0)
    if rng.random() < 0.85:
        centre = beside(at, yaw, 0, -r, seat + back + 0.1)
        solids.add_box(cloth, centre, (r * stage.between(0.8, 1), back, 0.02 + thick / 3), yaw, lean)
        solids.add_box(legs, beside(at, yaw, 0, -r, seat + back / 2), (0.03, back / 2 + 0.08, 0.015), yaw, lean)
    if rng.random() < 0.5:
        solids.add_round(legs, place((at[0], at[1] + seat / 2 + 0.03, at[2]), (0.025, seat / 2 - 0.03, 0.025)))
        for turn in range(5):
            spoke = yaw + turn * 1.257
            centre = (at[0] + 0.14 * np.cos(spoke), at[1] + 0.06, at[2] - 0.14 * np.sin(spoke))
            solids.add_box(legs, centre, (0.14, 0.02, 0.02), spoke)
    else:
        for a in (-1, 1):
            for b in (-1, 1):
                solids.add_box(
                    legs, beside(at, yaw, a * r * 0.85, b * r * 0.85, seat / 2), (0.018, seat / 2, 0.018), yaw
                )
    if rng.random() < 0.4:
        for side in (-1, 1):
            solids.add_box(legs, beside(at, yaw, side * r, 0.02, seat + 0.2), (0.025, 0.02, r * 0.8), yaw)
            solids.add_box(legs, beside(at, yaw, side * r, 0.1, seat + 0.1), (0.02, 0.1, 0.02), yaw)


def add_sofa(stage: Stage, at: Point, yaw: float, bed: bool = False) -> None:
    """Add a sofa, an armchair or a bed."""
    model = stage.model("bed" if bed else "sofa")
    if model is not None and stage.rng.random() < 0.45:
        stage.put(model, at, yaw)
        return
    new, solids = stage.begin(), stage.solids
    w, d = (
        (stage.between(0.45, 0.95), stage.between(0.95, 1.1))
        if bed
        else (stage.between(0.4, 1.2), stage.between(0.38, 0.5))
    )
    seat, arm, thick = stage.between(0.3, 0.5), stage.between(0.5, 0.7), stage.between(0.06, 0.14)
    cloth, other = stage.look("cloth", new, shape=PRISM), stage.look("cloth", new, shape=PRISM)
    solids.add_box(cloth, beside(at, yaw, 0, 0, seat / 2), (w, seat / 2, d), yaw)
    back = stage.between(0.4, 0.6) if bed else stage.between(0.7, 0.95)
    solids.add_box(cloth if not bed else other, beside(at, yaw, 0, -d, back / 2), (w, back / 2, thick), yaw)
    if bed:
        solids.add_box(other, beside(at, yaw, 0, d * 0.25, seat + 0.03), (w * 1.02, 0.05, d * 0.76), yaw)
    for side in (-1, 1):
        if bed or stage.rng.random() < 0.3:
            centre = beside(at, yaw, side * w * 0.5, -d * 0.65, seat + 0.06)
            solids.add_round(other, place(centre, (min(w * 0.4, 0.35), 0.09, 0.2), yaw), sphere=True)
        if not bed:
            solids.add_box(cloth, beside(at, yaw, side * w, 0, arm / 2), (thick, arm / 2, d), yaw)


def add_storage(stage: Stage, at: Point, yaw: float, high_m: float = 2.2) -> None:
    """Add a shelf with things on it, a cupboard or a chest of drawers; its back is at the point."""
    rng, solids = stage.rng, stage.solids
    model = stage.model("storage")
    if model is not None and rng.random() < 0.3:
        stage.put(model, beside(at, yaw, 0, 0.3), yaw)
        return
    new, w, d, h = stage.begin(), stage.between(0.25, 0.9), stage.between(0.13, 0.3), stage.between(0.5, high_m)
    look = stage.look("wood", new)
    front = beside(at, yaw, 0, d)
    if rng.random() < 0.5:
        solids.add_box(look, (front[0], at[1] + h / 2, front[2]), (w, h / 2, d), yaw)
        other = stage.look("wood", new)
        for level in np.linspace(0, h, int(rng.integers(2, 6)))[:-1]:
            tall = h / 5
            solids.add_box(
                other, beside(at, yaw, 0, 2 * d, float(level) + tall / 2 + 0.02), (w * 0.95, tall / 2, 0.012), yaw
            )
    else:
        _open_shelf(stage, at, yaw, look, (w, d, h))
    for _ in range(rng.integers(0, 4)):
        top = beside(at, yaw, stage.between(-0.8, 0.8) * w, d, h)
        add_small_thing(stage, top, stage.between(0.1, 0.35))


def _open_shelf(stage: Stage, at: Point, yaw: float, look: Surface, size: Point) -> None:
    w, d, h = size
    solids = stage.solids
    for side in (-1, 1):
        solids.add_box(look, beside(at, yaw, side * w, d, h / 2), (0.015, h / 2, d), yaw)
    if stage.rng.random() < 0.7:
        solids.add_box(look, beside(at, yaw, 0, 0.01, h / 2), (w, h / 2, 0.01), yaw)
    levels = np.linspace(0.03, h, int(stage.rng.integers(2, 6)))
    for level in levels:
        solids.add_box(look, beside(at, yaw, 0, d, float(level)), (w, 0.012, d), yaw)
    for level in levels[:-1]:
        space = float(levels[1] - levels[0])
        for x in np.arange(-w + 0.1, w - 0.05, stage.between(0.1, 0.35)):
            if stage.rng.random() < 0.6:
                at_level = beside(at, yaw, float(x), d * 1.2, float(level) + 0.012)
                _book_or_box(stage, at_level, yaw, space)


def _book_or_box(stage: Stage, at: Point, yaw: float, space: float) -> None:
    w, h, d = stage.between(0.015, 0.09), space * stage.between(0.35, 0.85) / 2, stage.between(0.06, 0.12)
    look = stage.look("print", stage.begin(), tile_m=0.0)
    if stage.rng.random() < 0.2:
        stage.solids.add_round(look, place((at[0], at[1] + h, at[2]), (w, h, w)), stage.between(0.6, 1.2))
        return
    stage.solids.add_box(look, (at[0], at[1] + h, at[2]), (w, h, d), yaw)
