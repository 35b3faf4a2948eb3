"""Gravity and field of view of drawn rooms whose camera is known."""

import cv2
import numpy as np
import pytest
from blockout.inference.camera import camera_from_fov
from blockout.inference.prediction import Camera
from blockout.inference.vanishing import detect_lines, down_from_angles, estimate_view, refine_gravity
from blockout.reconstruct.frames import project, rays_through, world_from_camera

SIZE = (480, 640)


def draw_room(camera: Camera, down_cam: np.ndarray, yaw_deg: float) -> np.ndarray:
    """Return (H, W, 3) uint8: a chequered room seen from inside, 1.6 m over its floor, drawn by casting rays."""
    fine = camera.resized(2 * camera.height, 2 * camera.width)
    row, column = np.mgrid[: fine.height, : fine.width] + 0.5
    rays = rays_through(np.stack([column, row], axis=-1), fine) @ world_from_camera(down_cam, 1.6)[:3, :3].T
    cosine, sine = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    rays = rays @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]).T
    eye, low, high = np.array([0, 1.6, 0]), np.array([-2.5, 0, -6]), np.array([3.0, 2.8, 2])
    reach = np.where(rays > 0, high - eye, low - eye) / rays
    wall = reach.argmin(axis=-1)
    points = eye + rays * reach.min(axis=-1, keepdims=True)
    chequer = np.floor(points / 0.7).sum(axis=-1) - np.floor(
        np.take_along_axis(points, wall[..., None], -1)[..., 0] / 0.7
    )
    grey = np.array([170, 120, 215])[wall] * np.where(chequer % 2 == 0, 1, 0.65)
    grey = cv2.resize(grey.astype(np.uint8), (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return np.repeat(grey[..., None], 3, axis=2)


def angles(down_cam: np.ndarray) -> tuple[float, float]:
    """Return pitch and roll in degrees."""
    pitch, roll = np.arcsin(-down_cam[2]), np.arctan2(down_cam[0], down_cam[1])
    return float(np.degrees(pitch)), float(np.degrees(roll))


@pytest.mark.parametrize(
    ("fov_deg", "pitch_deg", "roll_deg", "yaw_deg"),
    [(60, 0, 0, 20), (60, -20, 3, 30), (50, 8, -4, 35), (75, -12, 0, 45), (40, -5, 2, 30), (90, -15, 0, 30)],
)
def test_pitch_and_roll_of_a_room_come_out_within_a_degree(
    fov_deg: float, pitch_deg: float, roll_deg: float, yaw_deg: float
) -> None:
    camera = camera_from_fov(fov_deg, SIZE)
    view = estimate_view(draw_room(camera, down_from_angles(pitch_deg, roll_deg), yaw_deg), camera)
    assert view.camera is camera
    assert angles(view.down_cam) == pytest.approx((pitch_deg, roll_deg), abs=1)


@pytest.mark.parametrize(
    ("fov_deg", "pitch_deg", "roll_deg", "yaw_deg"), [(60, -20, 3, 30), (50, 8, -4, 35), (75, -12, 0, 45)]
)
def test_the_field_of_view_comes_from_lines_where_they_allow_it(
    fov_deg: float, pitch_deg: float, roll_deg: float, yaw_deg: float
) -> None:
    rgb = draw_room(camera_from_fov(fov_deg, SIZE), down_from_angles(pitch_deg, roll_deg), yaw_deg)
    view = estimate_view(rgb, None)
    assert view.camera.source == "vanishing lines"
    assert view.camera.fov_deg == pytest.approx(fov_deg, abs=5)
    assert angles(view.down_cam) == pytest.approx((pitch_deg, roll_deg), abs=1.5)


def test_a_picture_without_lines_is_taken_as_level_with_the_assumed_field_of_view() -> None:
    view = estimate_view(np.full((*SIZE, 3), 90, np.uint8), None)
    assert view.camera.source == "assumed 55 degrees"
    assert view.camera.fov_deg == pytest.approx(55)
    assert view.down_cam == pytest.approx([0, 1, 0])


def test_a_facade_seen_level_leaves_the_field_of_view_to_the_assumption() -> None:
    rgb = np.full((*SIZE, 3), 200, np.uint8)
    for left in range(60, 600, 90):
        for top in range(40, 440, 100):
            cv2.rectangle(rgb, (left, top), (left + 45, top + 60), (40, 50, 60), -1)
    view = estimate_view(rgb, None)
    assert view.camera.source == "assumed 55 degrees"
    assert angles(view.down_cam) == pytest.approx((0, 0), abs=0.5)


def test_noise_has_no_gravity_of_its_own() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    assert estimate_view(rgb, None).down_cam == pytest.approx([0, 1, 0])


@pytest.mark.parametrize(("off_pitch", "off_roll"), [(2.5, 0.0), (-1.5, 2.0), (0.0, -3.0)])
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(-20, 3), (4, -2)])
def test_gravity_that_is_roughly_known_becomes_exact(
    pitch_deg: float, roll_deg: float, off_pitch: float, off_roll: float
) -> None:
    camera = camera_from_fov(60, SIZE)
    lines = detect_lines(draw_room(camera, down_from_angles(pitch_deg, roll_deg), 25))
    found = refine_gravity(lines, camera, down_from_angles(pitch_deg + off_pitch, roll_deg + off_roll), 1.5)
    assert found is not None
    assert angles(found) == pytest.approx((pitch_deg, roll_deg), abs=0.6)


def test_gravity_stays_within_what_is_likely() -> None:
    camera, sigma_deg = camera_from_fov(60, SIZE), 0.5
    lines = detect_lines(draw_room(camera, down_from_angles(-20, 3), 25))
    found = refine_gravity(lines, camera, down_from_angles(-10, 3), sigma_deg)
    assert found is None or np.abs(np.subtract(angles(found), (-10, 3))).max() <= 3 * sigma_deg + 1e-6


def test_without_lines_gravity_is_not_refined() -> None:
    camera = camera_from_fov(60, SIZE)
    assert refine_gravity(np.zeros((0, 4)), camera, down_from_angles(-5, 0), 1.0) is None


def test_lines_are_measured_from_the_corner_of_the_first_pixel() -> None:
    rgb = np.zeros((200, 300, 3), np.uint8)
    rgb[:, 120:] = 255
    lines = detect_lines(rgb)
    assert lines[:, [0, 2]] == pytest.approx(120, abs=0.6)


def test_down_from_angles_looks_up_for_a_positive_pitch() -> None:
    camera = camera_from_fov(60, SIZE)
    up = -down_from_angles(30.0, 0.0)
    assert project(up, camera)[1] < 0  # the zenith is over the picture, in front of the camera
    assert up[2] > 0
