"""Places of work seen from above, as by somebody who stands before them: desks full of things, chairs, screens."""

from __future__ import annotations

import numpy as np

from .render_solids import BOX
from .synthesis_furniture import add_chair, add_sofa, add_storage, add_table
from .synthesis_rooms import add_shell
from .synthesis_small import add_clutter, add_small_thing
from .synthesis_stage import OBJECT, Point, Stage, beside


def build_desk(stage: Stage) -> float:
    """Set desks before the camera in a room and return how far the first one is, metres."""
    rng, far = stage.rng, stage.between(1.0, 3.0)
    turn = stage.between(-0.9, 0.9)
    wide, deep, high = stage.between(3, 8), far + stage.between(2.0, 6.0), stage.between(2.4, 3.2)
    behind = stage.between(0.5, 0.3 * deep)  # metres from the camera to the wall at its back
    middle = beside((0, 0, 0), turn, stage.between(-0.3, 0.3) * wide, behind - deep / 2)
    add_shell(stage, middle, turn, (wide, deep, high))
    desk = beside((0, 0, -far), 0.0, stage.between(-0.4, 0.4) * far, 0)
    yaw = turn + stage.between(-0.15, 0.15) + float(rng.choice([0, 0, 0, np.pi / 2]))
    half = (stage.between(0.45, 1.2), stage.between(0.3, 0.5))
    _add_desk(stage, desk, yaw, half)
    if rng.random() < 0.5:  # its neighbour
        side = float(rng.choice([-1, 1])) * (2 * half[0] + stage.between(0.0, 0.6))
        _add_desk(stage, beside(desk, yaw, side, 0), yaw, half)
    _add_around(stage, desk, yaw, half)
    for _ in range(rng.integers(0, 4)):
        _add_at_back(stage, beside(middle, turn, stage.between(-0.45, 0.45) * wide, -deep / 2 + 0.03), turn, high)
    return far


def _add_desk(stage: Stage, at: Point, yaw: float, half: tuple[float, float]) -> None:
    """Add a desk with things on it, and often a board at its back."""
    rng = stage.rng
    high = add_table(stage, at, yaw, things=9, half_m=half)
    for _ in range(rng.integers(0, 7)):
        spot = beside(at, yaw, stage.between(-0.85, 0.85) * half[0], stage.between(-0.85, 0.4) * half[1], high)
        add_small_thing(stage, spot, stage.between(0.1, 0.35))
    if rng.random() < 0.5:
        level, rise = stage.between(0.0, high), high + stage.between(0.25, 0.8)
        board = stage.look(str(rng.choice(["cloth", "wall", "wood"])), stage.begin(), OBJECT, BOX)
        centre = beside(at, yaw, 0, -half[1] - 0.03, (level + rise) / 2)
        stage.solids.add_box(board, centre, (half[0] * stage.between(0.9, 1.3), (rise - level) / 2, 0.02), yaw)


def _add_around(stage: Stage, desk: Point, yaw: float, half: tuple[float, float]) -> None:
    rng = stage.rng
    for _ in range(rng.integers(1, 4)):
        spot = beside(desk, yaw, stage.between(-1.2, 1.2) * half[0], half[1] + stage.between(-0.1, 0.5))
        if np.hypot(spot[0], spot[2]) > 0.7:
            add_chair(stage, spot, yaw + np.pi + stage.between(-1.2, 1.2))
    for _ in range(rng.integers(0, 3)):
        spot = beside(desk, yaw, stage.between(-1, 1) * (half[0] + 0.8), stage.between(-0.3, 0.9))
        if np.hypot(spot[0], spot[2]) > 1.0:
            add_clutter(stage, spot, stage.between(0.15, 0.4))


def _add_at_back(stage: Stage, at: Point, yaw: float, high: float) -> None:
    choice = stage.rng.random()
    if np.hypot(at[0], at[2]) < 1.3:
        return
    if choice < 0.6:
        add_storage(stage, at, yaw, high - 0.3)
    elif choice < 0.8:
        add_table(stage, beside(at, yaw, 0, 0.45), yaw, 6)
    else:
        add_sofa(stage, beside(at, yaw, 0, 0.5), yaw)
