"""Streets, houses and parks under the sky: random arrangements and cameras."""

from __future__ import annotations

import numpy as np
import scene_outdoors as outdoors
import scene_things as indoors
from numpy.random import Generator
from scene_sets import Set, View, look, pick
from scene_solids import box
from scene_things import Thing


def street(rng: Generator) -> Set:
    """Facades on both sides of a street with vehicles, people, trees, lamps and signs."""
    view = look(rng, yaw_deg=rng.uniform(-25, 25), pitch_deg=rng.uniform(-10, 10))
    place, half = _field(rng, view, is_paved=True), rng.uniform(5, 8)
    for side in (-1, 1):
        z = -rng.uniform(2, 9)
        while z > -45:
            block = outdoors.building(rng)
            wide = np.ptp(block.bounds[:, 0])
            place.add(block.placed(side * (half + block.bounds[1, 2]), z - wide / 2, -90 * side))
            z -= wide + rng.choice([0.0, 0.0, 4.0]) + 0.15
    for _ in range(int(rng.integers(2, 6))):
        maker, side = (
            (outdoors.car, outdoors.car, outdoors.truck, outdoors.bus)[int(rng.integers(4))],
            rng.choice([-1, 1]),
        )
        turn = rng.choice([0, 180]) + rng.normal(0, 4)
        place.add(maker(rng).placed(side * rng.uniform(0.25, 0.5) * half, -rng.uniform(6, 28), turn))
    pavement = (indoors.person, outdoors.tree, outdoors.street_lamp, outdoors.sign, outdoors.bin_, outdoors.bench)
    for _ in range(int(rng.integers(4, 9))):
        side = rng.choice([-1, 1])
        thing = pick(rng, pavement)
        place.add(thing.placed(side * (half - rng.uniform(0.8, 1.6)), -rng.uniform(4, 22), -90 * side))
    return place


def car_park(rng: Generator) -> Set:
    """Vehicles, people and cones on a pavement before one or two buildings."""
    place = _field(rng, look(rng, pitch_deg=rng.uniform(-15, 8)), is_paved=True)
    turn = rng.uniform(0, 180)
    for _ in range(int(rng.integers(3, 7))):
        maker = (outdoors.car, outdoors.car, outdoors.truck, outdoors.bus)[int(rng.integers(4))]
        place.scatter(rng, maker(rng), 5, 22, turn + rng.choice([0, 90, 180]) + rng.normal(0, 4))
    near = (indoors.person, indoors.cone, outdoors.sign, outdoors.bin_, outdoors.bench, outdoors.street_lamp)
    for _ in range(int(rng.integers(3, 7))):
        place.scatter(rng, pick(rng, near), 3, 12)
    for _ in range(2):
        place.scatter(rng, outdoors.building(rng), 28, 45, rng.uniform(-40, 40))
    return place


def suburb(rng: Generator) -> Set:
    """One to three houses with trees, fences and cars."""
    return _houses(rng, look(rng, pitch_deg=rng.uniform(-10, 6)), 11)


def from_a_drone(rng: Generator) -> Set:
    """Houses from above."""
    view = look(rng, position=(0.0, rng.uniform(8, 15), 0.0), pitch_deg=rng.uniform(-35, -20))
    return _houses(rng, view, 14)


def _houses(rng: Generator, view: View, near_m: float) -> Set:
    place = _field(rng, view, is_paved=False)
    for _ in range(int(rng.integers(1, 4))):
        place.scatter(rng, outdoors.house(rng), near_m, near_m + 16, rng.uniform(-50, 50))
    makers = (outdoors.tree, outdoors.bush, outdoors.car, indoors.person, outdoors.fence, outdoors.tree)
    for _ in range(int(rng.integers(4, 9))):
        place.scatter(rng, pick(rng, makers), near_m / 2, near_m + 12)
    return place


def park(rng: Generator) -> Set:
    """Trees, benches, people and play things on a lawn."""
    place = _field(rng, look(rng, pitch_deg=rng.uniform(-15, 5)), is_paved=False)
    near = (indoors.person, outdoors.bench, indoors.a_ball, indoors.crate, indoors.barrel, indoors.cone, outdoors.bush)
    for _ in range(int(rng.integers(4, 8))):
        place.scatter(rng, pick(rng, near), 2.5, 9)
    for _ in range(int(rng.integers(2, 6))):
        place.scatter(rng, pick(rng, (outdoors.tree, outdoors.tree, outdoors.fence, outdoors.car)), 7, 22)
    return place


def _field(rng: Generator, view: View, *, is_paved: bool) -> Set:
    """Return an open ground under the sky."""
    colour = (0.3, 0.3, 0.3) if is_paved else (0.2, rng.uniform(0.25, 0.35), 0.1)
    size = rng.uniform(80, 200)
    return Set(view, [Thing("ground", [(box(size, 1.0, size, (0, -1.0, -size / 3)), colour)], "speckle")], False)
