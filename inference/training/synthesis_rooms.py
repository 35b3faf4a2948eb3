"""Rooms and table tops. The camera stands at x = z = 0 and looks along -z."""

from __future__ import annotations

import numpy as np

from .render_solids import BOX, NONE, PRISM, UNIT_BOX, Surface, place
from .synthesis_furniture import add_chair, add_sofa, add_storage, add_table
from .synthesis_outdoors import add_card, add_person, add_plant
from .synthesis_small import add_clutter, add_small_thing
from .synthesis_stage import GROUND, OBJECT, STRUCTURE, Point, Stage, beside

THICK = 0.12  # metres, of walls


def build_room(stage: Stage) -> float:
    """Furnish a room around the camera and return how far its back wall is, metres."""
    rng = stage.rng
    wide, deep, high = stage.between(2.6, 8), stage.between(2.8, 9), stage.between(2.3, 3.4)
    turn = stage.between(-0.9, 0.9)
    corner = (stage.between(-0.35, 0.35) * wide, 0.0, stage.between(0.25, 0.46) * deep)
    middle = beside((0, 0, 0), turn, -corner[0], -corner[2])  # the camera is at the origin
    add_shell(stage, middle, turn, (wide, deep, high))
    if rng.random() < 0.3:
        rug = beside(middle, turn, stage.between(-0.3, 0.3) * wide, stage.between(-0.3, 0.2) * deep, 0.006)
        look = stage.look("cloth", stage.last, GROUND, NONE, tile_m=0.0)
        stage.solids.add_box(look, rug, (stage.between(0.5, 1.5), 0.006, stage.between(0.4, 1.1)), turn)
    _furnish(stage, middle, turn, (wide, deep, high))
    return deep


def add_shell(stage: Stage, middle: Point, turn: float, size: Point) -> None:
    """Add a room: floor, walls, ceiling. Its size is wide, deep, high; in some the sun comes through windows only."""
    wide, deep, high = size
    floor = stage.look(
        "floor", stage.begin(), GROUND, NONE, tile_m=stage.between(0.5, 3), gloss=max(0.0, stage.between(-0.3, 0.5))
    )
    stage.polish(floor, 0.3)
    stage.solids.add_box(floor, (middle[0], -0.05, middle[2]), (wide / 2 + 8, 0.05, deep / 2 + 8), turn)
    casts = stage.rng.random() < 0.35
    _add_walls(stage, middle, turn, size, casts)
    plain = {"gain": stage.between(0, 0.5), "colour": tuple([stage.between(0.7, 1.3)] * 3)}
    stage.solids.add_box(
        stage.look("wall", stage.begin(), STRUCTURE, BOX, casts=casts, glow=stage.between(0, 0.3), **plain),
        (middle[0], high + 0.05, middle[2]),
        (wide / 2, 0.05, deep / 2),
        turn,
    )


def _add_walls(stage: Stage, middle: Point, turn: float, size: Point, casts: bool) -> None:
    wide, deep, high = size
    shared = stage.look("wall", 0, STRUCTURE, BOX, casts=casts, tile_m=stage.between(0.6, 3))
    for side, (half_length, away) in enumerate([(wide / 2, deep / 2), (deep / 2, wide / 2)] * 2):
        yaw = turn + side * np.pi / 2
        look = stage.look("wall", 0, STRUCTURE, BOX, casts=casts) if stage.rng.random() < 0.25 else shared
        look = type(look)(**vars(look) | {"instance": stage.begin()})
        base = beside(middle, yaw, 0, -away - THICK / 2)
        _add_wall(stage, look, base, yaw, half_length, high)
        if stage.rng.random() < 0.6:
            board = beside(base, yaw, 0, THICK / 2 + 0.008, 0.05)
            trim = stage.look("wood", look.instance, STRUCTURE, BOX, casts=casts)
            stage.solids.add_box(trim, board, (half_length, stage.between(0.03, 0.08), 0.01), yaw)


def _add_wall(stage: Stage, look: Surface, base: Point, yaw: float, half: float, high: float) -> None:
    """Add a wall around its openings: windows, doorways, or none."""
    add, frame = stage.solids.add_box, stage.look("wood", stage.last, STRUCTURE, BOX)
    x = -half
    for _ in range(int(stage.rng.choice([0, 0, 1, 1, 2]))):
        gap, width = stage.between(0.2, 1.5), stage.between(0.7, 2.2)
        if x + gap + width > half - 0.2:
            break
        low = 0.0 if stage.rng.random() < 0.35 else stage.between(0.5, 1.1)
        top = min(high - 0.1, max(low + 0.9, 2.05))
        add(look, beside(base, yaw, x + gap / 2, 0, high / 2), (gap / 2, high / 2, THICK / 2), yaw)
        x += gap
        centre = x + width / 2
        if low:
            add(look, beside(base, yaw, centre, 0, low / 2), (width / 2, low / 2, THICK / 2), yaw)
        add(look, beside(base, yaw, centre, 0, (top + high) / 2), (width / 2, (high - top) / 2, THICK / 2), yaw)
        _fill_opening(stage, frame, base, yaw, (x, width, low, top))
        x += width
    add(look, beside(base, yaw, (x + half) / 2, 0, high / 2), ((half - x) / 2, high / 2, THICK / 2), yaw)


def _fill_opening(
    stage: Stage, frame: Surface, base: Point, yaw: float, hole: tuple[float, float, float, float]
) -> None:
    x, width, low, top = hole
    add, rng = stage.solids.add_box, stage.rng
    for bar in (0.0, width / 2, width):
        add(frame, beside(base, yaw, x + bar, 0, (low + top) / 2), (0.035, (top - low) / 2, 0.05), yaw)
    for level in (low, top):
        add(frame, beside(base, yaw, x + width / 2, 0, level), (width / 2, 0.035, 0.06), yaw)
    if rng.random() < 0.4:  # a closed door, a blind, a curtain
        look = stage.look(str(rng.choice(["wood", "cloth", "wall"])), stage.begin(), OBJECT, BOX, tile_m=0.0)
        wide = width / 2 if low == 0 else width * stage.between(0.1, 0.5)
        panel = beside(base, yaw, x + wide, 0.02 if low == 0 else THICK / 2 + 0.05, (low + top) / 2)
        add(look, panel, (wide, (top - low) / 2 + (0 if low == 0 else 0.15), 0.02), yaw)


def _furnish(stage: Stage, middle: Point, turn: float, size: Point) -> None:
    rng, (wide, deep, high) = stage.rng, size
    for side, (half, away) in enumerate([(wide / 2, deep / 2), (deep / 2, wide / 2)] * 2):
        yaw = turn + side * np.pi / 2
        x = -half + stage.between(0.3, 1.2)
        while x < half - 0.5:
            _put_at_wall(stage, beside(middle, yaw, x, -away + 0.03), yaw, high)
            x += stage.between(0.9, 2.4)
    for _ in range(rng.integers(0, 5)):
        at = beside(middle, turn, stage.between(-0.4, 0.4) * wide, stage.between(-0.4, 0.4) * deep)
        if np.hypot(at[0], at[2]) < 1.0:
            continue
        yaw = turn + stage.between(-0.4, 0.4)
        choice = rng.random()
        if choice < 0.45:
            add_table(stage, at, yaw, 7)
            for _ in range(rng.integers(0, 4)):
                spot = beside(at, yaw, stage.between(-0.8, 0.8), float(rng.choice([-0.7, 0.7])))
                add_chair(stage, spot, yaw + stage.between(0, 6.3))
        elif choice < 0.6:
            add_sofa(stage, at, yaw + stage.between(0, 6.3), bed=rng.random() < 0.3)
        elif choice < 0.8:
            add_clutter(stage, at, stage.between(0.2, 0.7))
        elif choice < 0.9:
            add_chair(stage, at, stage.between(0, 6.3))
        elif choice < 0.95:
            add_person(stage, at, stage.between(0, 6.3))
        else:
            add_plant(stage, at, stage.between(0.5, 1.8))


def _put_at_wall(stage: Stage, at: Point, yaw: float, high: float) -> None:
    """Put something with its back to a wall, unless it would swallow the camera."""
    rng, choice = stage.rng, stage.rng.random()
    if rng.random() < 0.5:  # pictures, screens
        level, w, h = stage.between(1.2, 1.9), stage.between(0.15, 0.7), stage.between(0.15, 0.5)
        look = stage.look("print", stage.begin(), OBJECT, BOX, tile_m=0.0, gloss=stage.between(0, 0.6))
        stage.solids.add_box(look, beside(at, yaw, 0, 0.0, level), (w, h, 0.03), yaw)
    if np.hypot(at[0], at[2]) < 1.3:
        return
    if choice < 0.3:
        add_storage(stage, at, yaw, high - 0.2)
    elif choice < 0.45:
        add_table(stage, beside(at, yaw, 0, 0.45), yaw, 6)
        if rng.random() < 0.6:
            add_chair(stage, beside(at, yaw, stage.between(-0.3, 0.3), 1.0), yaw + np.pi + stage.between(-0.6, 0.6))
    elif choice < 0.6:
        add_sofa(stage, beside(at, yaw, 0, 0.5), yaw, bed=rng.random() < 0.35)
    elif choice < 0.68:
        add_plant(stage, beside(at, yaw, 0, 0.3), stage.between(0.4, 1.9))
    elif choice < 0.76:
        add_clutter(stage, beside(at, yaw, 0, 0.4), 0.3)
    elif choice < 0.8:
        model = stage.model("lamp")
        if model is not None:
            stage.put(model, beside(at, yaw, 0, 0.3), yaw)


def build_table_top(stage: Stage) -> float:
    """Set a table before the camera, which is ``height`` above it, and return about how far its middle is, metres.

    A table that fills the picture's lower part is the ground; one whose edges show is an object.
    """
    rng = stage.rng
    far = stage.between(0.5, 1.4)
    fills = rng.random() < 0.6
    half = (
        (stage.between(1.5, 3), stage.between(1.2, 2)) if fills else (stage.between(0.3, 0.8), stage.between(0.25, 0.5))
    )
    kind, shape = (GROUND, NONE) if fills else (OBJECT, PRISM)
    floor = stage.look("floor", stage.begin(), GROUND, NONE)
    stage.solids.add_box(floor, (0, -stage.between(0.4, 0.8) - 0.05, -2), (8, 0.05, 8))
    yaw = stage.between(-0.6, 0.6)
    use = str(rng.choice(["wood", "wood", "cloth", "floor", "wall", "any"]))
    top = stage.look(use, stage.begin(), kind, shape, tile_m=stage.between(0.3, 2))
    stage.polish(top, 0.25)
    back = 0.3 if fills else 0.0
    stage.solids.add_box(top, (0, -0.02, -far - back), (half[0], 0.02, half[1]), yaw)
    if rng.random() < 0.8:
        wall = stage.look("wall", stage.begin(), STRUCTURE, BOX, casts=False)
        edge = half[1] * 0.8 + (0.0 if fills else stage.between(0, 2))
        place_at = beside((0, 0, -far - back), yaw, 0, -edge - 0.1, 0.6)
        stage.solids.add_box(wall, place_at, (8, 2.4, 0.05), yaw)
        if rng.random() < 0.5:
            board = beside((0, 0, -far - back), yaw, 0, -edge + 0.02, stage.between(0.02, 0.6))
            stage.solids.add_box(
                stage.look("wood", stage.last, STRUCTURE, BOX), board, (8, stage.between(0.02, 0.1), 0.06), yaw
            )
    size = stage.between(0.07, 0.2)
    for _ in range(rng.integers(1, 12)):
        spread = (0.45 * far, 0.4 * far) if fills else (half[0] * 0.8, half[1] * 0.8)
        x, z = stage.between(-1, 1) * spread[0], stage.between(-1, 1) * spread[1]
        add_small_thing(stage, beside((0, 0, -far), yaw, x, z), size * stage.between(0.6, 1.7))
    cards = stage.materials.cards.get("plant")
    if cards is not None and rng.random() < 0.08:
        add_card(
            stage, (stage.between(-0.2, 0.2), 0, -far * 1.2), stage.between(0.15, 0.5), int(rng.choice(cards)), PRISM
        )
    return far


def add_stairs(stage: Stage, at: Point, yaw: float) -> None:
    """Add a flight of steps that rises away from the camera."""
    new, rise, tread = stage.begin(), stage.between(0.14, 0.19), stage.between(0.26, 0.34)
    look = stage.look("pavement", new, STRUCTURE, PRISM)
    half = stage.between(0.6, 3)
    for step in range(int(stage.rng.integers(2, 9))):
        height = (step + 1) * rise
        centre = beside(at, yaw, 0, -(step + 0.5) * tread, height / 2)
        stage.solids.add(look, place(centre, (half, height / 2, tread / 2), yaw), UNIT_BOX)
