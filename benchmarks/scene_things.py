"""Furniture, vehicles, trees, people and houses of random size and colour, put together from closed solids."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator
from scene_solids import ball, box, ellipsoid, frustum, hull, lathe
from trimesh import Trimesh
from trimesh.transformations import rotation_matrix

Colour = tuple[float, float, float]
BLACK, GREY, GLASS = (0.05, 0.05, 0.06), (0.5, 0.5, 0.52), (0.2, 0.25, 0.3)


@dataclass(frozen=True, eq=False)
class Thing:
    """One instance: closed parts that stand on y = 0 around the origin, looking along +z, until it is placed.

    Attributes:
        label: its class, an ordinary word.
        parts: meshes in metres with their colours, linear RGB 0..1.
        pattern: how colour varies over it: "plain", "grain", "bricks", "windows" or "speckle".
    """

    label: str
    parts: list[tuple[Trimesh, Colour]] = field(default_factory=list)
    pattern: str = "plain"

    def placed(self, x: float, z: float, turn_deg: float = 0.0, y: float = 0.0) -> Thing:
        """Return it turned about the vertical, then moved."""
        pose = rotation_matrix(np.radians(turn_deg), (0, 1, 0))
        pose[:3, 3] = x, y, z
        return replace(self, parts=[(mesh.copy().apply_transform(pose), colour) for mesh, colour in self.parts])

    @property
    def bounds(self) -> np.ndarray:
        """Return (2, 3) float64, metres: its least and greatest corner."""
        both = np.array([mesh.bounds for mesh, _ in self.parts])
        return np.array([both[:, 0].min(0), both[:, 1].max(0)])

    @property
    def top(self) -> float:
        """Return how high it reaches, in metres."""
        return float(self.bounds[1, 1])


Maker = Callable[[Generator], Thing]


def any_colour(rng: Generator, saturation: tuple[float, float] = (0.3, 0.9)) -> Colour:
    """Return a random colour."""
    return colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(0.25, 0.85))


def wood(rng: Generator) -> Colour:
    """Return a random brown."""
    return colorsys.hsv_to_rgb(rng.uniform(0.05, 0.11), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.75))


def _legs(width: float, depth: float, height: float, side: float, colour: Colour) -> list[tuple[Trimesh, Colour]]:
    at = [(x * (width - side) / 2, 0.0, z * (depth - side) / 2) for x in (-1, 1) for z in (-1, 1)]
    return [(box(side, height, side, foot), colour) for foot in at]


def table(rng: Generator, height: float | None = None) -> Thing:
    """Return a table: on four legs, on one foot and round, or on two cheeks."""
    width, depth, high = rng.uniform(0.9, 2.0), rng.uniform(0.6, 1.0), height or rng.uniform(0.68, 0.78)
    thick, colour, style = rng.uniform(0.025, 0.06), wood(rng), rng.integers(4)
    under = high - thick
    if style == 0:
        radius = rng.uniform(0.4, 0.75)
        column = frustum(0.05, 0.05, under - 0.03, (0, 0.03, 0))
        parts = [frustum(radius, radius, thick, (0, under, 0)), column, frustum(0.6 * radius, 0.5 * radius, 0.03)]
        return Thing("table", [(mesh, colour) for mesh in parts], "grain")
    top = (box(width, thick, depth, (0, under, 0)), colour)
    if style == 1:
        cheeks = [(box(0.04, under, 0.9 * depth, (x, 0, 0)), colour) for x in (-0.42 * width, 0.42 * width)]
        return Thing("table", [top, *cheeks], "grain")
    return Thing("table", [top, *_legs(0.94 * width, 0.94 * depth, under, rng.uniform(0.04, 0.09), colour)], "grain")


def chair(rng: Generator) -> Thing:
    """Return a chair with four legs and a back, at times with arms."""
    side, seat, back = rng.uniform(0.4, 0.5), rng.uniform(0.42, 0.48), rng.uniform(0.35, 0.6)
    colour, cloth = wood(rng), any_colour(rng)
    parts = _legs(side, side, seat - 0.04, 0.04, colour)
    parts += [(box(side, 0.05, side, (0, seat - 0.04, 0)), cloth)]
    parts += [(box(side, back, 0.04, (0, seat + 0.01, -side / 2 + 0.02)), cloth)]
    if rng.uniform() < 0.3:
        for x in (-side / 2 + 0.02, side / 2 - 0.02):
            parts += [(box(0.04, 0.03, side - 0.04, (x, seat + 0.21, 0.02)), colour)]
            parts += [(box(0.04, 0.2, 0.04, (x, seat + 0.01, side / 2 - 0.03)), colour)]
    return Thing("chair", parts)


def sofa(rng: Generator, width: float | None = None) -> Thing:
    """Return a sofa: a base with cushions between two arms and a back."""
    wide, deep, seat = width or rng.uniform(1.5, 2.4), rng.uniform(0.8, 1.0), rng.uniform(0.36, 0.44)
    arm, high, colour = rng.uniform(0.12, 0.25), rng.uniform(0.7, 0.95), any_colour(rng, (0.1, 0.7))
    inner = wide - 2 * arm
    parts = [box(inner, seat - 0.15, deep, (0, 0, 0)), box(wide, high, 0.22, (0, 0, -deep / 2 - 0.11))]
    parts += [box(arm, seat + 0.18, deep, (x, 0, 0)) for x in (-(wide - arm) / 2, (wide - arm) / 2)]
    count = max(1, round(inner / 0.65))
    for k in range(count):
        x = (k - (count - 1) / 2) * inner / count
        parts += [box(inner / count - 0.01, 0.15, deep - 0.02, (x, seat - 0.15, 0))]
    return Thing("sofa", [(mesh, colour) for mesh in parts], "speckle")


def armchair(rng: Generator) -> Thing:
    """Return a sofa for one."""
    return replace(sofa(rng, rng.uniform(0.8, 1.0)), label="armchair")


def bed(rng: Generator) -> Thing:
    """Return a bed with its head at -z."""
    wide, long = rng.uniform(0.9, 1.8), rng.uniform(1.95, 2.15)
    low, high, colour = rng.uniform(0.2, 0.35), rng.uniform(0.7, 1.2), wood(rng)
    sheet, cover = (0.8, 0.8, 0.78), any_colour(rng)
    parts = [(box(wide, low, long), colour), (box(wide + 0.06, high, 0.06, (0, 0, -long / 2 - 0.03)), colour)]
    parts += [(box(wide - 0.04, 0.2, long - 0.04, (0, low, 0)), sheet)]
    parts += [(box(wide, 0.08, 0.65 * long, (0, low + 0.17, 0.17 * long)), cover)]
    pillows = (-wide / 4, wide / 4) if wide > 1.3 else (0,)
    parts += [(ellipsoid((0.3, 0.09, 0.2), (x, low + 0.24, -long / 2 + 0.3)), sheet) for x in pillows]
    return Thing("bed", parts)


def cabinet(rng: Generator) -> Thing:
    """Return a cabinet, a chest of drawers or a wardrobe; at times on feet."""
    wide, high, deep = rng.uniform(0.5, 1.6), rng.choice([0.55, 0.9, 1.2, 2.0]), rng.uniform(0.35, 0.6)
    colour, feet = wood(rng), rng.choice([0, 0.12])
    parts = [(box(wide, high - feet, deep, (0, feet, 0)), colour)]
    parts += _legs(0.95 * wide, 0.95 * deep, feet, 0.05, colour) if feet else []
    parts += [(box(0.12, 0.02, 0.03, (x, 0.75 * high, deep / 2 + 0.015)), GREY) for x in (-wide / 4, wide / 4)]
    return Thing("cabinet", parts, "grain")


def shelf(rng: Generator) -> Thing:
    """Return an open shelf with some books on its boards."""
    wide, high, deep = rng.uniform(0.7, 1.3), rng.uniform(1.2, 2.1), rng.uniform(0.26, 0.38)
    count, colour = int(rng.integers(3, 6)), wood(rng)
    parts = [(box(0.03, high, deep, (x, 0, 0)), colour) for x in (-wide / 2, wide / 2)]
    parts += [(box(wide, high, 0.015, (0, 0, -deep / 2)), colour)]
    levels = [k * (high - 0.03) / count for k in range(count + 1)]
    parts += [(box(wide - 0.03, 0.03, deep, (0, y, 0)), colour) for y in levels]
    for y in levels[:-1]:
        length = rng.uniform(0.2, 0.85) * wide
        books = box(length, rng.uniform(0.5, 0.8) * high / count, 0.6 * deep, ((wide - 0.04 - length) / 2, y + 0.03, 0))
        parts += [(books, any_colour(rng))]
    return Thing("shelf", parts)


def lamp(rng: Generator, height: float | None = None) -> Thing:
    """Return a lamp with a shade, to stand on a table or, when tall, on the ground."""
    high = height or rng.uniform(0.35, 0.65)
    radius, metal = rng.uniform(0.1, 0.2), any_colour(rng)
    shade = frustum(radius, rng.uniform(0.5, 0.95) * radius, 0.25, (0, high - 0.25, 0))
    base = [frustum(0.09, 0.07, 0.03), frustum(0.015, 0.015, high - 0.27, (0, 0.03, 0))]
    return Thing("lamp", [(shade, (0.9, 0.85, 0.7)), *((mesh, metal) for mesh in base)])


def floor_lamp(rng: Generator) -> Thing:
    """Return a lamp as high as a person."""
    return lamp(rng, rng.uniform(1.4, 1.8))


def vase(rng: Generator) -> Thing:
    """Return a vase that bulges."""
    high, wide = rng.uniform(0.2, 0.5), rng.uniform(0.06, 0.14)
    profile = [(0.6 * wide, 0.0), (wide, 0.35 * high), (0.95 * wide, 0.55 * high), (0.35 * wide, 0.85 * high)]
    return Thing("vase", [(lathe([*profile, (0.5 * wide, high)]), any_colour(rng))])


def bottle(rng: Generator) -> Thing:
    """Return a bottle."""
    radius, high = rng.uniform(0.03, 0.05), rng.uniform(0.2, 0.34)
    profile = [(radius, 0.0), (radius, 0.6 * high), (0.35 * radius, 0.75 * high), (0.35 * radius, high)]
    return Thing("bottle", [(lathe(profile), any_colour(rng))])


def a_ball(rng: Generator) -> Thing:
    """Return a ball."""
    radius = rng.uniform(0.1, 0.4)
    return Thing("ball", [(ball(radius, (0, radius, 0)), any_colour(rng))], "speckle")


def crate(rng: Generator) -> Thing:
    """Return a crate."""
    size = rng.uniform(0.3, 1.2, 3)
    return Thing("crate", [(box(*size), wood(rng))], "grain")


def parcel(rng: Generator) -> Thing:
    """Return a small box for tables and shelves."""
    return Thing("box", [(box(*rng.uniform(0.1, 0.35, 3)), any_colour(rng))])


def barrel(rng: Generator) -> Thing:
    """Return a barrel: a drum, or one that bulges."""
    radius, high = rng.uniform(0.22, 0.35), rng.uniform(0.6, 1.0)
    bulge = rng.choice([1.0, 1.15])
    return Thing("barrel", [(lathe([(radius, 0.0), (bulge * radius, 0.5 * high), (radius, high)]), any_colour(rng))])


def cone(rng: Generator) -> Thing:
    """Return a traffic cone on its plate."""
    high = rng.uniform(0.45, 0.9)
    parts = [box(0.5 * high, 0.04, 0.5 * high), frustum(0.2 * high, 0.03 * high, high - 0.04, (0, 0.04, 0))]
    return Thing("cone", [(mesh, (0.9, 0.3, 0.05)) for mesh in parts])


def plant(rng: Generator) -> Thing:
    """Return leaves in a pot."""
    pot, high = rng.uniform(0.12, 0.25), rng.uniform(0.5, 1.4)
    parts = [(frustum(0.75 * pot, pot, 1.5 * pot), (0.6, 0.3, 0.2)), (frustum(0.02, 0.02, high), wood(rng))]
    for _ in range(5):
        x, z = rng.normal(0, 0.12, 2) * high
        radii = rng.uniform(0.15, 0.25, 3) * high
        parts += [(ellipsoid(radii, (x, high * rng.uniform(0.75, 1.0), z), 2), (0.1, rng.uniform(0.3, 0.5), 0.1))]
    return Thing("plant", parts, "speckle")


def person(rng: Generator) -> Thing:
    """Return a person who stands or strides."""
    high, stride = rng.uniform(1.5, 1.9), rng.choice([0.0, 0.18])
    skin, shirt, trousers = (0.7, 0.5, 0.4), any_colour(rng), any_colour(rng, (0.0, 0.5))
    hip, neck = 0.48 * high, 0.83 * high
    parts = [(ellipsoid((0.09, 0.075 * high, 0.1), (0, 0.925 * high, 0), 2), skin)]
    parts += [(frustum(0.05, 0.05, 0.06 * high, (0, neck - 0.01, 0), 12), skin)]
    parts += [(hull(_ring(0.16, 0.11, hip) + _ring(0.22, 0.12, neck - 0.05) + _ring(0.1, 0.08, neck)), shirt)]
    for side in (-1, 1):
        foot = _ring(0.06, 0.1, 0, 0.1 * side, stride * side)
        parts += [(hull(foot + _ring(0.09, 0.1, hip + 0.03, 0.09 * side)), trousers)]
        hand = _ring(0.035, 0.035, 0.42 * high, 0.3 * side, -stride * side)
        parts += [(hull(hand + _ring(0.055, 0.055, neck - 0.06, 0.2 * side)), shirt)]
    return Thing("person", parts)


def _ring(rx: float, rz: float, y: float, x: float = 0.0, z: float = 0.0) -> list[tuple[float, float, float]]:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return [(x + rx * np.cos(a), y, z + rz * np.sin(a)) for a in angle]
