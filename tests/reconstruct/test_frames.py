import numpy as np
import pytest
from blockout.inference.prediction import Camera
from blockout.reconstruct.frames import (
    USD_CAMERA_FROM_CV,
    blender_from_stage,
    carry_pose,
    factor_of,
    lens_mm,
    linear_from_srgb,
    project,
    rays_through,
    srgb_from_linear,
    stage_from_world,
    transform,
    world_from_camera,
)
from rooms import cast_rays, look

CAMERA = Camera(400.0, 420.0, 330.0, 230.0, 480, 640)


def test_the_principal_point_looks_straight_ahead() -> None:
    np.testing.assert_array_equal(rays_through(np.array([330.0, 230.0]), CAMERA), [0, 0, 1])


def test_a_ray_to_the_right_and_below_has_positive_x_and_y() -> None:
    np.testing.assert_allclose(rays_through(np.array([[730.0, 650.0]]), CAMERA), [[1, 1, 1]])


def test_rays_through_pixel_centres_agree_with_a_ray_caster_s() -> None:
    row, column = np.mgrid[:480, :640]
    rays = rays_through(np.stack([column, row], axis=-1) + 0.5, CAMERA)
    np.testing.assert_allclose(rays, cast_rays(CAMERA), atol=1e-12)


def test_project_undoes_rays_at_any_depth() -> None:
    random = np.random.default_rng(1)
    points_px, z = random.uniform(-100, 900, (50, 2)), random.uniform(0.1, 1000, (50, 1))
    np.testing.assert_allclose(project(rays_through(points_px, CAMERA) * z, CAMERA), points_px, rtol=1e-12, atol=1e-9)


def test_a_resized_camera_sees_points_at_the_same_share_of_the_picture() -> None:
    points_cam = np.array([[0.3, -0.2, 2.0], [-1.0, 1.0, 5.0]])
    smaller = project(points_cam, CAMERA.resized(120, 320))
    np.testing.assert_allclose(smaller, project(points_cam, CAMERA) * [0.5, 0.25])


def test_transform_turns_then_moves() -> None:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]], [10, 20, 30]
    np.testing.assert_array_equal(transform(matrix, np.array([[1, 2, 3], [0, 0, 0]])), [[8, 21, 33], [10, 20, 30]])


@pytest.mark.parametrize("pitch_deg", [-80, -30, 0, 20, 85])
@pytest.mark.parametrize("roll_deg", [-40, 0, 7, 90, 180])
def test_the_pose_is_the_one_that_the_camera_was_held_with(pitch_deg: float, roll_deg: float) -> None:
    truth = look(1.7, pitch_deg, roll_deg)
    np.testing.assert_allclose(world_from_camera(-truth[1, :3], 1.7), truth, atol=1e-12)


@pytest.mark.parametrize("down", [(0, 0, 1), (0, 0, -1), (1e-9, -1e-9, 1), (0, 2, 0), (0.1, 0.7, -0.7)])
def test_the_pose_is_rigid_and_has_gravity_down_however_the_camera_is_held(down: tuple[float, float, float]) -> None:
    pose = world_from_camera(np.array(down), 2.5)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(pose[:3, :3] @ down / np.linalg.norm(down), [0, -1, 0], atol=1e-12)
    np.testing.assert_array_equal(pose[:, 3], [0, 2.5, 0, 1])
    np.testing.assert_array_equal(pose[3], [0, 0, 0, 1])


def test_straight_down_the_picture_s_top_is_ahead() -> None:
    pose = world_from_camera(np.array([0.0, 0.0, 1.0]), 1.0)
    np.testing.assert_allclose(pose[:3, :3] @ [0, -1, 0], [0, 0, -1], atol=1e-12)


def test_straight_up_the_picture_s_bottom_is_ahead() -> None:
    pose = world_from_camera(np.array([0.0, 0.0, -1.0]), 1.0)
    np.testing.assert_allclose(pose[:3, :3] @ [0, 1, 0], [0, 0, -1], atol=1e-12)


@pytest.mark.parametrize(("units", "per_metre"), [("cm", 100), ("m", 1)])
def test_the_stage_s_units_and_up_axis(units: str, per_metre: float) -> None:
    point = np.array([[1.0, 2.0, -3.0]])
    np.testing.assert_allclose(
        transform(stage_from_world(units, "Y"), point), [[per_metre, 2 * per_metre, -3 * per_metre]]
    )
    np.testing.assert_allclose(
        transform(stage_from_world(units, "Z"), point), [[per_metre, 3 * per_metre, 2 * per_metre]]
    )


@pytest.mark.parametrize("up", ["Y", "Z"])
@pytest.mark.parametrize("units", ["cm", "m"])
def test_blender_sees_the_same_world_in_every_stage(units: str, up: str) -> None:
    blender_from_world = blender_from_stage({"cm": 0.01, "m": 1.0}[units], up) @ stage_from_world(units, up)
    np.testing.assert_allclose(transform(blender_from_world, np.array([1.0, 2.0, 3.0])), [1, -3, 2])


def test_a_carried_pose_moves_with_the_unit_and_stays_rigid() -> None:
    similarity = stage_from_world("cm", "Z")
    assert factor_of(similarity) == 100
    pose = world_from_camera(np.array([0.1, 0.9, 0.3]), 1.6)
    carried = carry_pose(similarity, pose)
    np.testing.assert_allclose(carried[:3, :3] @ carried[:3, :3].T, np.eye(3), atol=1e-12)
    ahead = pose @ [0, 0, 2, 1]
    np.testing.assert_allclose((carried @ [0, 0, 200, 1])[:3], transform(similarity, ahead[:3]))


def test_a_usd_camera_sees_the_picture_s_top_along_its_y_and_looks_along_minus_z() -> None:
    np.testing.assert_array_equal(transform(USD_CAMERA_FROM_CV, np.array([[1.0, 2.0, 3.0]])), [[1, -2, -3]])


def test_the_lens_projects_as_the_camera_does() -> None:
    lens = lens_mm(CAMERA)
    point = np.array([0.4, -0.3, 2.0])
    # A film gate in millimetres, centred on the offsets: USD's camera model.
    right = (lens["focal_length"] * point[0] / point[2] - lens["horizontal_aperture_offset"]) / lens[
        "horizontal_aperture"
    ]
    up = (-lens["focal_length"] * point[1] / point[2] - lens["vertical_aperture_offset"]) / lens["vertical_aperture"]
    seen_px = [(0.5 + right) * CAMERA.width, (0.5 - up) * CAMERA.height]
    np.testing.assert_allclose(seen_px, project(point, CAMERA), atol=1e-9)
    assert lens["horizontal_aperture"] == 36


def test_srgb_and_linear_light_undo_each_other() -> None:
    srgb = np.linspace(0, 1, 256)
    linear = linear_from_srgb(srgb)
    np.testing.assert_allclose(srgb_from_linear(linear), srgb, atol=1e-9)
    assert (np.diff(linear) > 0).all()
    np.testing.assert_allclose(linear_from_srgb(np.array([0, 0.5, 1])), [0, 0.21404114, 1], atol=1e-8)


def test_light_beyond_white_is_clipped() -> None:
    np.testing.assert_allclose(srgb_from_linear(np.array([-0.1, 1.7])), [0, 1], atol=1e-12)
