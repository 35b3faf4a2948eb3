"""The town square that examples/square.jpg shows. Metres, y up, the camera looks along -z."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from solids import Model, Vector

Placing = Callable[[float, float, float], Vector]  # from a thing's own axes to the square's

WHITE, DARK, STONE = (0.72, 0.70, 0.66), (0.03, 0.035, 0.04), (0.42, 0.38, 0.33)
TERRACOTTA, SLATE, TIMBER = (0.40, 0.13, 0.07), (0.11, 0.12, 0.14), (0.30, 0.17, 0.08)


def build_square() -> Model:
    """Return the whole scene."""
    square = Model()
    square.begin("ground")
    square.box("slabs", (0.36, 0.33, 0.29), (400, 1, 400), (0, -1, -201), casts_shadow=False)
    square.begin("hill")
    for x, y, radius in ((30, -62, 80), (-60, -64, 82), (105, -60, 84)):
        square.ball("meadow", (0.10, 0.16, 0.07), radius, (x, y, -128), casts_shadow=False)
    ochre, brick = ("plaster", (0.62, 0.38, 0.13)), ("brick", (0.30, 0.11, 0.07))
    blue, rose = ("plaster", (0.50, 0.56, 0.60)), ("plaster", (0.60, 0.30, 0.22))
    _add_house(square, (-12.2, -13.0), (13.0, 9.0, 6.0, 3.2), 90, ochre, TERRACOTTA, (0.06, 0.18, 0.10), 5)
    _add_house(square, (-3.6, -24.0), (8.0, 9.0, 6.4, 3.6), 0, brick, SLATE, (0.55, 0.53, 0.48), 3, gable=True)
    _add_house(square, (4.1, -24.3), (7.2, 9.0, 5.6, 3.0), 0, blue, TERRACOTTA, (0.10, 0.16, 0.28), 3)
    _add_house(square, (17.6, -21.0), (9.0, 9.0, 6.2, 3.4), -90, rose, SLATE, (0.50, 0.46, 0.40), 4)
    _add_tree(square, (6.3, -14.5))
    for foot in ((12.6, -45.0), (16.5, -49.0), (21.0, -47.0)):
        _add_tree(square, foot, casts_shadow=False)  # too far away to see it
    _add_car(square, (1.2, -12.6), -14)
    _add_lamp(square, (-2.55, -10.2))
    _add_bench(square, (-4.35, -9.4), 72)
    _add_crates(square)
    for middle in ((-7.2, -15.1), (-7.2, -9.9)):
        _add_planter(square, middle)
    return square


def _add_house(
    square: Model,
    middle: tuple[float, float],
    size: tuple[float, float, float, float],
    turn_deg: float,
    wall: tuple[str, Vector],
    roof: Vector,
    shutter: Vector,
    columns: int,
    gable: bool = False,
) -> None:
    """Add a house of (width, depth, eaves, roof height); its front looks to +z before it is turned."""
    width, deep, eaves, rise = size
    square.begin("house")
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))

    def at(x: float, y: float, z: float) -> Vector:
        return (middle[0] + c * x + s * z, y, middle[1] - s * x + c * z)

    front = deep / 2
    half, long, ridge_turn = (width / 2, deep, turn_deg) if gable else (deep / 2, width, turn_deg + 90)
    outline = [(-half, 0), (half, 0), (half, eaves), (0, eaves + rise), (-half, eaves)]
    square.extrude(wall[0], wall[1], outline, long, at(0, 0, 0), ridge_turn)
    slope = np.hypot(half, rise)
    over, thick = 0.45, 0.18
    for side in (1, -1):
        low = np.array([half + over * half / slope, eaves - over * rise / slope])
        normal = np.array([rise, half]) / slope * thick
        ring = np.array([low, low + normal, [0, eaves + rise + thick * slope / half], [0, eaves + rise]])
        ring = ring if side == 1 else (ring * [-1, 1])[::-1]
        square.extrude("tiles", roof, ring, long + 0.5, at(0, 0, 0), ridge_turn)
    square.box("plain", STONE, (width + 0.06, 0.5, 0.06), at(0, 0, front + 0.03), turn_deg)
    square.box("plain", WHITE, (width + 0.04, 0.14, 0.08), at(0, 3.05, front + 0.04), turn_deg)
    step = width / columns
    for floor, height in enumerate((1.0, 3.75)):
        for column in range(columns):
            x = (column - (columns - 1) / 2) * step
            if floor == 0 and column == columns // 2:
                _add_door(square, at, x, front, turn_deg, shutter)
            else:
                _add_window(square, at, (x, height, front), turn_deg, shutter)
    if gable:
        _add_window(square, at, (0, eaves + 0.35, front), turn_deg, shutter)
    square.box("brick", (0.30, 0.12, 0.08), (0.7, 1.9, 0.6), at(width * 0.27, eaves + rise * 0.45, -0.6), turn_deg)


def _add_window(square: Model, at: Placing, place: Vector, turn_deg: float, shutter: Vector) -> None:
    """Add glass, frame, sill, lintel and two shutters."""
    x, y, z = place
    wide, tall = 0.95, 1.45
    square.box("glass", DARK, (wide, tall, 0.04), at(x, y, z + 0.02), turn_deg)
    for across in (-wide / 2, 0, wide / 2):
        square.box("plain", WHITE, (0.07, tall, 0.09), at(x + across, y, z + 0.045), turn_deg)
    for up in (0, 0.62 * tall, tall - 0.07):
        square.box("plain", WHITE, (wide, 0.07, 0.08), at(x, y + up, z + 0.04), turn_deg)
    square.box("plain", STONE, (wide + 0.3, 0.1, 0.22), at(x, y - 0.1, z + 0.11), turn_deg)
    square.box("plain", STONE, (wide + 0.2, 0.16, 0.12), at(x, y + tall, z + 0.06), turn_deg)
    for side in (-1, 1):
        square.box("wood", shutter, (0.46, tall, 0.06), at(x + side * (wide / 2 + 0.27), y, z + 0.03), turn_deg)


def _add_door(square: Model, at: Placing, x: float, z: float, turn_deg: float, colour: Vector) -> None:
    """Add a door with its stone frame, a light above it and a step."""
    square.box("plain", STONE, (1.5, 2.75, 0.12), at(x, 0, z + 0.06), turn_deg)
    square.box("wood", colour, (1.1, 2.1, 0.06), at(x, 0.12, z + 0.12), turn_deg)
    square.box("glass", DARK, (1.1, 0.36, 0.04), at(x, 2.26, z + 0.11), turn_deg)
    square.box("plain", STONE, (1.7, 0.14, 0.6), at(x, 0, z + 0.3), turn_deg)


def _add_tree(square: Model, foot: tuple[float, float], casts_shadow: bool = True) -> None:
    """Add a trunk and a crown of leafy balls, with a ring of stone around it."""
    square.begin("tree")
    x, z = foot
    square.post("plain", STONE, 0.95, 0.32, (x, 0, z))
    square.post("wood", (0.20, 0.13, 0.08), 0.17, 3.2, (x, 0, z))
    random = np.random.default_rng(3)
    for number in range(420):
        direction = random.normal(size=3)
        direction *= (0.35 + 0.65 * random.random() ** 0.4) / np.linalg.norm(direction)
        lobes = 1 + 0.16 * np.sin(5 * np.arctan2(direction[0], direction[2]) + 3 * direction[1])
        centre = np.array([x, 4.5, z]) + direction * lobes * [2.0, 1.75, 2.0]
        colour = np.array([0.10, 0.19, 0.035]) * random.uniform(0.75, 1.25)
        square.ball("leaves", tuple(colour), 0.24 if number % 3 else 0.36, tuple(centre), casts_shadow)


def _add_car(square: Model, middle: tuple[float, float], turn_deg: float) -> None:
    """Add a small hatchback, 3.7 m long."""
    square.begin("car")
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))

    def at(x: float, y: float, z: float) -> Vector:
        return (middle[0] + c * x + s * z, y, middle[1] - s * x + c * z)

    red = (0.46, 0.035, 0.03)
    body = [
        (-1.78, 0.30),
        (1.74, 0.30),
        (1.85, 0.45),
        (1.83, 0.66),
        (1.62, 0.80),
        (0.85, 0.92),
        (-1.70, 0.95),
        (-1.84, 0.75),
        (-1.85, 0.45),
    ]
    cabin = [(-1.66, 0.92), (0.95, 0.90), (0.25, 1.40), (0.05, 1.46), (-1.20, 1.46), (-1.45, 1.40)]
    panes = [(-1.44, 0.97), (0.72, 0.96), (0.17, 1.36), (-1.16, 1.38), (-1.33, 1.34)]
    square.extrude("gloss", red, body, 1.62, at(0, 0, 0), turn_deg)
    square.extrude("gloss", red, cabin, 1.38, at(0, 0, 0), turn_deg)
    square.extrude("glass", DARK, panes, 1.40, at(0, 0, 0), turn_deg)
    square.box("gloss", red, (0.10, 0.46, 1.42), at(-0.38, 0.95, 0), turn_deg)
    square.box("glass", DARK, (0.05, 0.10, 1.40), at(1.83, 0.36, 0), turn_deg)
    around = np.radians(np.arange(0, 360, 18))
    rim = np.column_stack([np.cos(around), np.sin(around)])
    for x in (-1.14, 1.16):
        for z in (-0.73, 0.73):
            out = 0.006 * np.sign(z)
            square.extrude("plain", (0.012, 0.012, 0.013), 0.35 * rim, 0.22, at(x, 0.34, z + 2 * out), turn_deg)
            square.extrude("plain", (0.02, 0.02, 0.02), 0.31 * rim, 0.22, at(x, 0.31, z + 3 * out), turn_deg)
            square.extrude("gloss", (0.22, 0.225, 0.235), 0.17 * rim, 0.22, at(x, 0.31, z + 4 * out), turn_deg)
    for z in (-0.58, 0.58):
        square.box("gloss", (0.85, 0.85, 0.80), (0.08, 0.15, 0.34), at(1.80, 0.58, z), turn_deg)
        square.box("gloss", (0.45, 0.02, 0.02), (0.08, 0.22, 0.22), at(-1.82, 0.68, z), turn_deg)
    square.box("plain", (0.02, 0.02, 0.02), (0.012, 0.5, 1.632), at(0.55, 0.40, 0), turn_deg)
    square.box("plain", (0.02, 0.02, 0.02), (0.012, 0.5, 1.632), at(-0.45, 0.40, 0), turn_deg)


def _add_lamp(square: Model, foot: tuple[float, float]) -> None:
    """Add a street lamp."""
    square.begin("lamp post")
    x, z = foot
    for radius, height, y in (
        (0.17, 0.5, 0),
        (0.06, 3.3, 0.5),
        (0.12, 0.08, 3.72),
        (0.24, 0.07, 4.2),
        (0.10, 0.12, 4.27),
    ):
        square.post("plain", (0.03, 0.045, 0.04), radius, height, (x, y, z))
    square.post("gloss", (0.80, 0.78, 0.70), 0.15, 0.42, (x, 3.8, z))


def _add_bench(square: Model, middle: tuple[float, float], turn_deg: float) -> None:
    """Add a wooden bench on iron legs."""
    square.begin("bench")
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    for x, y, z, size in (
        *[(0, 0.44, z, (1.9, 0.045, 0.12)) for z in (-0.16, 0.0, 0.16)],
        *[(0, y, -0.27, (1.9, 0.12, 0.045)) for y in (0.58, 0.76)],
        *[(x, 0, z, (0.06, h, 0.07)) for x in (-0.75, 0.75) for z, h in ((0.16, 0.44), (-0.25, 0.90))],
    ):
        material, colour = ("wood", TIMBER) if size[0] > 1 else ("plain", DARK)
        square.box(material, colour, size, (middle[0] + c * x + s * z, y, middle[1] - s * x + c * z), turn_deg)


def _add_crates(square: Model) -> None:
    """Add a stack of crates."""
    for size, foot, turn_deg in (
        ((0.80, 0.62, 0.62), (3.35, 0.0, -7.2), 20),
        ((0.62, 0.50, 0.50), (4.20, 0.0, -7.5), -12),
        ((0.55, 0.45, 0.45), (3.42, 0.62, -7.22), 42),
    ):
        square.begin("crate")
        square.box("wood", (0.42, 0.26, 0.12), size, foot, turn_deg)
        w, h, d = size
        for up in (0, h - 0.07):
            rail = (foot[0], foot[1] + up, foot[2])
            square.box("wood", (0.36, 0.22, 0.10), (w + 0.04, 0.07, d + 0.04), rail, turn_deg)


def _add_planter(square: Model, middle: tuple[float, float]) -> None:
    """Add a trough with flowers along a wall that looks to +x."""
    square.begin("planter")
    x, z = middle
    square.box("plain", (0.40, 0.17, 0.10), (0.6, 0.5, 1.5), (x, 0, z))
    random = np.random.default_rng(5)
    for _ in range(90):
        across, up, along = random.uniform([-0.26, 0.5, -0.7], [0.26, 0.85, 0.7])
        is_blossom = random.random() < 0.35
        colour = (0.60, 0.07, 0.14) if is_blossom else (0.09, 0.20, 0.04)
        radius = random.uniform(0.09, 0.16) * (0.7 if is_blossom else 1)
        square.ball("leaves", colour, radius, (x + across, up, z + along))
