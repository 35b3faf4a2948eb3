"""Rooms with furniture: random sizes, arrangements and cameras."""

from __future__ import annotations

import numpy as np
import scene_things as indoors
from numpy.random import Generator
from scene_sets import TRIES, Set, lay, look, pick
from scene_solids import box
from scene_things import Maker, Thing, any_colour, wood

SMALL = (indoors.lamp, indoors.vase, indoors.bottle, indoors.parcel)
AGAINST_WALLS = (indoors.cabinet, indoors.shelf, indoors.sofa, indoors.floor_lamp, indoors.plant)


def dining_room(rng: Generator) -> Set:
    """A table with chairs around it and things on it; cabinets and shelves along the walls."""
    width, depth = rng.uniform(3.8, 6.5), rng.uniform(4.5, 7)
    place = _room(rng, width, depth, (-25, 0))
    turn = rng.choice([0, 90]) + rng.normal(0, 8)
    table = indoors.table(rng).placed(rng.uniform(-0.5, 0.5), -0.5 * depth + rng.uniform(-0.4, 0.4), turn)
    place.add(table)
    middle = table.bounds.mean(0)
    lay(rng, place, table, SMALL, int(rng.integers(1, 4)))
    for angle in np.arange(4) * 90 + turn:
        chair, away = indoors.chair(rng), rng.uniform(0.75, 1.5)
        x, z = middle[0] + away * np.sin(np.radians(angle)), middle[2] + away * np.cos(np.radians(angle))
        place.add(chair.placed(x, z, angle + 180 + rng.normal(0, 10)), gap_m=0.01)
    _line_walls(rng, place, AGAINST_WALLS, 3, width, depth)
    _hang(rng, place, width, depth)
    return place


def living_room(rng: Generator) -> Set:
    """Sofas and armchairs around a low table."""
    width, depth = rng.uniform(3.8, 6), rng.uniform(4.5, 6.5)
    place = _room(rng, width, depth, (-22, 2))
    low = indoors.table(rng, rng.uniform(0.38, 0.48)).placed(rng.uniform(-0.6, 0.6), -0.55 * depth, rng.normal(0, 10))
    place.add(low)
    lay(rng, place, low, SMALL[1:], int(rng.integers(1, 3)))
    _line_walls(rng, place, (indoors.sofa,), 2, width, depth)
    _line_walls(rng, place, (indoors.shelf, indoors.cabinet, indoors.floor_lamp, indoors.plant), 3, width, depth)
    for maker in (indoors.armchair, indoors.a_ball, indoors.person)[: int(rng.integers(1, 4))]:
        place.scatter(rng, maker(rng), 1.8, 0.8 * depth)
    _hang(rng, place, width, depth)
    return place


def bedroom(rng: Generator) -> Set:
    """A bed with its head to a wall, a wardrobe, a chair."""
    width, depth = rng.uniform(3.2, 4.8), rng.uniform(4, 5.5)
    place = _room(rng, width, depth, (-28, -5))
    _line_walls(rng, place, (indoors.bed,), 1, width, depth)
    _line_walls(rng, place, (indoors.cabinet, indoors.shelf, indoors.floor_lamp), 3, width, depth)
    for maker in (indoors.chair, indoors.crate, indoors.plant, indoors.a_ball):
        place.scatter(rng, maker(rng), 1.5, 0.85 * depth)
    _hang(rng, place, width, depth)
    return place


def table_top(rng: Generator) -> Set:
    """A table seen from close by, with many things on it."""
    width, depth = rng.uniform(3, 5), rng.uniform(3.5, 5)
    place = _room(rng, width, depth, (-30, -15))
    (x, _, z), yaw, away = place.view.position, np.radians(place.view.yaw_deg), rng.uniform(1.7, 2.2)
    table = indoors.table(rng).placed(x - away * np.sin(yaw), z - away * np.cos(yaw), rng.uniform(-40, 40))
    place.add(table)
    lay(rng, place, table, (*SMALL, indoors.parcel), int(rng.integers(4, 8)))
    place.scatter(rng, indoors.chair(rng), 1.6, 3.2)
    _line_walls(rng, place, AGAINST_WALLS, 1, width, depth)
    return place


def storage(rng: Generator) -> Set:
    """Crates, barrels, cones and balls in a large room, some crates on others."""
    width, depth = rng.uniform(5, 9), rng.uniform(6, 10)
    place = _room(rng, width, depth, (-25, 5))
    makers = (indoors.crate, indoors.crate, indoors.barrel, indoors.cone, indoors.a_ball, indoors.person)
    for _ in range(int(rng.integers(5, 10))):
        thing = pick(rng, makers)
        if place.scatter(rng, thing, 2, 0.8 * depth) and thing.label == "crate" and rng.uniform() < 0.5:
            lay(rng, place, place.things[-1], (indoors.parcel, indoors.crate, indoors.a_ball), 1)
    _line_walls(rng, place, (indoors.shelf, indoors.crate, indoors.cabinet), 2, width, depth)
    return place


def _room(rng: Generator, width: float, depth: float, pitch_deg: tuple[float, float]) -> Set:
    """Return an empty room, x from -width/2 to width/2 and z from -depth to 0, the camera near z = 0."""
    high, thick = rng.uniform(2.4, 3.2), 0.15
    position = (rng.uniform(-0.25, 0.25) * width, rng.uniform(0.9, 2.0), -rng.uniform(0.3, 0.6))
    view = look(rng, position=position, yaw_deg=rng.uniform(-30, 30), pitch_deg=rng.uniform(*pitch_deg))
    paint = any_colour(rng, (0.0, 0.25))
    walls = [box(thick, high, depth, (x, 0, -depth / 2)) for x in (-(width + thick) / 2, (width + thick) / 2)]
    walls += [box(width + 2 * thick, high, thick, (0, 0, z)) for z in (-depth - thick / 2, thick / 2)]
    shell = [Thing("wall", [(wall, paint)], str(rng.choice(["plain", "bricks"]))) for wall in walls]
    slab = (width + 2 * thick, thick, depth + 2 * thick)
    shell += [Thing("ground", [(box(*slab, (0, -thick, -depth / 2)), wood(rng))], "grain")]
    shell += [Thing("ceiling", [(box(*slab, (0, high, -depth / 2)), (0.85, 0.85, 0.83))])]
    return Set(view, shell, True)


def _line_walls(rng: Generator, place: Set, makers: tuple[Maker, ...], count: int, width: float, depth: float) -> None:
    """Stand things with their backs to the walls."""
    for _ in range(count):
        for _ in range(TRIES):
            thing = pick(rng, makers)
            (low_x, _, low_z), (high_x, _, _) = thing.bounds
            half, side = max(high_x, -low_x) + 0.03, int(rng.integers(3))
            if side == 0:
                moved = thing.placed(rng.uniform(-1, 1) * (width / 2 - half), -depth - low_z + 0.02, 0)
            else:
                sign = 1 if side == 1 else -1
                along = -rng.uniform(half, depth - half) if depth > 2 * half else -depth / 2
                moved = thing.placed(-sign * (width / 2 + low_z - 0.02), along, sign * 90)
            if place.add(moved):
                break


def _hang(rng: Generator, place: Set, width: float, depth: float) -> None:
    """Put a door and a picture on the far wall, where nothing hides them on purpose."""
    if rng.uniform() < 0.5:
        door = Thing("door", [(box(0.9, 2.05, 0.06, (0, 0, 0.03)), wood(rng))], "grain")
        place.add(door.placed(rng.uniform(-0.4, 0.4) * width, -depth))
    if rng.uniform() < 0.5:
        picture = Thing(
            "picture", [(box(rng.uniform(0.4, 1.0), rng.uniform(0.3, 0.8), 0.05), any_colour(rng))], "speckle"
        )
        place.things.append(picture.placed(rng.uniform(-0.35, 0.35) * width, 0.03 - depth, 0, rng.uniform(1.3, 1.6)))
