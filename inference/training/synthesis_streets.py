"""Streets, yards and skylines. The camera stands at x = z = 0 and looks along -z."""

from __future__ import annotations

import numpy as np

from .render_solids import BOX, CYLINDER, NONE, Surface, place
from .synthesis_houses import add_house, add_tower, draw_style
from .synthesis_outdoors import add_card, add_person, add_plant, add_vehicle
from .synthesis_rooms import add_stairs
from .synthesis_small import add_clutter
from .synthesis_stage import GROUND, OBJECT, STRUCTURE, Point, Stage, ahead, beside

FAR_M = 600.0


def build_street(stage: Stage) -> float:
    """Lay a street through the picture and return how far it can be seen, metres."""
    yaw = float(stage.rng.choice([stage.between(-0.35, 0.35), stage.between(-1.57, 1.57)]))
    aside = stage.between(-3, 3)
    base = beside((0, 0, 0), yaw, aside, 0)
    half = stage.between(2.5, 8)
    lay_ground(stage, str(stage.rng.choice(["nature", "pavement", "nature"])), -0.12)
    road = stage.look(
        "road", stage.begin(), GROUND, NONE, tile_m=stage.between(2, 6), gloss=max(0.0, stage.between(-0.5, 0.4))
    )
    stage.polish(road, 0.1)
    stage.solids.add_box(road, (base[0], -0.06, base[2]), (half, 0.06, FAR_M), yaw)
    _mark_lanes(stage, base, yaw, half, road.instance)
    walk = stage.between(1.0, 4.0)
    pavement = stage.look("pavement", stage.begin(), GROUND, NONE, tile_m=stage.between(0.8, 3))
    for side in (-1, 1):
        if stage.rng.random() < 0.8:
            centre = beside(base, yaw, side * (half + walk / 2), 0, 0.0)
            stage.solids.add_box(pavement, (centre[0], 0.0, centre[2]), (walk / 2, 0.13, FAR_M), yaw)
        _line_side(stage, base, yaw, side, half, walk)
    for _ in range(stage.rng.integers(0, 7)):
        z = -float(np.exp(stage.between(np.log(5), np.log(90))))
        at = beside(base, yaw, stage.between(-0.9, 0.9) * half, z)
        if np.hypot(at[0], at[2]) > 4:
            add_vehicle(stage, at, yaw + float(stage.rng.choice([0, np.pi])))
    _add_distance(stage)
    return 60.0


def lay_ground(stage: Stage, use: str, level: float) -> None:
    """Lay even ground as far as can be seen."""
    look = stage.look(use, stage.begin(), GROUND, NONE, tile_m=stage.between(1, 6), gloss=0.0)
    if use == "nature" and stage.rng.random() < 0.6:
        look.colour = tuple((np.array([0.7, 1.0, 0.4]) * stage.between(0.5, 1.2)).tolist())
    stage.solids.add_box(look, (0, level - 0.5, 0), (2 * FAR_M, 0.5, 2 * FAR_M))


def lay_water(stage: Stage) -> Surface:
    """Lay water as far as can be seen and return how it looks."""
    look = stage.look(
        "any", stage.begin(), GROUND, NONE, gain=0.5, tile_m=stage.between(2, 8), gloss=stage.between(0.5, 1.5)
    )
    look.colour = tuple((np.array([0.6, 0.8, 1.0]) * stage.between(0.2, 0.9)).tolist())
    if stage.rng.random() < 0.65:
        look.gloss, look.mirror = 0.0, stage.between(0.4, 1.0)
        look.ripple = float(np.exp(stage.between(np.log(0.0005), np.log(0.04))))
    stage.solids.add_box(look, (0, -0.5, 0), (2 * FAR_M, 0.5, 2 * FAR_M))
    return look


def _mark_lanes(stage: Stage, base: Point, yaw: float, half: float, instance: int) -> None:
    paint = stage.look(
        "any", instance, GROUND, NONE, gain=0.2, colour=tuple([stage.between(1.0, 2.0)] * 3), casts=False
    )
    if stage.rng.random() < 0.3:
        paint.colour = (1.6, 1.3, 0.3)
    dashes = stage.rng.random() < 0.6
    for x in stage.rng.choice([-0.9, -0.5, 0.0, 0.5, 0.9], int(stage.rng.integers(0, 4)), replace=False):
        if not dashes:
            stage.solids.add_box(paint, beside(base, yaw, float(x) * half, 0, 0.004), (0.08, 0.004, FAR_M), yaw)
            continue
        for step in range(14):
            centre = beside(base, yaw, float(x) * half, -3 - 6.0 * step, 0.004)
            stage.solids.add_box(paint, centre, (0.08, 0.004, 1.4), yaw)
    if stage.rng.random() < 0.3:  # a crossing
        z = -stage.between(4, 20)
        for x in np.arange(-half + 0.4, half, 1.0):
            stage.solids.add_box(paint, beside(base, yaw, float(x), z, 0.005), (0.25, 0.005, 1.5), yaw)


def _line_side(stage: Stage, base: Point, yaw: float, side: int, half: float, walk: float) -> None:
    """Line one side of the street with houses, trees, lamps, parked cars, people."""
    rng = stage.rng
    edge, z = half + walk, stage.between(-2, 8)
    attached, garden = rng.random() < 0.4, stage.between(0, 8) if rng.random() < 0.5 else 0.0
    style = draw_style(stage)
    while z > -140:
        width = stage.between(5, 16)
        if rng.random() < 0.8:
            deep = stage.between(4, 8)
            at = beside(base, yaw, side * (edge + garden + deep), z - width / 2)
            add_house(stage, at, yaw - side * np.pi / 2, (width / 2, deep), style if attached else draw_style(stage))
        elif rng.random() < 0.5:
            for _ in range(3):
                tree = beside(base, yaw, side * (edge + stage.between(1, 8)), z - stage.between(0, width))
                add_plant(stage, tree, stage.between(3, 12))
        z -= width + (0 if attached else stage.between(0.5, 7))
    parked, trees, lamps = rng.random(3) < (0.5, 0.45, 0.4)
    for z in np.arange(stage.between(-8, -3), -70, -stage.between(6, 14)):
        spot = beside(base, yaw, side * (half + 0.4), float(z))
        if np.hypot(spot[0], spot[2]) < 3.5:
            continue
        if lamps and rng.random() < 0.5:
            add_pole(stage, spot)
        if trees and rng.random() < 0.6:
            add_plant(stage, beside(spot, yaw, side * 0.5, 2.0), stage.between(3, 10))
        if parked and rng.random() < 0.7:
            add_vehicle(stage, beside(spot, yaw, -side * 1.4, -2.5), yaw + float(rng.choice([0, np.pi])))
        if rng.random() < 0.3:
            _add_by_the_way(stage, beside(spot, yaw, side * stage.between(0.6, walk), stage.between(-3, 3), 0.13))


def _add_by_the_way(stage: Stage, at: Point) -> None:
    choice, model = stage.rng.random(), stage.model("street")
    if np.hypot(at[0], at[2]) < 2.5:
        return
    if choice < 0.4:
        add_person(stage, at, stage.between(0, 6.3))
    elif choice < 0.55 and model is not None:
        stage.put(model, at, stage.between(0, 6.3))
    elif choice < 0.75:
        add_plant(stage, at, stage.between(0.4, 2.0))
    else:
        add_clutter(stage, at, stage.between(0.3, 0.8))


def add_pole(stage: Stage, at: Point) -> None:
    """Add a lamp post, a mast with wires' arm, or a traffic sign."""
    new, h, r = stage.begin(), stage.between(2.2, 8), stage.between(0.04, 0.12)
    look = stage.look("metal", new, shape=CYLINDER)
    stage.solids.add_round(look, place((at[0], at[1] + h / 2, at[2]), (r, h / 2, r)))
    signs, choice = stage.materials.cards.get("sign"), stage.rng.random()
    if h < 4 and signs is not None:
        add_card(stage, (at[0] * 0.99, at[1] + h - 0.7, at[2] * 0.99), 0.75, int(stage.rng.choice(signs)), BOX)
    elif choice < 0.6:
        arm = stage.between(-1.5, 1.5)
        stage.solids.add_box(look, (at[0] + arm / 2, at[1] + h, at[2]), (abs(arm) / 2 + 0.1, 0.05, 0.08))
        lamp = stage.look("any", new, shape=BOX, glow=stage.between(0, 1))
        stage.solids.add_box(lamp, (at[0] + arm, at[1] + h, at[2]), (0.3, 0.08, 0.14))


def _add_distance(stage: Stage) -> None:
    """Close the view far away: towers, houses, woods or hills."""
    rng, sort = stage.rng, stage.rng.choice(["towers", "wood", "hills", "open"])
    if sort == "hills":
        for _ in range(4):
            look = stage.look("nature", stage.begin(), GROUND, NONE, tile_m=20.0)
            at = (stage.between(-400, 400), -10.0, -stage.between(250, 550))
            stage.solids.add_round(look, place(at, (stage.between(80, 250), stage.between(20, 70), 120)), sphere=True)
    for _ in range(0 if sort in ("open", "hills") else int(rng.integers(6, 20))):
        far, angle = stage.between(90, 400), stage.between(-0.7, 0.7)
        at = ahead(far, angle)
        if sort == "towers":
            add_tower(stage, at)
        else:
            add_plant(stage, at, stage.between(8, 22))


def build_skyline(stage: Stage) -> float:
    """Raise towers behind water, a square or a park and return how far they are, metres."""
    rng, far = stage.rng, stage.between(60, 420)
    kind = rng.choice(["water", "pavement", "nature"])
    if kind == "water":
        lay_water(stage)
        _add_posts(stage)
    else:
        lay_ground(stage, str(kind), 0.0)
    for _ in range(rng.integers(8, 45)):
        angle, away = stage.between(-0.85, 0.85), far * stage.between(1, 1.6)
        add_tower(stage, ahead(away, angle))
    for _ in range(rng.integers(0, 14)):
        angle, away = stage.between(-0.8, 0.8), far * stage.between(0.15, 0.95)
        add_plant(stage, ahead(away, angle), stage.between(3, 14))
    scatter(stage, int(rng.integers(0, 10)), 4, 40)
    return far


def _add_posts(stage: Stage) -> None:
    """Stand rows of posts in the water, or float boats on it."""
    look = stage.look("bark", stage.begin(), OBJECT, CYLINDER)
    for _ in range(stage.rng.integers(0, 4)):
        start, yaw = (stage.between(-8, 8), 0.0, -stage.between(5, 12)), stage.between(-0.5, 0.5)
        gap, r, high = stage.between(1, 3), stage.between(0.12, 0.35), stage.between(0.4, 1.8)
        for step in range(int(stage.rng.integers(4, 22))):
            at = beside(start, yaw, stage.between(-0.3, 0.3), -gap * step)
            look.instance = stage.begin()
            post = type(look)(**vars(look))
            stage.solids.add_round(post, place((at[0], high * 0.4, at[2]), (r, high * stage.between(0.4, 0.7), r)))


def build_place(stage: Stage) -> float:
    """Set one large building behind a lawn, a square or a road and return how far it is, metres."""
    rng, far = stage.rng, stage.between(10, 45)
    lay_ground(stage, str(rng.choice(["nature", "pavement", "road", "nature"])), 0.0)
    if rng.random() < 0.6:
        road = stage.look("road", stage.begin(), GROUND, NONE, tile_m=stage.between(2, 6))
        z, half, yaw = -stage.between(0.1, 0.6) * far, stage.between(2, 7), np.pi / 2 + stage.between(-0.2, 0.2)
        stage.solids.add_box(road, (0, -0.04, z), (half, 0.05, FAR_M), yaw)
        _mark_lanes(stage, (0, 0.01, z), yaw, half, road.instance)
    yaw = stage.between(-0.5, 0.5)
    half = (stage.between(7, 30), stage.between(5, 10))
    at = beside((stage.between(-6, 6), 0, -far), yaw, 0, -half[1])
    add_house(stage, at, yaw, half, draw_style(stage))
    if rng.random() < 0.5:
        _add_portal(stage, beside(at, yaw, 0, half[1] + 1.2), yaw)
    for side in (-1, 1):
        if rng.random() < 0.7:
            wing = beside(at, yaw, side * (half[0] + stage.between(3, 14)), stage.between(-6, 6))
            turned, size = yaw + stage.between(-0.8, 0.8), (stage.between(4, 12), stage.between(4, 8))
            add_house(stage, wing, turned, size, draw_style(stage))
    scatter(stage, int(rng.integers(4, 22)), 4, far * 1.1)
    _add_distance(stage)
    return far


def _add_portal(stage: Stage, centre: Point, yaw: float) -> None:
    """Add columns, steps and what they carry."""
    add_stairs(stage, beside(centre, yaw, 0, 2.0), yaw)
    stone = stage.look("wall", stage.last, STRUCTURE, CYLINDER)
    for x in np.linspace(-4, 4, int(stage.rng.integers(2, 7))):
        pillar = place(beside(centre, yaw, float(x), 0, 3), (0.35, 3, 0.35))
        stage.solids.add_round(stone, pillar)
    stage.solids.add_box(stone, beside(centre, yaw, 0, 0, 6.5), (4.8, 0.6, 0.9), yaw)


def scatter(stage: Stage, count: int, near: float, far: float) -> None:
    """Set plants, poles, people, vehicles and clutter about, in the camera's view."""
    for _ in range(count):
        away, angle = float(np.exp(stage.between(np.log(near), np.log(far)))), stage.between(-0.6, 0.6)
        at = ahead(away, angle)
        choice = stage.rng.random()
        if choice < 0.45:
            add_plant(stage, at, float(stage.rng.choice([stage.between(0.4, 2.2), stage.between(3, 9)])))
        elif choice < 0.6:
            add_person(stage, at, stage.between(0, 6.3))
        elif choice < 0.75:
            add_pole(stage, at)
        elif choice < 0.88:
            add_vehicle(stage, at, stage.between(0, 6.3))
        else:
            add_clutter(stage, at, stage.between(0.3, 0.9))
