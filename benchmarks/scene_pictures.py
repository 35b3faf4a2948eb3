"""Photograph a set: first hits of one ray a pixel, procedural colour, a sun with shadows, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.random import Generator
from scene_sets import Set, View
from scene_solids import join
from scene_things import Thing

SUN, AMBIENT = 0.75, 0.35
NOISE = 0.012  # standard deviation of the photo's noise, of full scale
LIFT_M = 0.004  # shadow rays start this far off the surface


@dataclass(frozen=True, eq=False)
class Picture:
    """What a camera sees of a set.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        depth_m: (H, W) float32 along the optical axis, 0 = sky.
        ids: (H, W) uint8: 0 = sky, k = instance k - 1.
        instances: things, then what closes the set, in the camera's frame: x right, y up, looking along -z.
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    ids: np.ndarray
    instances: list[Thing]


def camera_from_world(view: View) -> np.ndarray:
    """Return (4, 4) float64, rigid, both frames y up."""
    turn = np.eye(4)
    for angle, axis in ((view.yaw_deg, (0, 1, 0)), (view.pitch_deg, (1, 0, 0)), (view.roll_deg, (0, 0, 1))):
        turn = turn @ trimesh.transformations.rotation_matrix(np.radians(angle), axis)
    turn[:3, 3] = view.position
    return np.linalg.inv(turn)


def rays_of(view: View) -> np.ndarray:
    """Return (H * W, 3) float64, rays of unit depth through the pixels' centres, in the camera's frame."""
    height, width = view.size
    row, column = np.mgrid[:height, :width] + 0.5
    x, y = (column - width / 2) / view.focal_px, (height / 2 - row) / view.focal_px
    return np.stack([x, y, -np.ones_like(x)], -1).reshape(-1, 3)


def photograph(place: Set, rng: Generator) -> Picture:
    """Return the photo, the depth and the instances of a set."""
    move = camera_from_world(place.view)
    # shell pieces come last, so that things keep low ids
    worlds = [*place.things, *place.shell]
    instances = [
        Thing(t.label, [(mesh.copy().apply_transform(move), colour) for mesh, colour in t.parts], t.pattern)
        for t in worlds
    ]
    parts = [(mesh, colour, k) for k, thing in enumerate(instances) for mesh, colour in thing.parts]
    whole = join([mesh for mesh, _, _ in parts])
    part_of_face = np.repeat(np.arange(len(parts)), [len(mesh.faces) for mesh, _, _ in parts])
    rays = rays_of(place.view)
    face = whole.ray.intersects_first(np.zeros_like(rays), rays)
    hit = np.flatnonzero(face >= 0)
    normals = whole.face_normals[face[hit]]
    corners = whole.triangles[face[hit], 0]
    depth = np.einsum("ij,ij->i", corners, normals) / np.einsum("ij,ij->i", rays[hit], normals)
    points, part = rays[hit] * depth[:, None], part_of_face[face[hit]]
    up = move[:3, :3] @ np.array([0.0, 1.0, 0.0])
    sun = move[:3, :3] @ _sun(rng)
    casters = [mesh for mesh, _, k in parts if not place.is_indoors or instances[k].label not in ("wall", "ceiling")]
    lit = np.clip(normals @ sun, 0, None) * ~_in_shadow(join(casters), points, normals, sun)
    light = SUN * lit + AMBIENT * (0.75 + 0.25 * normals @ up)
    owner = np.array([k for _, _, k in parts])[part]
    world = (points - move[:3, 3]) @ move[:3, :3]
    patterns = _patterns(instances, owner, world, normals @ move[:3, :3], rng)
    linear = np.array([colour for _, colour, _ in parts])[part] * (patterns * light)[:, None]
    height, width = place.view.size
    image = _sky(rays, up, rng)
    image[hit] = linear
    image = np.clip(image, 0, 1) ** (1 / 2.2) + rng.normal(0, NOISE, image.shape)
    depth_m, ids = np.zeros(len(rays), np.float32), np.zeros(len(rays), np.uint8)
    depth_m[hit], ids[hit] = depth, owner + 1
    rgb = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8).reshape(height, width, 3)
    return Picture(rgb, depth_m.reshape(height, width), ids.reshape(height, width), instances)


def _sun(rng: Generator) -> np.ndarray:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(30, 70))
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), np.sin(elevation), flat * np.sin(azimuth)])


def _in_shadow(casters: trimesh.Trimesh, points: np.ndarray, normals: np.ndarray, sun: np.ndarray) -> np.ndarray:
    lift = LIFT_M + 0.0005 * np.abs(points[:, 2])
    return casters.ray.intersects_any(points + lift[:, None] * normals, np.broadcast_to(sun, points.shape))


def _sky(rays: np.ndarray, up: np.ndarray, rng: Generator) -> np.ndarray:
    """Return (N, 3) float64, linear: blue that pales to the horizon, with clouds."""
    along = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    rise = np.clip(along @ up, 0, 1)[:, None]
    cloud = np.clip(_waves(6 * along, rng), 0, 1)[:, None]
    blue = np.array([0.75, 0.82, 0.9]) * (1 - rise) + np.array([0.2, 0.4, 0.8]) * rise
    return 0.6 * cloud + (1 - 0.6 * cloud) * blue


def _waves(points: np.ndarray, rng: Generator, octaves: int = 4) -> np.ndarray:
    """Return (N,) float64 of about -1..1: smooth noise as a sum of waves that shorten."""
    total = np.zeros(len(points))
    for octave in range(octaves):
        for _ in range(3):
            wave = 2**octave * rng.normal(0, 1, 3)
            total += 0.6**octave * np.sin(points @ wave + rng.uniform(0, 6))
    return total / 4


def _patterns(
    instances: list[Thing], owner: np.ndarray, world: np.ndarray, normals: np.ndarray, rng: Generator
) -> np.ndarray:
    """Return (N,) float64 by which colours are multiplied, from where the points lie in the world."""
    factor = np.ones(len(world))
    for k, thing in enumerate(instances):
        mine = owner == k
        if mine.any():
            factor[mine] = _pattern(thing.pattern, world[mine], normals[mine], rng)
    return factor


def _pattern(name: str, points: np.ndarray, normals: np.ndarray, rng: Generator) -> np.ndarray:
    soft = 1 + 0.1 * _waves(points, rng, 2)
    if name == "plain":
        return soft
    if name == "speckle":
        return 1 + 0.25 * _waves(9 * points, rng)
    if name == "grain":
        return soft + 0.15 * np.sin(40 * points[:, int(rng.integers(3))] + 3 * _waves(4 * points, rng, 2))
    # bricks and windows lie in the walls: along the horizontal that a wall runs in, and up
    aside = np.where(np.abs(normals[:, 0]) > np.abs(normals[:, 2]), points[:, 2], points[:, 0])
    if name == "bricks":
        row = np.floor(points[:, 1] / 0.12)
        joint = (points[:, 1] % 0.12 < 0.015) | ((aside + 0.15 * (row % 2)) % 0.3 < 0.015)
        return soft * np.where(joint, 0.75, 1.0)
    pane = (aside % 2.4 > 0.8) & (points[:, 1] % 3.0 > 1.0) & (np.abs(normals[:, 1]) < 0.5)
    return soft * np.where(pane, 0.35, 1.0)
