import time

import numpy as np
import pytest
from blockout.inference.prediction import Camera
from blockout.reconstruct.frames import project, rays_through
from blockout.reconstruct.raster import FRAGMENTS_AT_ONCE, Raster, clip_near, rasterise, rasterise_solids
from hypothesis import given, settings
from hypothesis import strategies as st

CAMERA = Camera(fx=100, fy=110, cx=48.5, cy=33.0, height=64, width=96)


def make_rectangle(left: float, top: float, right: float, bottom: float, z: float) -> np.ndarray:
    a, b, c, d = (left, top, z), (right, top, z), (right, bottom, z), (left, bottom, z)
    return np.array([[a, b, c], [a, c, d]], float)


def make_cube(centre: tuple[float, float, float]) -> np.ndarray:
    corners = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5], indexing="ij")).reshape(3, 8).T + centre
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return np.array([corners[[q[0], q[i], q[i + 1]]] for q in quads for i in (1, 2)])


def pixel_centres() -> tuple[np.ndarray, np.ndarray]:
    return np.meshgrid(np.arange(CAMERA.width) + 0.5, np.arange(CAMERA.height) + 0.5)


def test_a_unit_cube_covers_the_pixels_that_projection_predicts() -> None:
    seen = rasterise(make_cube((0.2, -0.1, 4.0)), CAMERA)
    (left, top), (right, bottom) = project(np.array([[-0.3, -0.6, 3.5], [0.7, 0.4, 3.5]]), CAMERA)
    x, y = pixel_centres()
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)  # its front hides all its other sides
    assert inside.sum() > 700
    np.testing.assert_array_equal(seen.triangle >= 0, inside)
    np.testing.assert_allclose(seen.depth[inside], 3.5)
    assert np.isnan(seen.depth[~inside]).all()


def test_depth_on_a_slanted_plane_is_perspective_correct() -> None:
    plane = np.array([[-9, 1, 2], [9, 1, 2], [9, -3, 12.0], [-9, -3, 12.0]])
    seen = rasterise(plane[[[0, 1, 2], [0, 2, 3]]], CAMERA)
    rays = rays_through(np.stack(pixel_centres(), axis=-1), CAMERA)
    normal = np.cross(plane[1] - plane[0], plane[2] - plane[0])
    expected = (normal @ plane[0]) / (rays @ normal)
    hit = seen.triangle >= 0
    assert hit.sum() > 1000
    np.testing.assert_allclose(seen.depth[hit], expected[hit], rtol=1e-9)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_hides_the_farther_in_either_order(order: tuple[int, int]) -> None:
    sheets = [make_rectangle(-0.205, -0.205, 0.205, 0.205, 2.0), make_rectangle(-9, -9, 9, 9, 5.0)]
    seen = rasterise(np.concatenate([sheets[number] for number in order]), CAMERA)
    depth = np.round(seen.depth, 9)
    assert set(np.unique(depth)) == {2.0, 5.0}
    x, y = pixel_centres()
    middle = (np.abs(x - CAMERA.cx) < 10.25) & (np.abs(y - CAMERA.cy) < 11.275)
    np.testing.assert_array_equal(depth == 2.0, middle)
    np.testing.assert_array_equal(seen.triangle // 2 == order.index(0), middle)


def test_both_sides_of_a_triangle_are_seen() -> None:
    sheet = make_rectangle(-0.5, -0.5, 0.5, 0.5, 3.0)
    np.testing.assert_array_equal(rasterise(sheet, CAMERA).depth, rasterise(sheet[:, ::-1], CAMERA).depth)


def test_a_ground_that_reaches_behind_the_camera_fills_the_lower_half() -> None:
    ground = np.array([[-500, 1.5, -500], [500, 1.5, -500], [500, 1.5, 500], [-500, 1.5, 500.0]])
    seen = rasterise(ground[[[0, 1, 2], [0, 2, 3]]], CAMERA)
    _, y = pixel_centres()
    below = y > CAMERA.cy + 110 * 1.5 / 500
    np.testing.assert_array_equal(seen.triangle >= 0, below)
    np.testing.assert_allclose(seen.depth[below], 1.5 * 110 / (y[below] - CAMERA.cy))


def test_what_lies_behind_or_before_the_near_plane_is_not_seen() -> None:
    sheets = np.concatenate([make_rectangle(-1, -1, 1, 1, z) for z in (-2.0, 0.0, 0.4)])
    assert (rasterise(sheets, CAMERA, near=0.5).triangle == -1).all()
    assert (rasterise(np.zeros((0, 3, 3)), CAMERA).triangle == -1).all()


@given(st.lists(st.floats(-3, 3), min_size=9, max_size=9), st.floats(0.1, 1))
@settings(max_examples=100, deadline=None)
def test_clipping_keeps_what_lies_in_front_of_the_near_plane(numbers: list[float], near: float) -> None:
    triangle = np.array(numbers).reshape(1, 3, 3)
    clipped, source = clip_near(triangle, near)
    assert (source == 0).all()
    assert (clipped[..., 2] >= near).all()
    steps = np.linspace(0, 1, 41)
    a, b = (values.ravel() for values in np.meshgrid(steps, steps))
    b, a = b[a + b <= 1], a[a + b <= 1]
    weights = np.stack([a, b, 1 - a - b], axis=1)
    kept_share = ((weights @ triangle[0])[:, 2] >= near).mean()
    area = np.linalg.norm(np.cross(clipped[:, 1] - clipped[:, 0], clipped[:, 2] - clipped[:, 0]), axis=1).sum()
    whole = np.linalg.norm(np.cross(triangle[0, 1] - triangle[0, 0], triangle[0, 2] - triangle[0, 0]))
    assert area == pytest.approx(kept_share * whole, abs=0.08 * whole + 1e-9)


@given(st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_triangles_that_share_edges_leave_no_gap_and_no_overlap(seed: int) -> None:
    random = np.random.default_rng(seed)
    centre = np.append(random.uniform(-0.2, 0.2, 2), 2.0)
    angles = np.radians(np.arange(9) * 40 + random.uniform(0, 30, 9))
    rim = np.stack([9 * np.cos(angles), 9 * np.sin(angles), np.full(9, 2.0)], axis=1)
    fan = np.array([[centre, rim[i], rim[(i + 1) % 9]] for i in range(9)])
    counts = sum((rasterise(fan[i : i + 1], CAMERA).triangle >= 0).astype(int) for i in range(9))
    whole = rasterise(fan, CAMERA).triangle >= 0
    np.testing.assert_array_equal(counts, whole.astype(int))


def test_a_sliver_seen_edge_on_keeps_to_its_own_depths() -> None:
    sliver = np.array([[[0, -1, 2.0], [1e-7, 1, 2.0], [1e-7, 0, 8.0]]])
    for x in np.linspace(-1e-6, 1e-6, 21):
        depth = rasterise(sliver + np.array([x + 0.5 / CAMERA.fx, 0, 0]), CAMERA).depth
        assert np.all((depth[np.isfinite(depth)] >= 2.0 - 1e-9) & (depth[np.isfinite(depth)] <= 8.0 + 1e-9))


def make_shards(count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.uniform([-10, -6, 3], [10, 6, 40], (count, 1, 3)) + random.normal(0, 0.6, (count, 3, 3))


def rasterise_shards() -> Raster:
    return rasterise(make_shards(10_000), CAMERA.resized(400, 600))


def test_the_same_triangles_give_the_same_picture_whatever_the_size_of_a_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, again = rasterise_shards(), rasterise_shards()
    np.testing.assert_array_equal(first.triangle, again.triangle)
    monkeypatch.setattr("blockout.reconstruct.raster.FRAGMENTS_AT_ONCE", FRAGMENTS_AT_ONCE // 7)
    np.testing.assert_array_equal(first.depth, rasterise_shards().depth)


def test_ten_thousand_triangles_take_no_loop_over_pixels() -> None:
    rasterise_shards()
    start = time.process_time()
    rasterise_shards()
    assert time.process_time() - start < 3  # a quarter of a second alone; generous where others work too


def test_solids_that_are_looked_at_together_look_as_each_alone() -> None:
    solids = [make_cube((0.2, -0.1, 4.0)), make_cube((-0.5, 0.3, 5.0)), make_cube((0.8, 0.0, 0.4))]
    layer = np.repeat(np.arange(3), [len(solid) for solid in solids])
    together = rasterise_solids(np.concatenate(solids), layer, 3, CAMERA)
    for depth, solid in zip(together, solids, strict=True):
        np.testing.assert_allclose(depth, rasterise(solid, CAMERA).depth)
