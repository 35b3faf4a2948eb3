"""Open sky: where a picture has it, which pieces it is made of, and that no horizon lies above it."""

import numpy as np
import pytest
from blockout.inference.layout import elevation_of, measure_regions
from blockout.inference.open_sky import bring_under_sky, find_open_sky, is_open, may_be_open
from blockout.inference.prediction import Camera
from blockout.inference.vanishing import down_from_angles

CAMERA = Camera(160.0, 160.0, 100.0, 75.0, 150, 200)
LEVEL = np.array([0.0, 1.0, 0.0])


def draw(*areas: tuple[slice, slice, float]) -> np.ndarray:
    """Return (75, 100) float32 chances: so much in each area, nothing elsewhere."""
    chance = np.zeros((75, 100), np.float32)
    for rows, columns, value in areas:
        chance[rows, columns] = value
    return chance


UPPER, ALL = slice(0, 30), slice(0, 100)
SKY = draw((slice(0, 40), ALL, 1)) > 0


@pytest.mark.parametrize(
    ("chance", "opens"),
    [
        (draw((UPPER, ALL, 0.4)), True),
        (draw((UPPER, slice(0, 80), 0.4)), True),
        (draw((UPPER, slice(0, 60), 0.9)), False),  # a white wall beside a window
        (draw((slice(0, 8), ALL, 0.9)), False),  # a strip of ceiling
        (draw((slice(30, 70), ALL, 0.9)), False),  # water
        (draw((UPPER, ALL, 0.2)), False),
    ],
)
def test_open_sky_is_much_of_a_picture_and_along_its_top(chance: np.ndarray, opens: bool) -> None:
    assert is_open(chance) is opens


def test_a_second_look_is_not_worth_it_where_hardly_anything_may_be_sky() -> None:
    assert may_be_open(draw((slice(0, 8), ALL, 0.9)))
    assert not may_be_open(draw((slice(0, 4), ALL, 0.9)))


def draw_pieces() -> tuple[np.ndarray, np.ndarray]:
    """Return a picture and its pieces: two of sky, a rough tower in it, a lake below that mirrors it, and land."""
    ids = np.full((150, 200), 5, np.int32)
    ids[:60], ids[:60, 100:] = 1, 2
    ids[20:60, 90:110] = 3
    ids[100:130, 40:160] = 4
    rgb = np.array([[0, 0, 0], [90, 110, 150], [110, 120, 150], [90, 90, 90], [90, 110, 150], [60, 80, 40]])[ids]
    rough = np.random.default_rng(4).integers(-60, 60, (*ids.shape, 1))
    return np.clip(np.where((ids == 3)[..., None], rgb + rough, rgb), 0, 255).astype(np.uint8), ids


def find(chance: np.ndarray) -> list[int]:
    rgb, ids = draw_pieces()
    return [int(i) for i in np.flatnonzero(find_open_sky(chance, measure_regions(rgb, ids, CAMERA, LEVEL)))]


def test_smooth_pieces_that_hang_from_the_top_are_open_sky() -> None:
    assert find(draw((UPPER, ALL, 0.5), (slice(50, 65), slice(20, 80), 0.9))) == [1, 2]


def test_a_piece_that_is_much_less_likely_than_the_top_is_none() -> None:
    assert find(draw((UPPER, slice(0, 50), 0.9), (UPPER, slice(50, 100), 0.3))) == [1]


def test_without_open_sky_no_piece_is() -> None:
    assert find(draw((UPPER, slice(0, 50), 0.9))) == []


def test_where_all_is_rough_nothing_is_open_sky() -> None:
    ids = np.repeat([1, 2], 75)[:, None] + np.zeros((1, 200), np.int32)
    rgb = np.random.default_rng(5).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    regions = measure_regions(rgb, ids.astype(np.int32), CAMERA, LEVEL)
    assert not find_open_sky(draw((UPPER, ALL, 0.9)), regions).any()


def test_straight_down_is_as_far_below_the_horizon_as_can_be() -> None:
    down = np.array([0.1, 0.1, np.sqrt(0.98)])
    assert np.isfinite(elevation_of(CAMERA, down)).all()
    assert np.isfinite(bring_under_sky(np.array([0.0, 0.0, 1.0]), CAMERA, SKY)).all()


def find_beside(colour: tuple[int, int, int], chance: float, rough: int = 0) -> bool:
    """Return whether a piece at the right of open sky, of some chance, is sky as well."""
    ids = np.full((150, 200), 3, np.int32)
    ids[:60], ids[:60, 150:] = 1, 2
    rgb = np.array([(0, 0, 0), (90, 110, 150), colour, (60, 80, 40)])[ids]
    rgb = rgb + np.where(ids == 2, np.random.default_rng(4).integers(-rough, rough + 1, ids.shape), 0)[..., None]
    regions = measure_regions(np.clip(rgb, 0, 255).astype(np.uint8), ids, CAMERA, LEVEL)
    return bool(find_open_sky(draw((UPPER, slice(0, 75), 0.8), (UPPER, slice(75, 100), chance)), regions)[2])


def test_sky_goes_on_where_colour_hardly_changes() -> None:
    assert find_beside((95, 115, 150), 0.3)
    assert not find_beside((95, 115, 150), 0.1)
    assert not find_beside((95, 115, 150), 0.3, rough=40)
    assert not find_beside((140, 90, 60), 0.3)


@pytest.mark.parametrize(("colour", "is_sky"), [((92, 112, 150), True), ((150, 150, 90), False)], ids=["cloud", "kite"])
def test_what_lies_within_the_sky_is_sky_if_it_has_its_colour(colour: tuple[int, int, int], is_sky: bool) -> None:
    ids = np.full((150, 200), 3, np.int32)
    ids[:60], ids[20:40, 80:120] = 1, 2
    rgb = np.array([(0, 0, 0), (90, 110, 150), colour, (60, 80, 40)])[ids].astype(np.uint8)
    chance = draw((UPPER, ALL, 0.8), (slice(8, 22), slice(38, 62), 0.0))
    assert bool(find_open_sky(chance, measure_regions(rgb, ids, CAMERA, LEVEL))[2]) is is_sky


def test_the_likelier_a_piece_is_sky_the_more_its_colour_may_differ() -> None:
    assert find_beside((110, 120, 140), 0.55)
    assert not find_beside((110, 120, 140), 0.3)


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(-30, 0), (-30, 5), (-8, -4)])
def test_the_horizon_comes_to_lie_below_the_sky(pitch_deg: float, roll_deg: float) -> None:
    after = bring_under_sky(down_from_angles(pitch_deg, roll_deg), CAMERA, SKY)
    over = elevation_of(CAMERA.resized(75, 100), after)[:40]
    assert (over > -0.002).mean() > 0.97
    assert np.quantile(over, 0.06) < 0.04  # no further than it takes
    assert np.degrees(np.arctan2(after[0], after[1])) == pytest.approx(roll_deg)
    assert np.linalg.norm(after) == pytest.approx(1)


def test_gravity_stays_where_the_sky_is_over_the_horizon_or_there_is_none() -> None:
    high, looking_down = draw((slice(0, 30), ALL, 1)) > 0, down_from_angles(-30, 0)
    assert (bring_under_sky(down_from_angles(0, 3), CAMERA, high) == down_from_angles(0, 3)).all()
    assert (bring_under_sky(looking_down, CAMERA, np.zeros((75, 100), bool)) == looking_down).all()
