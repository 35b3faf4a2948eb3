import numpy as np
import pytest
from blockout.inference.prediction import Kind
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.planes import Plane
from blockout.reconstruct.settings import Settings
from blockout.reconstruct.thickness import LEAST_SHARE, MOST_SHARE, Usual, estimate_thickness, find_uncertainty
from rooms import FLOOR, WALL, Box, look, photograph

PLANE = Plane(np.array([0.1, 0.05, 0.25]), 0.0)  # about 3.7 m away
SIDE_M = 1.0


def make_slab(thickness_m: float, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Return rays and depths of points spread evenly through a slab behind the plane."""
    random = np.random.default_rng(1)
    rays = np.column_stack([random.uniform(-0.2, 0.2, (count, 2)), np.ones(count)])
    behind = random.uniform(0, thickness_m, count)
    return rays, (1 + behind / PLANE.distance) / (rays @ PLANE.w)


@pytest.mark.parametrize("thickness_m", [0.6, 0.8])
def test_a_slab_s_depth_spread_is_its_thickness(thickness_m: float) -> None:
    found, source = estimate_thickness(PLANE, *make_slab(thickness_m), SIDE_M, "object")
    assert found == pytest.approx(thickness_m, rel=0.15)
    assert source == "depth spread"


def test_what_leaks_in_at_silhouettes_does_not_count() -> None:
    rays, z = make_slab(0.3)
    leaked = np.random.default_rng(2).random(len(z)) < 0.12
    clean, _ = estimate_thickness(PLANE, rays, z, 0.4, "object")
    for share in (1.12, 1.2, 3.0, 0.4):  # within and beyond what may belong to the thing, and before it
        found, source = estimate_thickness(PLANE, rays, np.where(leaked, z * share, z), 0.4, "object")
        assert found == pytest.approx(clean, rel=0.3)
        assert source == "depth spread"


@pytest.mark.parametrize("kind", ["object", "structure", "ground"])
def test_a_flat_face_gets_the_stated_share_of_its_smaller_side(kind: Kind) -> None:
    found, source = estimate_thickness(PLANE, *make_slab(0.0), SIDE_M, kind)
    assert found == pytest.approx(LEAST_SHARE[kind] * SIDE_M)
    assert source == f"prior: {LEAST_SHARE[kind]:g} of the smaller side"


@pytest.mark.parametrize("kind", ["object", "structure", "ground"])
@pytest.mark.parametrize("spread_m", [0.0, 0.05, 0.5, 1.5])
def test_no_prism_is_thinner_or_thicker_than_its_shares(kind: Kind, spread_m: float) -> None:
    found, _ = estimate_thickness(PLANE, *make_slab(spread_m), SIDE_M, kind)
    assert LEAST_SHARE[kind] * SIDE_M - 1e-12 <= found <= MOST_SHARE[kind] * SIDE_M + 1e-12


def test_the_ground_is_a_slab_whatever_its_spread() -> None:
    assert estimate_thickness(PLANE, *make_slab(0.8), SIDE_M, "ground")[0] == pytest.approx(0.02)


@pytest.mark.parametrize("count", [0, 1, 11])
def test_a_few_samples_are_no_spread(count: int) -> None:
    rays, z = make_slab(0.8)
    found, source = estimate_thickness(PLANE, rays[:count], z[:count], SIDE_M, "object")
    assert found == pytest.approx(0.5)
    assert source.startswith("prior")


def test_thickness_grows_with_the_scene() -> None:
    rays, z = make_slab(0.8)
    one, _ = estimate_thickness(PLANE, rays, z, SIDE_M, "object")
    hundred, source = estimate_thickness(Plane(PLANE.w / 100, 0.0), rays, 100 * z, 100 * SIDE_M, "object")
    assert hundred == pytest.approx(100 * one)
    assert source == "depth spread"


def test_every_source_of_thickness_tells_how_sure_it_is() -> None:
    room = photograph([FLOOR, WALL, Box("crate", (-0.5, 0, -3.4), (0.3, 0.8, -2.8), turn_deg=20)], look(1.8, -15))
    for shapes in ("auto", "prism"):
        for prism in reconstruct(room.prediction, Settings(shapes=shapes)).solids():
            uncertainty = find_uncertainty(prism.thickness_source)
            assert uncertainty is not None, prism.thickness_source
            assert 0 < uncertainty <= 0.5


def test_what_is_seen_is_trusted_more_than_what_is_usual() -> None:
    sources = ["seen: its curvature", "prior: usual for a car", "prior: 0.5 of the smaller side"]
    values = [find_uncertainty(source) for source in sources]
    assert values == sorted(values, key=lambda value: value or np.inf)
    assert find_uncertainty("as a user said") is None


def test_a_known_name_tells_the_thickness_where_depth_shows_none() -> None:
    plane = Plane(np.array([0.0, 0.0, 0.25]), 0.0)
    rays = np.tile([0.0, 0.0, 1.0], (50, 1))
    found = estimate_thickness(plane, rays, np.full(50, 4.0), 1.2, "structure", Usual("door", 0.08))
    assert found == (0.08, "prior: usual for a door")
    sheet = estimate_thickness(plane, rays, np.full(50, 4.0), 1.2, "object", Usual("mirror", 0.001))
    assert sheet[0] == pytest.approx(0.02 * 1.2)  # never a sheet
    most = estimate_thickness(plane, rays, np.full(50, 4.0), 0.2, "structure", Usual("house", 9.0))
    assert most[0] == pytest.approx(0.1)  # what is so narrow in the photo is no whole house


def test_the_spread_of_a_depth_map_s_own_error_is_no_thickness() -> None:
    random = np.random.default_rng(5)
    rays = np.column_stack([random.uniform(-0.2, 0.2, (2000, 2)), np.ones(2000)])
    z = (1 + random.normal(0, 0.06, 2000)) / (rays @ PLANE.w)
    _, blind = estimate_thickness(PLANE, rays, z, SIDE_M, "object")
    found, source = estimate_thickness(PLANE, rays, z, SIDE_M, "object", depth_error=0.06 * 0.8)
    assert blind == "depth spread"
    assert source.startswith("prior:")
    assert found == pytest.approx(LEAST_SHARE["object"])
