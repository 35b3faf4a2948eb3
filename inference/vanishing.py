"""How the camera was held: gravity and field of view from the straight lines of a picture.

Every gravity on a grid is asked how well it explains the line segments: as verticals, which pass through its
vanishing point, and as horizontals, which each name one heading; in a built scene the headings gather in two
directions at right angles. Nothing is drawn at random, so the same picture gives the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import assume_camera, camera_from_fov
from .prediction import Camera, Photo
from .resample import shrink

WORK_SIDE_PX = 640  # the longer side of the reduced picture that views are estimated on
MAX_PITCH_DEG, MAX_ROLL_DEG = 45, 15
FOV_CANDIDATES_DEG = (35, 40, 45, 50, 55, 60, 66, 72, 80, 90)
MIN_LINE = 0.03  # of the picture's longer side: shorter segments are texture
VERTICAL_TOLERANCE_DEG = 1.2  # between a line and the direction to the vertical vanishing point
MIN_SUPPORT = 0.8  # length of lines in longer sides of the picture that a gravity must explain to be believed
MIN_GAIN = 1.4  # how many times more a gravity must explain than a level camera does
REFINE_MIN_SUPPORT = 0.9  # the same, to be more believed than what was known
SUPPORT_OF_DOUBT = 0.15  # support that a gravity needs more where it is not expected, times half of sigmas squared
STEPS_OF_DOUBT, REACH_OF_DOUBT = 4, 3  # of the grid in a sigma; sigmas
FOV_MIN_SUPPORT, FOV_MIN_GAIN = 1.6, 1.15  # the same for a field of view, over the narrowest and the widest
HORIZONTAL_WEIGHT = 0.5  # horizontals find some common heading under any gravity: they weigh less than verticals


@dataclass(frozen=True, eq=False)
class View:
    """How a picture was taken: its camera, and (3,) float64, the unit vector along gravity in camera axes."""

    camera: Camera
    down_cam: np.ndarray


def down_from_angles(pitch_deg: np.ndarray | float, roll_deg: np.ndarray | float) -> np.ndarray:
    """Return (..., 3) float64, gravity in camera axes; pitch > 0 looks up, roll > 0 turns it to the picture's right."""
    pitch, roll = np.radians(pitch_deg), np.radians(roll_deg)
    return np.stack([np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch), -np.sin(pitch)], axis=-1)


def detect_lines(rgb: np.ndarray) -> np.ndarray:
    """Return (N, 4) float64 px, the end points x1 y1 x2 y2 of straight edges, pixel centres at +0.5."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < 32:
        return np.zeros((0, 4))
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.zeros((0, 4))
    lines = found.reshape(-1, 4).astype(np.float64) + 0.5
    length = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    return lines[length > MIN_LINE * max(grey.shape)]


def see_view(photo: Photo, camera: Camera | None) -> View:
    """Estimate gravity, and the field of view when no camera is given, on a reduced copy of a photo.

    Args:
        photo: any photo.
        camera: as of ``estimate_view``, for the photo's size.

    Returns:
        Gravity and the camera, for the photo's size.
    """
    small = shrink(photo.rgb, WORK_SIDE_PX)
    view = estimate_view(small, camera.resized(*small.shape[:2]) if camera else None)
    # Of the same angle, and not of the same numbers resized: sides were rounded, and pixels stay square.
    return View(camera or camera_from_fov(view.camera.fov_deg, photo.size, view.camera.source), view.down_cam)


def estimate_view(rgb: np.ndarray, camera: Camera | None) -> View:
    """Estimate gravity, and the field of view when no camera is given.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        camera: intrinsics for this size that are kept, and gravity where it has one, or None.
    """
    if camera is not None and camera.down_cam is not None:
        return View(camera, np.array(camera.down_cam))
    lines = detect_lines(rgb)
    if camera is None:
        camera = _estimate_fov(lines, rgb.shape[:2])
    score, pitch, roll = _best_angles(lines, camera)
    level = _scores(lines, camera, np.zeros(1), np.zeros(1))[0]
    if score < MIN_SUPPORT or score < MIN_GAIN * level:
        pitch, roll = 0.0, 0.0
    return View(camera, down_from_angles(pitch, roll))


def see_gravity(photo: Photo, camera: Camera, down_cam: np.ndarray, sigma_deg: float) -> np.ndarray | None:
    """Return what ``refine_gravity`` does, of a photo of any size and its camera."""
    small = shrink(photo.rgb, WORK_SIDE_PX)
    return refine_gravity(detect_lines(small), camera.resized(*small.shape[:2]), down_cam, sigma_deg)


def refine_gravity(lines: np.ndarray, camera: Camera, down_cam: np.ndarray, sigma_deg: float) -> np.ndarray | None:
    """Return gravity as the straight lines of a photo tell it where it is known roughly; None where they tell little.

    Args:
        lines: as of ``detect_lines``, of a photo made smaller to ``WORK_SIDE_PX``.
        camera: of the photo in that size.
        down_cam: (3,) unit vector along gravity as known so far, camera axes.
        sigma_deg: standard deviation of its pitch and of its roll.

    Returns:
        (3,) float64 unit vector: of directions within three standard deviations the one that lines and what is known
        make likeliest.
    """
    pitch_deg, roll_deg = np.degrees(-np.arcsin(down_cam[2])), np.degrees(np.arctan2(down_cam[0], down_cam[1]))
    off = np.arange(-STEPS_OF_DOUBT * REACH_OF_DOUBT, STEPS_OF_DOUBT * REACH_OF_DOUBT + 1) / STEPS_OF_DOUBT
    pitches, rolls = (grid.ravel() for grid in np.meshgrid(off, off, indexing="ij"))
    doubt = SUPPORT_OF_DOUBT / 2 * (pitches**2 + rolls**2)
    pitches, rolls = pitch_deg + sigma_deg * pitches, roll_deg + sigma_deg * rolls
    support = _scores(lines, camera, pitches, rolls)
    best = int(np.argmax(support - doubt))
    if support[best] < REFINE_MIN_SUPPORT:
        return None
    return np.asarray(down_from_angles(pitches[best], rolls[best]))


def _lengths(lines: np.ndarray) -> np.ndarray:
    return np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])


def _scores(lines: np.ndarray, camera: Camera, pitch_deg: np.ndarray, roll_deg: np.ndarray) -> np.ndarray:
    """Return (K,) float64, the length of lines that each gravity explains, in longer sides of the picture."""
    if len(lines) == 0:
        return np.zeros(len(pitch_deg))
    down = down_from_angles(pitch_deg, roll_deg)
    weights = _lengths(lines) / max(camera.height, camera.width)
    vertical = point_at(lines, camera, down, VERTICAL_TOLERANCE_DEG)
    heading, steepness = _headings(lines, camera, down)
    flat_weights = weights * (1 - vertical) * steepness
    gathered = np.max(_gather_by_heading(heading, flat_weights), axis=1)
    tilt = np.where(pitch_deg < 0, -pitch_deg, 2 * pitch_deg) / MAX_PITCH_DEG  # few look up as far as down at a table
    prior = 1 - 0.2 * tilt - 0.3 * np.abs(roll_deg) / MAX_ROLL_DEG
    return prior * (vertical @ weights + HORIZONTAL_WEIGHT * gathered)


def point_at(lines: np.ndarray, camera: Camera, directions: np.ndarray, tolerance_deg: float) -> np.ndarray:
    """Return (K, N) float64 0..1, how well each of (N, 4) lines points at the vanishing points of (K, 3) directions."""
    middle = (lines[:, :2] + lines[:, 2:]) / 2
    along = lines[:, 2:] - lines[:, :2]
    # direction in the picture from a point to the vanishing point, which may lie at infinity
    to_x = camera.fx * directions[:, :1] - (middle[:, 0] - camera.cx) * directions[:, 2:]
    to_y = camera.fy * directions[:, 1:2] - (middle[:, 1] - camera.cy) * directions[:, 2:]
    cross = to_x * along[:, 1] - to_y * along[:, 0]
    sine = np.abs(cross) / (np.hypot(to_x, to_y) * np.hypot(along[:, 0], along[:, 1]) + 1e-9)
    return np.exp(-0.5 * (sine / np.sin(np.radians(tolerance_deg))) ** 2)


def _headings(lines: np.ndarray, camera: Camera, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (K, N) headings in degrees 0..180 of the lines taken as horizontals, and how sure each is, 0..1."""
    starts = np.column_stack([(lines[:, 0] - camera.cx) / camera.fx, (lines[:, 1] - camera.cy) / camera.fy])
    ends = np.column_stack([(lines[:, 2] - camera.cx) / camera.fx, (lines[:, 3] - camera.cy) / camera.fy])
    ones = np.ones((len(lines), 1))
    normals = np.cross(np.hstack([starts, ones]), np.hstack([ends, ones]))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    directions = np.cross(down[:, None, :], normals[None])
    ahead = np.array([0.0, 0.0, 1.0]) - down[:, 2:] * down
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    right = np.cross(down, ahead)
    across = np.einsum("knc,kc->kn", directions, right)
    forward = np.einsum("knc,kc->kn", directions, ahead)
    return np.degrees(np.arctan2(across, forward)) % 180, np.linalg.norm(directions, axis=2)


def _gather_by_heading(heading_deg: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (K, 90) float64, the weight of lines within about a degree of each pair of right-angled headings."""
    bins = (heading_deg % 90).astype(np.int64) % 90
    flat = (np.arange(len(bins))[:, None] * 90 + bins).ravel()
    votes = np.bincount(flat, weights.ravel(), minlength=len(bins) * 90).reshape(-1, 90)
    return votes + 0.6 * (np.roll(votes, 1, axis=1) + np.roll(votes, -1, axis=1))


def _best_angles(lines: np.ndarray, camera: Camera) -> tuple[float, float, float]:
    """Return score, pitch and roll in degrees of the gravity that explains most, to a quarter of a degree."""
    pitch, roll, span, best = 0.0, 0.0, None, 0.0
    for step in (3.0, 1.0, 0.25):
        reach_pitch, reach_roll = (MAX_PITCH_DEG, MAX_ROLL_DEG) if span is None else (span, span)
        grid = np.meshgrid(
            pitch + np.arange(-reach_pitch, reach_pitch + 1e-6, step),
            roll + np.arange(-reach_roll, reach_roll + 1e-6, step),
            indexing="ij",
        )
        pitches = np.clip(grid[0].ravel(), -MAX_PITCH_DEG, MAX_PITCH_DEG)
        rolls = np.clip(grid[1].ravel(), -MAX_ROLL_DEG, MAX_ROLL_DEG)
        scores = _scores(lines, camera, pitches, rolls)
        k = int(np.argmax(scores))
        best, pitch, roll, span = float(scores[k]), float(pitches[k]), float(rolls[k]), 1.5 * step
    return best, pitch, roll


def _estimate_fov(lines: np.ndarray, size: tuple[int, int]) -> Camera:
    """Return the camera on which the lines agree best, or the assumed one when all do about equally well."""
    cameras = [camera_from_fov(fov_deg, size, "vanishing lines") for fov_deg in FOV_CANDIDATES_DEG]
    scores = np.array([_best_angles(lines, camera)[0] for camera in cameras])
    k = int(np.argmax(scores))
    if scores[k] < FOV_MIN_SUPPORT or scores[k] < FOV_MIN_GAIN * max(scores[0], scores[-1]):
        return assume_camera(size)
    return cameras[k]
