import numpy as np
import pytest
from blockout.reconstruct.frames import project, transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.shapes import (
    Shape,
    make_box,
    make_lathe,
    make_profile,
    make_revolution,
    to_prism,
    upright_axes,
)
from casts import check_solid, to_trimesh
from hypothesis import given
from hypothesis import strategies as st
from rooms import look, make_camera

CAMERA, POSE = make_camera(), look()
GABLE = np.array([[-1, 0], [1, 0], [1, 2], [0, 3], [-1, 2]], np.float64)


def volume_of(shape: Shape) -> float:
    return float(to_trimesh(to_prism(shape, "object", CAMERA, POSE)).volume)


def bounds_of(shape: Shape) -> np.ndarray:
    points = mesh_of(to_prism(shape, "object", CAMERA, POSE)).points
    return np.array([points.min(0), points.max(0)])


def test_upright_axes_are_a_turn_about_the_vertical() -> None:
    axes = upright_axes(np.array([3.0, 7.0, 4.0]))
    assert axes.T @ axes == pytest.approx(np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)
    assert axes[:, 1] == pytest.approx([0, 1, 0])
    assert axes[:, 2] == pytest.approx([0.6, 0, 0.8])


def test_a_box_has_the_corners_that_were_asked_for() -> None:
    box = make_box(np.eye(3), np.array([-1, 0, -5.0]), np.array([1, 2, -4.0]), "known")
    assert bounds_of(box) == pytest.approx(np.array([[-1, 0, -5], [1, 2, -4]]))
    assert volume_of(box) == pytest.approx(4)
    assert box.thickness == pytest.approx(1)
    assert box.kind == "box"


def test_a_turned_box_turns_about_the_vertical() -> None:
    axes = upright_axes(np.array([1.0, 0.0, 1.0]))
    low, high = np.array([-1, 0, 3.0]), np.array([1, 2, 4.0])
    points = mesh_of(to_prism(make_box(axes, low, high, "known"), "object", CAMERA, POSE)).points @ axes
    assert points.min(0) == pytest.approx(low)
    assert points.max(0) == pytest.approx(high)


def test_a_gable_is_pulled_back_level() -> None:
    house = make_profile(np.eye(3), GABLE, -9.0, -5.0, "known")
    assert volume_of(house) == pytest.approx(20)
    assert bounds_of(house) == pytest.approx(np.array([[-1, 0, -9], [1, 3, -5]]))


@pytest.mark.parametrize(("radii", "kind"), [((0.5, 0.5), "cylinder"), ((0.5, 0.2), "cone"), ((0.2, 0.5), "cone")])
def test_a_revolution_stands_between_its_ends(radii: tuple[float, float], kind: str) -> None:
    shape = make_revolution(np.array([1.0, -4.0]), 0.5, 2.0, radii, "known")
    low, high = bounds_of(shape)
    assert (low[1], high[1]) == pytest.approx((0.5, 2.0))
    assert (low + high)[[0, 2]] / 2 == pytest.approx([1, -4])
    points = mesh_of(to_prism(shape, "object", CAMERA, POSE)).points
    widths = [np.ptp(points[np.isclose(points[:, 1], y), 0]) / 2 for y in (0.5, 2.0)]
    assert widths == pytest.approx(radii, rel=0.02)
    frustum = np.pi * 1.5 / 3 * (radii[0] ** 2 + radii[0] * radii[1] + radii[1] ** 2)
    assert volume_of(shape) == pytest.approx(frustum, rel=0.01)
    assert shape.kind == kind
    assert shape.taper <= 1


def test_a_cone_ends_in_a_tip_that_is_still_a_face() -> None:
    shape = make_revolution(np.array([0.0, -4.0]), 0.0, 1.0, (0.5, 0.0), "known")
    assert 0 < shape.taper <= 0.02
    check_solid(to_prism(shape, "object", CAMERA, POSE))


@pytest.mark.parametrize("flatness", [1.0, 0.5])
def test_a_lathe_follows_its_radii(flatness: float) -> None:
    heights, radii = np.array([0, 0.5, 1.2, 1.5]), np.array([0.2, 0.6, 0.3, 0.1])
    centres = np.tile([0.5, -3.0], (4, 1))
    shape = make_lathe(centres, heights, radii, flatness, np.array([1.0, 0.0]), "known")
    low, high = bounds_of(shape)
    assert (low[1], high[1]) == pytest.approx((0, 1.5))
    assert high[0] - low[0] == pytest.approx(1.2, rel=0.02)
    assert high[2] - low[2] == pytest.approx(1.2 * flatness, rel=0.02)
    points = mesh_of(to_prism(shape, "object", CAMERA, POSE)).points
    widths = [np.ptp(points[np.isclose(points[:, 1], y), 0]) / 2 for y in heights]
    assert widths == pytest.approx(radii, rel=0.02)
    assert shape.thickness == pytest.approx(1.2 * flatness)


def test_the_outline_is_told_in_the_photo_too() -> None:
    shape = make_profile(np.eye(3), GABLE, -9.0, -5.0, "known")
    prism = to_prism(shape, "object", CAMERA, POSE)
    front_cam = transform(np.linalg.inv(POSE), mesh_of(prism).points[: len(GABLE)])
    assert prism.outline_px == pytest.approx(project(front_cam, CAMERA))
    assert prism.shape == "profile"


@given(
    st.tuples(*[st.floats(0.05, 5)] * 3),
    st.floats(-3, 3),
    st.lists(st.floats(0.02, 2), min_size=2, max_size=8),
    st.floats(0.3, 1),
)
def test_whatever_the_sizes_shapes_are_closed_solids(
    size: tuple[float, float, float], turn: float, radii: list[float], flatness: float
) -> None:
    axes = upright_axes(np.array([np.sin(turn), 0, np.cos(turn)]))
    far = -20 * axes[2]  # along the axes, of a point before the camera
    heights = np.linspace(0, size[1], len(radii))
    centres = np.column_stack([np.linspace(0, size[0], len(radii)), np.full(len(radii), -4.0)])
    shapes = (
        make_box(axes, far, far + size, "known"),
        make_profile(axes, GABLE * size[:2], far[2] - size[2], far[2], "known"),
        make_revolution(np.array([0.0, -4.0]), 0.0, size[1], (radii[0], radii[-1]), "known"),
        make_lathe(centres, heights, np.array(radii), flatness, axes[[0, 2], 0], "known"),
    )
    for shape in shapes:
        check_solid(to_prism(shape, "object", CAMERA, POSE))
