"""Scene -> pictures of its solids: from the photo's camera, and from a raised three-quarter view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ..inference.prediction import Camera
from .frames import linear_from_srgb, project, rays_through, srgb_from_linear, transform
from .meshes import mesh_of
from .raster import Raster, rasterise
from .scene import Prism, Scene

SUPERSAMPLING = 2
AMBIENT, SKY_SHARE, SUN_SHARE = 0.50, 0.18, 0.60  # a wall that faces the camera keeps about its own colour
TOWARDS_SUN_CAM = np.array([-0.45, -0.75, -0.60])  # over the photographer's left shoulder
LINE_DARKNESS = 0.45
CREASE_COSINE = 0.75
BACKDROP_SRGB = (np.array([0.33, 0.34, 0.36]), np.array([0.20, 0.205, 0.22]))  # top and bottom of the picture
CAMERA_COLOUR = (255, 176, 64)  # sRGB


@dataclass(frozen=True, eq=False)
class Faces:
    """All triangles of some solids.

    Attributes:
        corners: (T, 3, 3) float64, world metres, counter-clockwise seen from outside.
        normal: (T, 3) float64, outward unit vectors.
        colour: (T, 3) float64, linear RGB.
        prism: (T,) int32, number of the solid.
        is_front: (T,) bool, whether the triangle shows its piece of the photo.
    """

    corners: np.ndarray
    normal: np.ndarray
    colour: np.ndarray
    prism: np.ndarray
    is_front: np.ndarray


def gather_faces(solids: Iterable[Prism]) -> Faces:
    """Return the triangles of solids, each quad as two."""
    corners, colours, prisms, fronts = (
        [np.zeros((0, 3, 3))],
        [np.zeros((0, 3))],
        [np.zeros(0, int)],
        [np.zeros(0, bool)],
    )
    for number, prism in enumerate(solids):
        mesh = mesh_of(prism)
        caps = mesh.face_sizes == 3
        split = int(3 * caps.sum())
        quads = mesh.face_points[split:].reshape(-1, 4)
        triangles = np.concatenate([mesh.face_points[:split].reshape(-1, 3), quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        corners.append(mesh.points[triangles])
        colours.append(np.tile(prism.colour, (len(triangles), 1)))
        prisms.append(np.full(len(triangles), number))
        fronts.append(np.arange(len(triangles)) < mesh.front_faces)
    points = np.concatenate(corners)
    normal = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    return Faces(
        points, normal, np.concatenate(colours), np.concatenate(prisms).astype(np.int32), np.concatenate(fronts)
    )


def view_from_camera(scene: Scene, size: tuple[int, int], photo_texture: bool = False) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, the solids as the photo's camera sees them against the colour of the sky.

    Args:
        scene: what to show.
        size: (height, width) px of the picture.
        photo_texture: whether fronts carry the photo instead of their mean colour.
    """
    camera = scene.camera.resized(*size)
    backdrop = _neutral_backdrop(size[0]) if scene.sky_colour is None else np.tile(scene.sky_colour, (size[0], 1))
    return _render(scene, gather_faces(scene.solids()), camera, scene.world_from_camera, backdrop, photo_texture)


def view_from_above(scene: Scene, size: tuple[int, int], photo_texture: bool = False) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, the solids from behind, beside and above the photo's camera, with its frustum.

    Ceilings are left out, since they would hide the room. Arguments as for ``view_from_camera``.
    """
    faces = gather_faces(prism for prism in scene.solids() if not _is_ceiling(prism))
    seen = _points_seen(scene, faces)
    height, width = size
    focal = 1.5 * max(height, width)
    camera = Camera(focal, focal, width / 2, height / 2, height, width)
    eye = scene.world_from_camera[:3, 3]
    pose = _frame_points(np.vstack([_without_outliers(seen, eye), eye]), scene.world_from_camera, camera)
    picture = _render(scene, faces, camera, pose, _neutral_backdrop(height), photo_texture, _exposure(scene))
    reach = 0.12 * float(np.median(np.linalg.norm(seen - eye, axis=1)))
    return _draw_frustum(picture, scene, reach, camera, pose)


def _render(
    scene: Scene,
    faces: Faces,
    camera: Camera,
    world_from_view: np.ndarray,
    backdrop: np.ndarray,
    photo_texture: bool,
    exposure: float = 1.0,
) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, shaded faces with outlines over a backdrop of one linear colour for each row."""
    fine = camera.resized(camera.height * SUPERSAMPLING, camera.width * SUPERSAMPLING)
    raster = _rasterise_world(faces, fine, world_from_view)
    picture = np.repeat(backdrop, SUPERSAMPLING, axis=0)[:, None, :].repeat(fine.width, axis=1).astype(np.float32)
    hit = raster.triangle >= 0
    triangle = raster.triangle[hit]
    albedo = faces.colour.astype(np.float32)[triangle]
    if photo_texture:
        front = faces.is_front[triangle]
        rows, columns = (index[front] for index in np.nonzero(hit))
        rays = rays_through(np.stack([columns + 0.5, rows + 0.5], axis=-1), fine)
        albedo[front] = _photo_at(scene, transform(world_from_view, rays * raster.depth[rows, columns, None]))
    light = exposure * _light(faces.normal, scene.world_from_camera)
    picture[hit] = albedo * light.astype(np.float32)[triangle, None]
    picture *= (_outlines(faces, raster) * _crevices(raster))[..., None]
    picture = cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return np.rint(255 * srgb_from_linear(picture)).astype(np.uint8)


def _rasterise_world(faces: Faces, camera: Camera, world_from_view: np.ndarray) -> Raster:
    corners = transform(np.linalg.inv(world_from_view), faces.corners)
    ahead = corners[..., 2][corners[..., 2] > 0]
    return rasterise(corners, camera, near=1e-3 * float(np.median(ahead)) if len(ahead) else 0.01)


def _light(normal_world: np.ndarray, world_from_camera: np.ndarray) -> np.ndarray:
    """Return (T,) float64, the light that falls on faces: ambient, more of it from above, and one sun."""
    sun = world_from_camera[:3, :3] @ TOWARDS_SUN_CAM
    sun = np.array([sun[0], max(sun[1], 0.3), sun[2]])  # also where the camera looks steeply up
    lambert = np.clip(normal_world @ (sun / np.linalg.norm(sun)), 0, 1)
    return AMBIENT + SKY_SHARE * normal_world[:, 1] + SUN_SHARE * lambert


def _exposure(scene: Scene) -> float:
    """Return the factor that brings a night scene up to where its solids can be told apart; 1 for a day scene."""
    solids = list(scene.solids())
    light = sum(float(solid.colour.mean()) * solid.pixels for solid in solids)
    pixels = sum(solid.pixels for solid in solids)
    return float(np.clip(0.12 * pixels / light, 1, 4)) if light > 0 else 1.0


def _outlines(faces: Faces, raster: Raster) -> np.ndarray:
    """Return (H, W) float32 factors, below 1 where another solid, another side or the backdrop begins."""
    if not len(faces.prism):
        return np.ones(raster.triangle.shape, np.float32)
    prism = np.where(raster.triangle < 0, -1, faces.prism[raster.triangle])
    normal = faces.normal.astype(np.float32)[raster.triangle]
    edge = np.zeros(prism.shape, bool)
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        crease = np.einsum("ijk,ijk->ij", normal[here], normal[there]) < CREASE_COSINE
        edge[here] |= (prism[here] != prism[there]) | (crease & (prism[here] >= 0))
    return np.where(edge, np.float32(LINE_DARKNESS), np.float32(1))


def _crevices(raster: Raster) -> np.ndarray:
    """Return (H, W) float32 factors, below 1 behind nearer surfaces.

    Source: the idea of Luft, Colditz, Deussen, "Image enhancement by unsharp masking the depth buffer", 2006.
    """
    hit = np.isfinite(raster.depth)
    if not hit.any():
        return np.ones(hit.shape, np.float32)
    depth = np.log(np.where(hit, raster.depth, np.nanmax(raster.depth))).astype(np.float32)
    behind = depth - cv2.GaussianBlur(depth, (0, 0), 0.012 * max(hit.shape))
    return np.where(hit, np.exp(-np.clip(behind, 0, 0.3)), 1).astype(np.float32)


def _photo_at(scene: Scene, points_world: np.ndarray) -> np.ndarray:
    """Return (N, 3) float32 linear RGB, what the photo shows at points of the world."""
    points_px = project(transform(np.linalg.inv(scene.world_from_camera), points_world), scene.camera)
    height, width = scene.photo.size
    column, row = (np.clip(points_px - 0.5, 0, [width - 1, height - 1]) + 0.5).astype(np.int64).T
    return linear_from_srgb(np.arange(256) / 255).astype(np.float32)[scene.photo.rgb[row, column]]


def _neutral_backdrop(height: int) -> np.ndarray:
    top, bottom = (linear_from_srgb(colour) for colour in BACKDROP_SRGB)
    return top + np.linspace(0, 1, height)[:, None] * (bottom - top)


def _is_ceiling(prism: Prism) -> bool:
    return prism.kind == "structure" and prism.world_from_plane[1, 2] < -0.8


def _points_seen(scene: Scene, faces: Faces) -> np.ndarray:
    """Return (N, 3) float64 world points that the photo's camera sees, spread evenly over its picture."""
    camera = scene.camera.resized(90, 120)
    raster = _rasterise_world(faces, camera, scene.world_from_camera)
    row, column = np.nonzero(raster.triangle >= 0)
    if not len(row):
        return faces.corners.reshape(-1, 3) if len(faces.corners) else np.array([[0.0, 0.0, -1.0]])
    rays = rays_through(np.stack([column + 0.5, row + 0.5], axis=-1), camera)
    return transform(scene.world_from_camera, rays * raster.depth[row, column, None])


def _without_outliers(points_world: np.ndarray, eye_world: np.ndarray) -> np.ndarray:
    """Return (M, 3) float64, most of the points: a wall far away must not shrink everything else to a speck."""
    distance = np.linalg.norm(points_world - eye_world, axis=1)
    return points_world[distance <= min(4 * np.median(distance), np.quantile(distance, 0.98))]


def _frame_points(points_world: np.ndarray, world_from_camera: np.ndarray, camera: Camera) -> np.ndarray:
    """Return (4, 4) world_from_view that shows all points from the photographer's side, 38 degrees right, 30 above."""
    ahead = world_from_camera[:3, 2] * [1, 0, 1]
    ahead = ahead / np.linalg.norm(ahead) if np.linalg.norm(ahead) > 1e-6 else np.array([0.0, 0.0, -1.0])
    right = np.cross(ahead, [0, 1, 0])
    around, above = np.radians(38), np.radians(30)
    forward = np.cos(above) * (np.cos(around) * ahead - np.sin(around) * right) - [0, np.sin(above), 0]
    across = np.cross(forward, [0, 1, 0])
    across /= np.linalg.norm(across)
    axes = np.stack([across, np.cross(forward, across), forward], axis=1)
    x, y, z = (points_world @ axes).T
    # Every point inside the frame: a bound on the eye from each side of the frame, the outermost two meet.
    slopes = 0.45 * camera.width / camera.fx, 0.45 * camera.height / camera.fy
    eye = np.zeros(3)
    backs = []
    for axis, (values, slope) in enumerate(zip((x, y), slopes, strict=True)):
        high, low = (values - slope * z).max(), (values + slope * z).min()
        backs.append((high - low) / (2 * slope))
        eye[axis] = (high + low) / 2
    eye[2] = -max(max(backs), 1e-6)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes, axes @ eye
    return pose


def _draw_frustum(picture: np.ndarray, scene: Scene, reach: float, camera: Camera, pose: np.ndarray) -> np.ndarray:
    """Return the picture with the photo's camera as a small pyramid of lines, ``reach`` metres long."""
    height, width = scene.camera.height, scene.camera.width
    rim = rays_through(np.array([[0, 0], [width, 0], [width, height], [0, height]]), scene.camera) * reach
    view_from_photo = np.linalg.inv(pose) @ scene.world_from_camera
    points = transform(view_from_photo, np.concatenate([np.zeros((1, 3)), rim]))
    if points[:, 2].min() <= 0:
        return picture
    apex, *corners = np.rint(16 * (project(points, camera) - 0.5)).astype(int)
    lines = [np.array([apex, corner]) for corner in corners] + [np.array([*corners, corners[0]])]
    picture = np.ascontiguousarray(picture)
    cv2.polylines(picture, lines, False, CAMERA_COLOUR, 1, cv2.LINE_AA, shift=4)
    return picture
