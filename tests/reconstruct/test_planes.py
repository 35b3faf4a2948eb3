import numpy as np
import pytest
from blockout.reconstruct.planes import ERROR_CAP, Plane, fit_plane, limit_tilt, mean_error, straighten_up
from hypothesis import given, settings
from hypothesis import strategies as st


def make_samples(w: np.ndarray, seed: int = 0, count: int = 400, spread: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Return rays and the exact depths at which they meet the plane w . P = 1."""
    random = np.random.default_rng(seed)
    rays = np.column_stack([random.uniform(-spread, spread, (count, 2)), np.ones(count)])
    return rays, 1 / (rays @ w)


def plane_through(point: tuple[float, float, float], normal: tuple[float, float, float]) -> np.ndarray:
    return np.array(normal) / np.dot(normal, point)


FLOOR = plane_through((0, 1.6, 0), (0, 1, 0.2))
WALL = plane_through((0, 0, 4), (0.5, 0.1, 1))
FRONTAL = plane_through((0, 0, 3), (0, 0, 1))


def floor_samples() -> tuple[np.ndarray, np.ndarray]:
    rays = make_samples(FRONTAL)[0] + (0, 0.5, 0)
    return rays, 1 / (rays @ FLOOR)


def test_a_plane_knows_its_distance_normal_and_depth() -> None:
    plane = Plane(plane_through((0, 0, 5), (0, 0.6, 0.8)), 0.0)
    assert plane.distance == pytest.approx(4)
    np.testing.assert_allclose(plane.normal, [0, -0.6, -0.8])
    rays = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    np.testing.assert_allclose(plane.depth_at(rays), [5, 4 / 1.4])
    np.testing.assert_allclose(plane.errors(rays, np.array([5.5, 4 / 1.4])), [0.1, 0], atol=1e-12)


@pytest.mark.parametrize("w", [WALL, FRONTAL], ids=["slanted", "frontal"])
def test_an_exact_plane_is_found_again(w: np.ndarray) -> None:
    rays, z = make_samples(w)
    plane = fit_plane(rays, z)
    np.testing.assert_allclose(plane.depth_at(rays), z, rtol=1e-6)
    np.testing.assert_allclose(plane.w, w, rtol=1e-6, atol=1e-6)
    assert plane.residual < 1e-6


def test_a_floor_is_found_again() -> None:
    rays, z = floor_samples()
    np.testing.assert_allclose(fit_plane(rays, z).depth_at(rays), z, rtol=1e-6)


@given(
    st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
    st.floats(0.01, 1000),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_exact_plane_is_found_among_outliers(tilt: tuple[float, float], distance: float, seed: int) -> None:
    w = np.array([*tilt, 1.0]) / distance
    rays, z = make_samples(w, seed)
    random = np.random.default_rng(seed + 1)
    wrong = random.random(len(z)) < 0.3
    z_seen = np.where(wrong, z * random.choice([0.3, 0.6, 1.8, 3.0], len(z)), z)
    np.testing.assert_allclose(fit_plane(rays, z_seen).depth_at(rays), z, rtol=1e-6)


def test_outliers_that_agree_with_each_other_do_not_win() -> None:
    rays, z = make_samples(WALL)
    behind = np.arange(len(z)) % 10 < 3
    plane = fit_plane(rays, np.where(behind, 9.0, z))
    np.testing.assert_allclose(plane.depth_at(rays), z, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_a_steep_floor_is_told_from_the_wall_that_shows_behind_it(seed: int) -> None:
    rays, z = floor_samples()
    wall = np.random.default_rng(seed).random(len(z)) < 0.4
    plane = fit_plane(rays, np.where(wall, 1.3, z))
    np.testing.assert_allclose(plane.depth_at(rays), z, rtol=1e-6)


def test_noise_is_averaged() -> None:
    rays, z = make_samples(WALL)
    noise = np.random.default_rng(3).normal(0, 0.01, len(z))
    plane = fit_plane(rays, z * (1 + noise))
    np.testing.assert_allclose(plane.depth_at(rays), z, rtol=0.004)
    assert plane.residual == pytest.approx(0.008, rel=0.2)


@pytest.mark.parametrize("factor", [1e-3, 100.0, 1e5])
def test_the_unit_of_depth_does_not_matter(factor: float) -> None:
    rays, z = make_samples(WALL)
    z = z * (1 + np.random.default_rng(3).normal(0, 0.02, len(z)))
    one, other = fit_plane(rays, z), fit_plane(rays, z * factor)
    np.testing.assert_allclose(other.w * factor, one.w, rtol=1e-6)
    assert other.residual == pytest.approx(one.residual, rel=1e-6)


def test_one_sample_gives_a_plane_square_to_the_camera() -> None:
    plane = fit_plane(np.array([[0.3, -0.2, 1.0]]), np.array([2.5]))
    np.testing.assert_allclose(plane.w, [0, 0, 0.4])
    assert plane.residual == 0


def test_constant_depth_gives_a_plane_square_to_the_camera() -> None:
    rays, _ = make_samples(FRONTAL)
    np.testing.assert_allclose(fit_plane(rays, np.full(len(rays), 7.0)).w, [0, 0, 1 / 7], atol=1e-9)


@pytest.mark.parametrize("along", [(1.0, 0.0), (0.0, 1.0), (0.6, 0.8)])
def test_samples_on_one_line_do_not_tilt_the_plane_across_it(along: tuple[float, float]) -> None:
    rays = np.column_stack([np.linspace(-0.3, 0.3, 50)[:, None] * along, np.ones(50)])
    w = np.array([0.1 * along[0], 0.1 * along[1], 0.5])
    plane = fit_plane(rays, 1 / (rays @ w))
    np.testing.assert_allclose(plane.depth_at(rays), 1 / (rays @ w), rtol=1e-4)
    across = np.array([-along[1], along[0]])
    assert abs(plane.w[:2] @ across) < 0.01 * plane.w[2]


def test_samples_at_one_place_give_a_plane_there() -> None:
    plane = fit_plane(np.tile([0.1, 0.2, 1.0], (20, 1)), np.full(20, 4.0))
    np.testing.assert_allclose(plane.depth_at(np.array([[0.1, 0.2, 1.0]])), [4.0], rtol=1e-6)
    np.testing.assert_allclose(plane.w[:2], 0, atol=1e-3)


def test_the_residual_is_the_mean_error_with_a_cap() -> None:
    assert mean_error(np.array([0.1, -0.1, 5.0, 0.0])) == pytest.approx((0.2 + ERROR_CAP) / 4)


@given(
    st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    st.floats(0.05, 1),
    st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_plane_stays_before_the_camera_all_over_an_outline(
    tilt: tuple[float, float], reach: float, seed: int
) -> None:
    rays, _ = make_samples(FRONTAL, seed, 60, 0.05)
    inverse = rays @ [*tilt, 1.0]
    rays, z = rays[inverse > 0.1], 1 / inverse[inverse > 0.1]
    outline_rays, _ = make_samples(FRONTAL, seed + 1, 40, reach)
    w = limit_tilt(np.array([*tilt, 1.0]), rays, z, outline_rays)
    depth = 1 / (outline_rays @ w)
    assert (depth > 0.4 * z.min()).all()
    assert (depth < 4 * z.max()).all()


def test_a_plane_that_keeps_the_range_is_not_turned() -> None:
    rays, z = make_samples(WALL)
    np.testing.assert_array_equal(limit_tilt(WALL, rays, z, rays), WALL)


def test_the_same_samples_give_the_same_plane() -> None:
    rays, z = make_samples(WALL)
    z = z * (1 + np.random.default_rng(9).normal(0, 0.1, len(z)))
    assert fit_plane(rays, z).w.tobytes() == fit_plane(rays, z).w.tobytes()


UP = np.array([0.0, -1.0, 0.0])


def square(half: float) -> np.ndarray:
    """Return rays of a square's corners about the middle of the view."""
    return np.array([[x, y, 1.0] for x in (-half, half) for y in (-half, half)])


def upright_share(half: float, depth_error: float) -> float:
    """Return how much of a leaning face's tilt is taken back."""
    turned = straighten_up(WALL, square(half), UP, depth_error)
    return 1 - turned[0] / WALL[0]


def test_depth_that_errs_leaves_small_faces_upright_and_large_ones_as_they_are() -> None:
    assert upright_share(0.02, 0.03) > 0.8
    assert upright_share(0.5, 0.03) < 0.05
    assert upright_share(0.02, 1e-5) < 1e-4
    assert upright_share(0.05, 0.01) < upright_share(0.05, 0.03) < upright_share(0.02, 0.03)


def test_straightening_keeps_the_depth_in_the_middle() -> None:
    turned = straighten_up(WALL, square(0.03) + np.array([0.2, -0.1, 0]), UP, 0.04)
    middle = np.array([0.2, -0.1, 1.0])
    assert middle @ turned == pytest.approx(middle @ WALL)


def test_what_is_seen_from_right_above_keeps_its_tilt() -> None:
    below = np.array([0.0, 0.0, -1.0])  # the camera looks down: up is towards it
    np.testing.assert_array_equal(straighten_up(WALL, square(0.05), below, 0.05), WALL)
