"""Render examples/square.jpg, a small town square, with its true depth and segments: no photo that needs a licence.

A ray caster for convex solids and spheres. Light comes from many directions, a few close together for the sun and the
others all over the sky; each casts shadows of its own, so that shadows are soft and corners are dark.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from solids import Solid
from square import build_square
from surfaces import MIRRORS, paint, sky

SIZE = (1024, 1536)  # (height, width) px of the picture
SUPERSAMPLING = 2
FOCAL_35MM = 28
EYE, PITCH_DEG = np.array([0.0, 1.7, 0.0], np.float32), 4.0
TOWARDS_SUN = np.array([0.50, 0.55, 0.62])
SUN_LIGHT, SKY_LIGHT, BOUNCE = np.array([3.0, 2.6, 2.05]), np.array([0.40, 0.53, 0.76]), np.array([0.17, 0.15, 0.12])
SUN_RAYS, SKY_RAYS = 9, 30
SUN_MAP_PX, SKY_MAP_PX = 1800, 512
MAP_CENTRE, MAP_REACH, MAP_START = np.array([1, 2, -16], np.float32), np.float32(23), np.float32(80)
HAZE_M = 420.0


@dataclass(frozen=True, eq=False)
class View:
    """Where rays start and go: ``rays`` of (x, y) px, ``project`` from (N, 3) world points to (N, 2) px."""

    size: tuple[int, int]
    rays: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    project: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Hits:
    """(H, W) distances, infinite where nothing is hit, numbers of the solids hit, -1 for none, and of their faces."""

    distance: np.ndarray
    solid: np.ndarray
    face: np.ndarray


@dataclass(frozen=True, eq=False)
class Light:
    """(3,) direction towards it, (3,) colour, and which of (N, 3) points it reaches."""

    direction: np.ndarray
    colour: np.ndarray
    reaches: Callable[[np.ndarray], np.ndarray]


def main(folder: Path = Path(__file__).parent, size: tuple[int, int] = SIZE) -> None:
    """Write the picture, its depth in millimetres at half size, its segments and their labels into a folder."""
    square = build_square()
    view = see_perspective((size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    hits = cast(square.solids, view)
    write_maps(hits, square.solids, square.labels, folder)
    write_photo(shade(square.solids, view, hits, place_lights(square.solids)), folder / "square.jpg")


def see_perspective(size: tuple[int, int]) -> View:
    """Return the view of the picture's camera; its rays have length 1 along the optical axis."""
    height, width = size
    focal = np.float32(FOCAL_35MM / 36 * width)
    c, s = np.cos(np.radians(PITCH_DEG)), np.sin(np.radians(PITCH_DEG))
    axes = np.array([[1, 0, 0], [0, -c, -s], [0, s, -c]], np.float32)  # right, down, forward

    def rays(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        local = np.stack([(x + 0.5 - width / 2) / focal, (y + 0.5 - height / 2) / focal, np.ones_like(x)], axis=-1)
        return EYE, local @ axes

    def project(points: np.ndarray) -> np.ndarray:
        local = (points - EYE) @ axes.T
        return local[:, :2] / np.maximum(local[:, 2:], 0.05) * focal + [width / 2, height / 2]

    return View(size, rays, project)


def see_from_light(light: np.ndarray, size: int) -> View:
    """Return the parallel view from a light upon the square."""
    right = np.cross([0, 1, 0], light) / np.linalg.norm(np.cross([0, 1, 0], light))
    axes = np.stack([right, np.cross(light, right)]).astype(np.float32)
    towards = light.astype(np.float32)

    def rays(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u, v = (((value + 0.5) / size * 2 - 1) * MAP_REACH for value in (x, y))
        return MAP_CENTRE + MAP_START * towards + u[..., None] * axes[0] + v[..., None] * axes[1], -towards

    def project(points: np.ndarray) -> np.ndarray:
        return (((points - MAP_CENTRE) @ axes.T) / MAP_REACH + 1) / 2 * size

    return View((size, size), rays, project)


def cast(solids: list[Solid], view: View) -> Hits:
    """Find what each ray of a view hits first."""
    hits = Hits(np.full(view.size, np.inf, np.float32), np.full(view.size, -1, np.int32), np.zeros(view.size, np.int8))
    for number, solid in enumerate(solids):
        corners_px = view.project(solid.bounds)
        left, top = np.maximum(np.floor(corners_px.min(axis=0)), 0).astype(int)
        right, bottom = np.minimum(np.ceil(corners_px.max(axis=0)) + 1, view.size[::-1]).astype(int)
        for start in range(top, bottom, 128):  # few rows at a time stay in the cache
            window = np.s_[start : min(start + 128, bottom), left : max(left, right)]
            y, x = np.mgrid[window].astype(np.float32)
            distance, face = solid.hit(*view.rays(x, y))
            nearer = distance < hits.distance[window]
            hits.distance[window][nearer] = distance[nearer]
            hits.solid[window][nearer] = number
            hits.face[window][nearer] = face[nearer]
    return hits


def place_lights(solids: list[Solid]) -> list[Light]:
    """Return the sun as a small disc of lights, and the sky as lights all over it."""
    golden = np.pi * (3 - 5**0.5)
    casters = [solid for solid in solids if solid.casts_shadow]
    lights = []
    for number in range(SUN_RAYS):
        radius = 0.010 * ((number + 0.5) / SUN_RAYS) ** 0.5
        direction = TOWARDS_SUN + radius * np.array([np.cos(golden * number), 0.0, np.sin(golden * number)])
        lights.append(_place_light(casters, direction, SUN_LIGHT / SUN_RAYS, SUN_MAP_PX))
    for number in range(SKY_RAYS):
        up = (number + 0.5) / SKY_RAYS
        flat = (1 - up * up) ** 0.5
        direction = np.array([flat * np.cos(golden * number), up, flat * np.sin(golden * number)])
        lights.append(_place_light(casters, direction, 2 * SKY_LIGHT / SKY_RAYS, SKY_MAP_PX))
    return lights


def _place_light(casters: list[Solid], towards: np.ndarray, colour: np.ndarray, size: int) -> Light:
    direction = towards / np.linalg.norm(towards)
    view = see_from_light(direction, size)
    nearest = cast(casters, view).distance
    direction = direction.astype(np.float32)
    random = np.random.default_rng(size)

    def reaches(points: np.ndarray) -> np.ndarray:
        jitter = random.uniform(-0.5, 0.5, (len(points), 2)).astype(np.float32)  # blurs the map's steps
        x, y = np.floor(view.project(points) + jitter).astype(np.int32).T
        inside = (x >= 0) & (y >= 0) & (x < size) & (y < size)
        blocked_at = nearest[np.where(inside, y, 0), np.where(inside, x, 0)]
        return ~inside | (MAP_START - (points - MAP_CENTRE) @ direction < blocked_at + 0.02)

    return Light(direction, colour.astype(np.float32), reaches)


def shade(solids: list[Solid], view: View, hits: Hits, lights: list[Light]) -> np.ndarray:
    """Return (H, W, 3) float32 linear light."""
    picture = np.empty((*view.size, 3), np.float32)
    for top in range(0, view.size[0], 64):
        rows = np.s_[top : min(top + 64, view.size[0])]
        y, x = np.mgrid[rows, : view.size[1]].astype(np.float32)
        origin, direction = view.rays(x, y)
        direction = direction.reshape(-1, 3)
        light = sky(direction)
        hit = hits.solid[rows].ravel() >= 0
        distance = hits.distance[rows].ravel()[hit, None]
        place, towards = origin + distance * direction[hit], direction[hit]
        surface = _shade_places(
            solids, place, towards, hits.solid[rows].ravel()[hit], hits.face[rows].ravel()[hit], lights
        )
        fog = 1 - np.exp(-distance / HAZE_M)
        light[hit] = surface + fog * (np.array([0.62, 0.76, 0.95], np.float32) - surface)
        picture[rows] = light.reshape(-1, view.size[1], 3)
    return picture


def _shade_places(
    solids: list[Solid],
    place: np.ndarray,
    towards: np.ndarray,
    owner: np.ndarray,
    face: np.ndarray,
    lights: list[Light],
) -> np.ndarray:
    """Return (N, 3) float32 linear light from places on solids, seen along (N, 3) rays."""
    normal, albedo = np.empty_like(place), np.empty_like(place)
    mirror = np.zeros((len(place), 1), np.float32)
    for number in np.unique(owner):
        mine, solid = owner == number, solids[number]
        normal[mine] = solid.normal_at(place[mine], face[mine])
        albedo[mine] = paint(solid.material, solid.colour, place[mine], normal[mine])
        mirror[mine] = MIRRORS.get(solid.material, 0)
    above = place + 0.05 * normal
    irradiance = BOUNCE.astype(np.float32) * (1 - 0.5 * normal[:, 1:2])
    for light in lights:
        cosine = normal @ light.direction
        lit = np.flatnonzero(cosine > 0)
        lit = lit[light.reaches(above[lit])]
        irradiance[lit] += cosine[lit, None] * light.colour
    return albedo * irradiance + _reflect(towards, normal, mirror)


def _reflect(towards: np.ndarray, normal: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Return (N, 3) float32 linear light that glass and lacquer mirror from sky, ground and houses across the way."""
    light = np.zeros_like(towards)
    shiny = mirror[:, 0] > 0
    if not shiny.any():
        return light
    unit = towards[shiny] / np.linalg.norm(towards[shiny], axis=1, keepdims=True)
    cosine = -(unit * normal[shiny]).sum(axis=1, keepdims=True)
    ray = unit + 2 * cosine * normal[shiny]
    surroundings = sky(ray)
    skyline = 0.16 + 0.10 * np.sign(np.sin(9 * np.arctan2(ray[:, :1], ray[:, 2:])))
    surroundings = np.where(ray[:, 1:2] > skyline, surroundings, np.array([0.20, 0.18, 0.16], np.float32))
    fresnel = mirror[shiny] + (1 - mirror[shiny]) * np.clip(1 - cosine, 0, 1) ** 5
    light[shiny] = fresnel * surroundings
    return light


def write_maps(hits: Hits, solids: list[Solid], labels: list[str], folder: Path) -> None:
    """Write depth (16-bit millimetres, 0 = unknown, half size), segments (8-bit ids, the sky too) and labels."""
    depth = hits.distance[SUPERSAMPLING :: 2 * SUPERSAMPLING, SUPERSAMPLING :: 2 * SUPERSAMPLING]
    millimetres = np.where(depth < 65.5, depth * 1000, 0).astype(np.uint16)
    Image.fromarray(millimetres).save(folder / "square_depth.png", optimize=True)
    names = [*labels, "sky"]
    of_solid = np.array([*(solid.segment for solid in solids), len(names)], np.uint8)  # no solid, -1: the last one
    segments = of_solid[hits.solid[SUPERSAMPLING // 2 :: SUPERSAMPLING, SUPERSAMPLING // 2 :: SUPERSAMPLING]]
    Image.fromarray(segments).save(folder / "square_segments.png", optimize=True)
    table = {str(number): label for number, label in enumerate(names, 1) if (segments == number).any()}
    (folder / "square_segments.json").write_text(json.dumps(table, indent=1) + "\n")


def write_photo(light: np.ndarray, path: Path) -> None:
    """Develop (H, W, 3) linear light into a JPEG: exposure, film curve, vignette, a little blur, grain and EXIF."""
    height, width = light.shape[0] // SUPERSAMPLING, light.shape[1] // SUPERSAMPLING
    light = cv2.resize(np.minimum(light, 4), (width, height), interpolation=cv2.INTER_AREA)
    light += 0.06 * cv2.GaussianBlur(np.maximum(light - 0.8, 0), (0, 0), width / 120)  # glow around the brightest
    y, x = np.mgrid[-1 : 1 : height * 1j, -1.5 : 1.5 : width * 1j]
    light = light * (1 - 0.09 * (x * x + y * y))[..., None] * 0.82
    light = light * (1 + light / 6.25) / (1 + 0.55 * light)  # shoulder: highlights keep their colour
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    srgb = cv2.GaussianBlur(srgb, (0, 0), 0.45) + np.random.default_rng(1).normal(0, 0.006, (height, width, 1))
    exif = Image.Exif()
    exif[0x010E] = "Rendered by examples/render_example.py of Blockout"  # ImageDescription
    exif.get_ifd(0x8769)[0xA405] = FOCAL_35MM  # FocalLengthIn35mmFilm
    pixels = np.rint(255 * np.clip(srgb, 0, 1)).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=88, subsampling="4:2:0", optimize=True, exif=exif)


if __name__ == "__main__":
    main()
