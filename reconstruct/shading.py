"""Faces in a picture: flat shading with one sun, lines where something else begins, darker crevices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ..inference.prediction import Camera
from .frames import linear_from_bytes, project, rays_through, srgb_from_linear, transform
from .meshes import mesh_of, triangulate_faces
from .raster import Raster, rasterise
from .refine import find_seen_faces
from .scene import Prism, Scene

SUPERSAMPLING = 2
AMBIENT, SKY_SHARE, SUN_SHARE = 0.50, 0.18, 0.60  # a wall that faces the camera keeps about its own colour
TOWARDS_SUN_CAM = np.array([-0.45, -0.75, -0.60])  # over the photographer's left shoulder
LINE_DARKNESS = 0.45
CREASE_COSINE = 0.75
CREVICE_WIDTH = 0.012  # of the picture's long side
LIGHT_STEPS = 4095  # of linear light, fine enough for 8 bits of sRGB


@dataclass(frozen=True, eq=False)
class Faces:
    """All triangles of some solids.

    Attributes:
        corners: (T, 3, 3) float64, world metres, counter-clockwise seen from outside.
        normal: (T, 3) float64, outward unit vectors.
        colour: (T, 3) float64, linear RGB.
        prism: (T,) int32, number of the solid.
        is_front: (T,) bool, whether the triangle shows its piece of the photo.
        on_plate: (T,) bool, whether that is of the clean plate.
    """

    corners: np.ndarray
    normal: np.ndarray
    colour: np.ndarray
    prism: np.ndarray
    is_front: np.ndarray
    on_plate: np.ndarray

    def of(self, chosen: np.ndarray) -> Faces:
        """Return the triangles for which (T,) bool is true."""
        fields = (self.corners, self.normal, self.colour, self.prism, self.is_front, self.on_plate)
        return Faces(*(field[chosen] for field in fields))


def gather_faces(solids: Iterable[Prism], world_from_camera: np.ndarray) -> Faces:
    """Return the triangles of solids, numbered in their order, each quad as two.

    Args:
        solids: in the world.
        world_from_camera: (4, 4), of the photo.
    """
    camera_from_world = np.linalg.inv(world_from_camera)
    corners, colours, sizes, fronts = [np.zeros((0, 3, 3))], [np.zeros(3)], [0], [np.zeros(0, bool)]
    plates = [False]
    for prism in solids:
        mesh = mesh_of(prism)
        triangles, face = triangulate_faces(mesh)
        corners.append(mesh.points[triangles])
        colours.append(prism.colour)
        plates.append(prism.shows_plate)
        sizes.append(len(triangles))
        fronts.append(find_seen_faces(mesh, prism, transform(camera_from_world, mesh.points))[face])
    points = np.concatenate(corners)
    normal = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    number = np.repeat(np.arange(len(sizes)), sizes)
    return Faces(
        points,
        normal,
        np.array(colours)[number],
        (number - 1).astype(np.int32),
        np.concatenate(fronts),
        np.array(plates)[number],
    )


def shade(
    scene: Scene,
    faces: Faces,
    camera: Camera,
    world_from_view: np.ndarray,
    backdrop: np.ndarray,
    *,
    photo_texture: bool = False,
    exposure: float = 1.0,
    level_m: float = 0.0,
) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, faces with outlines over a backdrop.

    Args:
        scene: for its photo and its camera, which the light follows.
        faces: to show.
        camera: of the picture.
        world_from_view: (4, 4), its pose.
        backdrop: (h, 3) linear RGB, one colour for each row.
        photo_texture: whether fronts carry the photo instead of their mean colour.
        exposure: factor on all light.
        level_m: depth from which on crevices are judged, so that a far eye sees them as a near one would.
    """
    fine = camera.resized(camera.height * SUPERSAMPLING, camera.width * SUPERSAMPLING)
    raster = rasterise_world(faces, fine, world_from_view)
    hit = raster.triangle >= 0
    light = (exposure * _light(faces.normal, scene.world_from_camera)).astype(np.float32)
    lit = np.concatenate([faces.colour.astype(np.float32) * light[:, None], np.zeros((1, 3), np.float32)])
    picture = lit.take(raster.triangle.ravel(), axis=0, mode="wrap").reshape(*hit.shape, 3)  # -1 is the last, black
    if photo_texture:
        rows, columns = np.nonzero(hit & np.append(faces.is_front, False)[raster.triangle])
        rays = rays_through(np.stack([columns + 0.5, rows + 0.5], axis=-1), fine)
        seen = transform(world_from_view, rays * raster.depth[rows, columns, None])
        triangle = raster.triangle[rows, columns]
        picture[rows, columns] = _photo_at(scene, seen, faces.on_plate[triangle]) * light[triangle, None]
    _darken_lines(picture, faces, raster)
    picture = cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    cover = cv2.resize(hit.astype(np.float32), (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    picture *= _crevices(raster, level_m, (camera.width, camera.height))[..., None]
    picture += (1 - cover)[..., None] * backdrop[:, None].astype(np.float32)
    return encode_srgb(picture)


def rasterise_world(faces: Faces, camera: Camera, world_from_view: np.ndarray) -> Raster:
    """Return what a camera at a pose sees of faces."""
    corners = transform(np.linalg.inv(world_from_view), faces.corners)
    ahead = corners[..., 2][corners[..., 2] > 0]
    return rasterise(corners, camera, near=1e-3 * float(np.median(ahead)) if len(ahead) else 0.01)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Return uint8 sRGB of linear light 0..1, by a table."""
    table = np.rint(255 * srgb_from_linear(np.arange(LIGHT_STEPS + 1) / LIGHT_STEPS)).astype(np.uint8)
    return table[np.clip(linear * LIGHT_STEPS + 0.5, 0, LIGHT_STEPS).astype(np.int16)]


def _light(normal_world: np.ndarray, world_from_camera: np.ndarray) -> np.ndarray:
    """Return (T,) float64, the light that falls on faces: ambient, more of it from above, and one sun."""
    sun = world_from_camera[:3, :3] @ TOWARDS_SUN_CAM
    sun = np.array([sun[0], max(sun[1], 0.3), sun[2]])  # also where the camera looks steeply up
    lambert = np.clip(normal_world @ (sun / np.linalg.norm(sun)), 0, 1)
    return AMBIENT + SKY_SHARE * normal_world[:, 1] + SUN_SHARE * lambert


def _darken_lines(picture: np.ndarray, faces: Faces, raster: Raster) -> None:
    """Draw lines into (H, W, 3) where another solid, another side or the backdrop begins."""
    if not len(faces.prism):
        return
    prism = np.append(faces.prism, -1)
    normal = np.append(faces.normal, [[0.0, 0.0, 0.0]], axis=0)
    line = np.zeros(raster.triangle.shape, bool)
    for step in ((0, 1), (1, 0)):
        height, width = np.subtract(line.shape, step)
        rows, columns = np.nonzero(raster.triangle[:height, :width] != raster.triangle[step[0] :, step[1] :])
        one, other = raster.triangle[rows, columns], raster.triangle[rows + step[0], columns + step[1]]
        crease = np.einsum("ij,ij->i", normal[one], normal[other]) < CREASE_COSINE
        begins = (prism[one] != prism[other]) | crease
        is_beyond = one[begins] < 0  # the line lies on the solid, not on the backdrop
        line[rows[begins] + step[0] * is_beyond, columns[begins] + step[1] * is_beyond] = True
    picture[line] *= LINE_DARKNESS


def _crevices(raster: Raster, level_m: float, size: tuple[int, int]) -> np.ndarray:
    """Return (h, w) float32 factors for a (w, h) picture, below 1 behind nearer surfaces.

    Source: the idea of Luft, Colditz, Deussen, "Image enhancement by unsharp masking the depth buffer", 2006.
    """
    depth = cv2.resize(raster.depth, size, interpolation=cv2.INTER_NEAREST)
    hit = np.isfinite(depth)
    if not hit.any():
        return np.ones(hit.shape, np.float32)
    depth = np.log(np.where(hit, depth, np.nanmax(depth)) - level_m).astype(np.float32)
    behind = depth - cv2.GaussianBlur(depth, (0, 0), CREVICE_WIDTH * max(hit.shape))
    return np.where(hit, np.exp(-np.clip(behind, 0, 0.3)), 1).astype(np.float32)


def _photo_at(scene: Scene, points_world: np.ndarray, on_plate: np.ndarray) -> np.ndarray:
    """Return (N, 3) float32 linear RGB, what the photo, or the clean plate, (N,) bool, shows at points of the world."""
    points_px = project(transform(np.linalg.inv(scene.world_from_camera), points_world), scene.camera)
    height, width = scene.photo.size
    column, row = (np.clip(points_px - 0.5, 0, [width - 1, height - 1]) + 0.5).astype(np.int64).T
    rgb = scene.photo.rgb[row, column]
    if scene.plate is not None and on_plate.any():
        rgb[on_plate] = scene.plate.rgb[row[on_plate], column[on_plate]]
    return linear_from_bytes(rgb).astype(np.float32)
