"""Small things of synthetic scenes: what lies on tables, shelves and floors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .render_solids import CONE, CYLINDER, PRISM, SPHERE, place, regular_prism
from .synthesis_stage import Point, Stage

SORTS = ("box", "box", "packet", "book", "bottle", "mug", "bowl", "ball", "can", "prism", "screen", "cone", "bag")
FLAT_TOPS = ("box", "book", "can")


@dataclass(frozen=True)
class _Spot:
    """Where a thing stands and what is known of it before its sort is.

    Attributes:
        at, yaw: where, and how it is turned.
        size_m: about how large; r, h: half a width and a height that go with it.
        use: of its picture; face: metres of a copy of that, 0 for one on each face.
        new: its instance.
    """

    at: Point
    yaw: float
    size_m: float
    r: float
    h: float
    use: str
    face: float
    new: int

    def up(self, height: float) -> Point:
        """Return the point so high above where it stands."""
        return (self.at[0], self.at[1] + height, self.at[2])


def add_small_thing(stage: Stage, at: Point, size_m: float, stack: bool = True) -> float:
    """Add something that lies on tables: a box, bottle, mug, bowl, ball, book, screen ... and return its height."""
    rng, yaw = stage.rng, stage.between(0, 6.3)
    model = stage.model("small")
    if model is not None and rng.random() < 0.2:
        return stage.put(model, at, yaw, height_m=min(size_m * 1.5, stage.between(model.low_m, model.high_m)))
    sort = str(rng.choice(SORTS))
    new = stage.begin()
    r, h = size_m * stage.between(0.25, 0.6), size_m * stage.between(0.5, 1.6)
    use = str(rng.choice(["print", "any", "print", "metal"]))
    face = 0.0 if rng.random() < 0.6 else stage.between(0.05, 0.5)
    height = MAKERS[sort](stage, _Spot(at, yaw, size_m, r, h, use, face, new))
    if stack and rng.random() < 0.2 and sort in FLAT_TOPS:
        add_small_thing(stage, (at[0], at[1] + height, at[2]), size_m * 0.6, stack=False)
    return float(height)


def _add_box(stage: Stage, spot: _Spot, deep: tuple[float, float] = (0.2, 0.8)) -> float:
    w, d = spot.size_m * stage.between(0.2, 0.8), spot.size_m * stage.between(*deep)
    look = stage.look(spot.use, spot.new, tile_m=spot.face)
    stage.solids.add_box(look, spot.up(spot.h / 2), (w / 2, spot.h / 2, d / 2), spot.yaw)
    return spot.h


def _add_book(stage: Stage, spot: _Spot) -> float:
    h = spot.size_m * stage.between(0.05, 0.25)
    half = (spot.size_m * stage.between(0.4, 0.8), h / 2, spot.size_m * stage.between(0.4, 0.7))
    stage.solids.add_box(stage.look("print", spot.new, tile_m=0.0), spot.up(h / 2), half, spot.yaw)
    return h


def _add_bottle(stage: Stage, spot: _Spot) -> float:
    h, r = spot.size_m * stage.between(1.2, 2.2), spot.size_m * stage.between(0.18, 0.35)
    look, add = stage.look(spot.use, spot.new, shape=CYLINDER, gloss=stage.between(0, 1)), stage.solids.add_round
    add(look, place(spot.up(h * 0.35), (r, h * 0.35, r)))
    add(look, place(spot.up(h * 0.78), (r, h * 0.08, r)), 0.4)
    add(stage.look("any", spot.new, shape=CYLINDER), place(spot.up(h * 0.93), (r * 0.4, h * 0.07, r * 0.4)))
    return h


def _add_mug(stage: Stage, spot: _Spot) -> float:
    r, h = spot.r, spot.r * stage.between(1.6, 2.6)
    look = stage.look(spot.use, spot.new, shape=CYLINDER, gloss=0.6)
    stage.solids.add_round(look, place(spot.up(h / 2), (r, h / 2, r)), stage.between(0.9, 1.3))
    out = np.array([np.cos(spot.yaw), np.sin(spot.yaw)]) * r * 1.25
    handle = (spot.at[0] + out[0], spot.at[1] + h / 2, spot.at[2] + out[1])
    look = stage.look("any", spot.new, shape=CYLINDER)
    stage.solids.add_box(look, handle, (r * 0.4, h * 0.3, r * 0.1), -spot.yaw)
    return h


def _add_bowl(stage: Stage, spot: _Spot) -> float:
    r, h = spot.r, spot.r * stage.between(0.4, 1.1)
    look = stage.look("any", spot.new, shape=CONE, gloss=0.6)
    stage.solids.add_round(look, place(spot.up(h / 2), (r * 0.6, h / 2, r * 0.6)), stage.between(1.3, 2.2))
    return h


def _add_ball(stage: Stage, spot: _Spot) -> float:
    r = spot.r
    look = stage.look("any", spot.new, shape=SPHERE)
    stage.solids.add_round(look, place(spot.up(r), (r, r * stage.between(0.7, 1), r)), sphere=True)
    return 2 * r


def _add_can(stage: Stage, spot: _Spot) -> float:
    look = stage.look(spot.use, spot.new, shape=CYLINDER, tile_m=spot.face)
    stage.solids.add_round(look, place(spot.up(spot.h / 2), (spot.r * 0.7, spot.h / 2, spot.r * 0.7), spot.yaw))
    return spot.h


def _add_cone(stage: Stage, spot: _Spot) -> float:
    look = stage.look("any", spot.new, shape=CONE)
    stage.solids.add_round(look, place(spot.up(spot.h / 2), (spot.r, spot.h / 2, spot.r)), stage.between(0, 0.6))
    return spot.h


def _add_screen(stage: Stage, spot: _Spot) -> float:
    w, add = spot.size_m * stage.between(1.0, 2.2), stage.solids.add_box
    h = w * stage.between(0.5, 0.8)
    look = stage.look("print", spot.new, tile_m=0.0, gloss=0.3)
    add(look, spot.up(h * 0.65), (w / 2, h / 2, w * 0.03), spot.yaw, stage.between(-0.2, 0.2))
    add(stage.look("metal", spot.new), spot.up(h * 0.15), (w * 0.08, h * 0.15, w * 0.05), spot.yaw)
    add(stage.look("metal", spot.new), spot.up(0.01), (w * 0.2, 0.01, w * 0.14), spot.yaw)
    return h * 1.15


def _add_bag(stage: Stage, spot: _Spot) -> float:
    look = stage.look("print", spot.new, shape=PRISM, tile_m=spot.face)
    frame = place(spot.up(spot.h * 0.45), (spot.r, spot.h * 0.5, spot.r * 0.6), spot.yaw)
    stage.solids.add_round(look, frame, sphere=True)
    return spot.h


def _add_prism(stage: Stage, spot: _Spot) -> float:
    planes = regular_prism(int(stage.rng.integers(3, 7)), spot.yaw)
    look = stage.look("any", spot.new, shape=PRISM)
    stage.solids.add(look, place(spot.up(spot.h / 2), (spot.r, spot.h / 2, spot.r)), planes)
    return spot.h


MAKERS: dict[str, Callable[[Stage, _Spot], float]] = {
    "box": _add_box,
    "packet": partial(_add_box, deep=(0.1, 0.3)),
    "book": _add_book,
    "bottle": _add_bottle,
    "mug": _add_mug,
    "bowl": _add_bowl,
    "ball": _add_ball,
    "can": _add_can,
    "cone": _add_cone,
    "screen": _add_screen,
    "bag": _add_bag,
    "prism": _add_prism,
}


def add_clutter(stage: Stage, at: Point, size_m: float = 0.6) -> None:
    """Add a heap of boxes, cylinders, balls and the like on the ground."""
    model = stage.model("floor")
    if model is not None and stage.rng.random() < 0.3:
        stage.put(model, at, stage.between(0, 6.3))
        return
    for _ in range(stage.rng.integers(1, 5)):
        x, z = stage.rng.normal(0, size_m, 2)
        add_small_thing(stage, (at[0] + float(x), at[1], at[2] + float(z)), size_m * stage.between(0.4, 1.3))
