"""Vehicles, trees, houses and what stands in streets; as scene_things makes furniture."""

from __future__ import annotations

from numpy.random import Generator
from scene_solids import box, ellipsoid, frustum, hull, roof, wheel
from scene_things import BLACK, GLASS, GREY, Colour, Thing, any_colour, wood
from trimesh import Trimesh


def _wheels(width: float, length: float, radius: float) -> list[tuple[Trimesh, Colour]]:
    at = [(x * (width / 2 - 0.1), radius, z * 0.32 * length) for x in (-1, 1) for z in (-1, 1)]
    return [(wheel(radius, 0.22, middle), BLACK) for middle in at]


def car(rng: Generator) -> Thing:
    """Return a car: a body, a cabin that narrows, four wheels."""
    wide, long, high = rng.uniform(1.65, 1.9), rng.uniform(3.6, 4.8), rng.uniform(1.4, 1.65)
    sill, belt = 0.22, rng.uniform(0.5, 0.6) * high
    front, rear = rng.uniform(0.18, 0.28) * long, -rng.uniform(0.3, 0.48) * long
    cabin = [(x * wide / 2 * 0.96, belt, z) for x in (-1, 1) for z in (rear, front)]
    cabin += [(x * wide / 2 * 0.75, high, z) for x in (-1, 1) for z in (rear + 0.12 * long, front - 0.15 * long)]
    nose = [(x * wide / 2, y, z) for x in (-1, 1) for y, z in ((sill, 0.5 * long), (0.8 * belt, 0.5 * long))]
    tail = [(x * wide / 2, y, z) for x in (-1, 1) for y in (sill, belt) for z in (front, -0.5 * long)]
    return Thing("car", [(hull(nose + tail), any_colour(rng)), (hull(cabin), GLASS), *_wheels(wide, long, 0.32)])


def truck(rng: Generator) -> Thing:
    """Return a truck with a cab and a box behind it."""
    wide, long, high = rng.uniform(2.0, 2.5), rng.uniform(5.5, 8.0), rng.uniform(2.6, 3.6)
    cab = 0.25 * long
    parts = [(box(wide, high - 0.9, long - cab - 0.2, (0, 0.9, -cab / 2 - 0.1)), any_colour(rng, (0.0, 0.6)))]
    parts += [(box(wide * 0.95, 0.72 * high - 0.5, cab, (0, 0.5, (long - cab) / 2)), any_colour(rng))]
    parts += [(box(0.4 * wide, 0.35, 0.95 * long, (0, 0.5, 0)), BLACK), *_wheels(wide, long, 0.48)]
    return Thing("truck", parts)


def bus(rng: Generator) -> Thing:
    """Return a bus."""
    wide, long, high = 2.5, rng.uniform(8, 11), rng.uniform(2.9, 3.3)
    parts = [(box(wide, high - 0.4, long, (0, 0.4, 0)), any_colour(rng)), *_wheels(wide, long, 0.5)]
    return Thing("bus", parts, "windows")


def tree(rng: Generator) -> Thing:
    """Return a tree with a crown of several balls, or a conifer of several cones."""
    high, bark = rng.uniform(3, 9), wood(rng)
    green = (0.1 + 0.1 * rng.uniform(), rng.uniform(0.25, 0.45), 0.08)
    parts = [(frustum(0.035 * high, 0.02 * high, 0.6 * high), bark)]
    if rng.uniform() < 0.3:
        for k in range(3):
            cone = frustum((0.25 - 0.05 * k) * high, 0, 0.42 * high, (0, (0.16 + 0.21 * k) * high, 0))
            parts += [(cone, green)]
        return Thing("tree", parts, "speckle")
    for _ in range(int(rng.integers(3, 7))):
        x, z = rng.normal(0, 0.09, 2) * high
        y = rng.uniform(0.6, 0.82) * high
        parts += [(ellipsoid(rng.uniform(0.14, 0.24, 3) * high, (x, y, z), 2), green)]
    return Thing("tree", parts, "speckle")


def bush(rng: Generator) -> Thing:
    """Return a bush."""
    high, green = rng.uniform(0.6, 1.5), (0.12, rng.uniform(0.25, 0.4), 0.08)
    parts = []
    for _ in range(4):
        x, z = rng.normal(0, 0.35, 2) * high
        parts += [(ellipsoid(rng.uniform(0.35, 0.55, 3) * high, (x, 0.45 * high, z), 2), green)]
    return Thing("bush", parts, "speckle")


def house(rng: Generator, width: tuple[float, float] = (6, 11)) -> Thing:
    """Return a house with a gable, hip or flat roof, door and windows, at times a chimney or an extension."""
    wide, deep, wall = rng.uniform(*width), rng.uniform(5, 8), rng.choice([2.7, 3.2, 5.5])
    kind, colour, tiles = str(rng.choice(["gable", "hip", "flat"])), any_colour(rng, (0.05, 0.4)), any_colour(rng)
    rise, over = rng.uniform(0.25, 0.5) * deep, rng.uniform(0.2, 0.6)
    parts = [(box(wide, wall, deep), colour), (roof(kind, wide + over, deep + over, rise, (0, wall, 0)), tiles)]
    parts += [(box(1.0, 2.1, 0.08, (0.1 * wide, 0, deep / 2)), wood(rng))]
    for x in (-0.32, -0.1, 0.34):
        parts += [(box(1.1, 1.2, 0.06, (x * wide, y, deep / 2)), GLASS) for y in (1.0, 3.8) if y + 1.2 < wall]
    if kind != "flat" and rng.uniform() < 0.6:
        parts += [(box(0.6, rise + 0.6, 0.6, (0.25 * wide, wall, -0.1 * deep)), (0.4, 0.2, 0.15))]
    if rng.uniform() < 0.3:
        side = rng.choice([-1, 1])
        parts += [(box(3, 2.4, 0.7 * deep, (side * (wide / 2 + 1.5), 0, 0)), colour)]
        parts += [(roof("flat", 3.2, 0.7 * deep + 0.2, 0.2, (side * (wide / 2 + 1.5), 2.4, 0)), GREY)]
    return Thing("house", parts, "bricks")


def building(rng: Generator) -> Thing:
    """Return a block of several floors, at times with a ledge or a floor that is set back."""
    wide, deep, high = rng.uniform(7, 16), rng.uniform(7, 12), rng.uniform(7, 22)
    colour = any_colour(rng, (0.05, 0.4))
    parts = [(box(wide, high, deep), colour)]
    if rng.uniform() < 0.5:
        parts += [(box(wide + 0.5, 0.4, deep + 0.5, (0, high, 0)), GREY)]
        parts += [(box(0.6 * wide, 2.6, 0.6 * deep, (0, high + 0.4, 0)), colour)]
    return Thing("building", parts, "windows")


def bench(rng: Generator) -> Thing:
    """Return a bench with a back."""
    wide, colour = rng.uniform(1.2, 2.0), wood(rng)
    parts = [box(wide, 0.05, 0.45, (0, 0.42, 0)), box(wide, 0.3, 0.04, (0, 0.55, -0.2))]
    parts += [box(0.08, 0.42, 0.4, (x, 0, 0)) for x in (-0.4 * wide, 0.4 * wide)]
    parts += [box(0.06, 0.15, 0.04, (x, 0.45, -0.2)) for x in (-0.4 * wide, 0.4 * wide)]
    return Thing("bench", [(mesh, colour) for mesh in parts], "grain")


def bin_(rng: Generator) -> Thing:
    """Return a rubbish bin that widens upwards."""
    high = rng.uniform(0.7, 1.1)
    lid = frustum(0.42 * high, 0.2 * high, 0.1, (0, high, 0))
    return Thing("bin", [(frustum(0.3 * high, 0.4 * high, high), any_colour(rng)), (lid, BLACK)])


def street_lamp(rng: Generator) -> Thing:
    """Return a lamp on a pole with an arm."""
    high = rng.uniform(4, 7)
    parts = [
        frustum(0.1, 0.06, high),
        box(0.08, 0.08, 1.3, (0, high, 0.55)),
        box(0.25, 0.12, 0.5, (0, high - 0.1, 1.2)),
    ]
    return Thing("street lamp", [(mesh, GREY) for mesh in parts])


def sign(rng: Generator) -> Thing:
    """Return a traffic sign."""
    high, side = rng.uniform(2, 2.8), rng.uniform(0.5, 0.9)
    plate = box(side, side, 0.03, (0, high - side, 0.05))
    return Thing("sign", [(frustum(0.04, 0.04, high, sides=12), GREY), (plate, any_colour(rng, (0.7, 1.0)))])


def fence(rng: Generator) -> Thing:
    """Return a fence of boards between posts."""
    long, high, colour = rng.uniform(3, 7), rng.uniform(0.8, 1.6), wood(rng)
    count = max(2, round(long / 1.8) + 1)
    at = [(k / (count - 1) - 0.5) * (long - 0.1) for k in range(count)]
    parts = [box(0.1, high, 0.1, (x, 0, 0)) for x in at]
    parts += [box(long, 0.35 * high, 0.04, (0, share * high, 0)) for share in (0.15, 0.6)]
    return Thing("fence", [(mesh, colour) for mesh in parts], "grain")
