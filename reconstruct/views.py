"""Scene -> pictures of its solids: from the photo's camera, from beside and above, and straight from above."""

from __future__ import annotations

import cv2
import numpy as np

from ..inference.prediction import Camera
from .frames import linear_from_srgb, project, rays_through, transform
from .scene import Prism, Scene
from .shading import Faces, rasterise_world, shade

BACKDROP_SRGB = (np.array([0.33, 0.34, 0.36]), np.array([0.20, 0.205, 0.22]))  # top and bottom of the picture
CAMERA_COLOUR = (255, 176, 64)  # sRGB
FROM_HIGH_UP = 100.0  # height of the eye over the extent of what it sees: parallel rays, nearly

TURN_GAIN = 1.3  # a plan is turned when that shows it so many times as large


def view_from_camera(scene: Scene, faces: Faces, size: tuple[int, int], photo_texture: bool = False) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, the solids as the photo's camera sees them against the colour of the sky.

    Args:
        scene: that the faces belong to.
        faces: to show.
        size: (height, width) px of the picture.
        photo_texture: whether fronts carry the photo instead of their mean colour.
    """
    camera = scene.camera.resized(*size)
    backdrop = _neutral_backdrop(size[0]) if scene.sky_colour is None else np.tile(scene.sky_colour, (size[0], 1))
    return shade(scene, faces, camera, scene.world_from_camera, backdrop, photo_texture=photo_texture)


def view_from_beside(
    scene: Scene, faces: Faces, seen: np.ndarray, size: tuple[int, int], photo_texture: bool = False
) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, three quarters from behind, beside and above the photo's camera, with its frustum.

    Args:
        scene: that the faces belong to.
        faces: to show; ceilings would hide the room.
        seen: (N, 3) world points that have to be in the picture, outliers apart.
        size: (height, width) px of the picture.
        photo_texture: whether fronts carry the photo instead of their mean colour.
    """
    eye = scene.world_from_camera[:3, 3]
    height, width = size
    focal = 1.5 * max(height, width)
    camera = Camera(focal, focal, width / 2, height / 2, height, width)
    pose = _frame_points(np.vstack([_without_outliers(seen, eye), eye]), scene.world_from_camera, camera)
    picture = shade(
        scene,
        faces,
        camera,
        pose,
        _neutral_backdrop(height),
        photo_texture=photo_texture,
        exposure=_exposure(scene),
    )
    return _draw_frustum(picture, scene, _symbol_length(seen, eye), camera, pose)


def view_from_top(
    scene: Scene, faces: Faces, seen: np.ndarray, size: tuple[int, int], photo_texture: bool = False
) -> tuple[np.ndarray, float]:
    """Return (h, w, 3) uint8 sRGB, a plan of the scene with the photo's camera, and its px per metre.

    The camera looks up the picture, or to the right where that shows more. Arguments as for ``view_from_beside``.
    """
    eye = scene.world_from_camera[:3, 3]
    inside = np.vstack([_without_outliers(seen, eye), eye])
    camera, pose, extent_m = _frame_plan(inside, _ahead(scene.world_from_camera), size)
    picture = shade(
        scene,
        faces,
        camera,
        pose,
        np.tile(_neutral_backdrop(size[0])[-1], (size[0], 1)),
        photo_texture=photo_texture,
        exposure=_exposure(scene),
        level_m=(FROM_HIGH_UP - 1) * extent_m,
    )
    picture = _draw_sight_lines(picture, scene, extent_m, camera, pose)
    return _draw_frustum(picture, scene, _symbol_length(seen, eye), camera, pose), max(size) / extent_m


def without_ceilings(scene: Scene, faces: Faces) -> Faces:
    """Return the faces of a scene but those of ceilings."""
    keep = np.array([not _is_ceiling(prism) for prism in scene.solids()], bool)
    return faces.of(keep[faces.prism])


def points_seen(scene: Scene, faces: Faces) -> np.ndarray:
    """Return (N, 3) float64 world points that the photo's camera sees, spread evenly over its picture."""
    camera = scene.camera.resized(90, 120)
    raster = rasterise_world(faces, camera, scene.world_from_camera)
    row, column = np.nonzero(raster.triangle >= 0)
    if not len(row):
        return faces.corners.reshape(-1, 3) if len(faces.corners) else np.array([[0.0, 0.0, -1.0]])
    rays = rays_through(np.stack([column + 0.5, row + 0.5], axis=-1), camera)
    return transform(scene.world_from_camera, rays * raster.depth[row, column, None])


def _symbol_length(seen: np.ndarray, eye: np.ndarray) -> float:
    """Return how long, in metres, the small pyramid of the photo's camera is drawn."""
    return 0.12 * float(np.median(np.linalg.norm(seen - eye, axis=1)))


def _exposure(scene: Scene) -> float:
    """Return the factor that brings a night scene up to where its solids can be told apart; 1 for a day scene."""
    solids = list(scene.solids())
    light = sum(float(solid.colour.mean()) * solid.pixels for solid in solids)
    pixels = sum(solid.pixels for solid in solids)
    return float(np.clip(0.12 * pixels / light, 1, 4)) if light > 0 else 1.0


def _neutral_backdrop(height: int) -> np.ndarray:
    top, bottom = (linear_from_srgb(colour) for colour in BACKDROP_SRGB)
    return top + np.linspace(0, 1, height)[:, None] * (bottom - top)


def _is_ceiling(prism: Prism) -> bool:
    return prism.kind == "structure" and prism.world_from_plane[1, 2] < -0.8


def _without_outliers(points_world: np.ndarray, eye_world: np.ndarray) -> np.ndarray:
    """Return (M, 3) float64, most of the points: a wall far away must not shrink everything else to a speck."""
    distance = np.linalg.norm(points_world - eye_world, axis=1)
    return points_world[distance <= min(4 * np.median(distance), np.quantile(distance, 0.98))]


def _ahead(world_from_camera: np.ndarray) -> np.ndarray:
    """Return the (3,) horizontal unit vector along which a camera looks; -z where it looks up or down."""
    ahead = world_from_camera[:3, 2] * [1, 0, 1]
    return ahead / np.linalg.norm(ahead) if np.linalg.norm(ahead) > 1e-6 else np.array([0.0, 0.0, -1.0])


def _frame_points(points_world: np.ndarray, world_from_camera: np.ndarray, camera: Camera) -> np.ndarray:
    """Return (4, 4) world_from_view that shows all points from the photographer's side, 38 degrees right, 30 above."""
    ahead = _ahead(world_from_camera)
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


def _frame_plan(points_world: np.ndarray, ahead: np.ndarray, size: tuple[int, int]) -> tuple[Camera, np.ndarray, float]:
    """Return the camera that shows all points from straight above, its pose, and the metres along its long side."""
    right = np.cross(ahead, [0, 1, 0])
    height, width = size
    found = []
    for across, down, favour in ((right, -ahead, TURN_GAIN), (ahead, right, 1.0)):
        axes = np.stack([across, down, [0.0, -1.0, 0.0]], axis=1)
        low, high = (points_world @ axes).min(axis=0), (points_world @ axes).max(axis=0)
        reach = np.maximum(high - low, 1e-6)
        scale_px = 0.9 * min(width / reach[0], height / reach[1])
        found.append((favour * scale_px, scale_px, axes, low, high))
    _, scale_px, axes, low, high = max(found, key=lambda way: way[0])
    extent_m = max(size) / scale_px
    focal = scale_px * (FROM_HIGH_UP * extent_m + high[2] - low[2])  # true to scale on the ground
    pose = np.eye(4)
    pose[:3, :3] = axes
    pose[:3, 3] = axes @ [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] - FROM_HIGH_UP * extent_m]
    return Camera(focal, focal, width / 2, height / 2, height, width), pose, extent_m


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


def _draw_sight_lines(picture: np.ndarray, scene: Scene, reach: float, camera: Camera, pose: np.ndarray) -> np.ndarray:
    """Return the picture with faint lines ``reach`` metres along both sides of what the photo shows."""
    middle = scene.camera.height / 2
    sides = rays_through(np.array([[0, middle], [scene.camera.width, middle]]), scene.camera) * reach
    view_from_photo = np.linalg.inv(pose) @ scene.world_from_camera
    apex, *ends = project(transform(view_from_photo, np.concatenate([np.zeros((1, 3)), sides])), camera)
    lines = [np.rint(16 * (np.array([apex, end]) - 0.5)).astype(int) for end in ends]
    marked = cv2.polylines(picture.copy(), lines, False, CAMERA_COLOUR, 1, cv2.LINE_AA, shift=4)
    return cv2.addWeighted(picture, 0.5, marked, 0.5, 0)
