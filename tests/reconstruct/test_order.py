import numpy as np
import pytest
from blockout.reconstruct.order import LEAST_OF_NUMBER, MANY, find_quantiles, median, quantile_by, thin
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(lambda values: np.array(values, np.float64))


@given(VALUES)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_median_is_numpy_s(values: np.ndarray) -> None:
    assert median(values) == pytest.approx(float(np.median(values)))


@given(VALUES, st.lists(st.floats(0, 1), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_quantile_is_the_value_nearest_to_its_place(values: np.ndarray, shares: list[float]) -> None:
    expected = [np.sort(values)[round(share * (len(values) - 1))] for share in shares]
    np.testing.assert_array_equal(find_quantiles(values, tuple(shares)), expected)


@given(VALUES, st.integers(1, 6), st.floats(0, 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_quantiles_of_groups_are_those_of_each_alone(values: np.ndarray, count: int, share: float) -> None:
    number = np.arange(len(values)) * 7 % count
    used, quantiles = quantile_by(number, values, share, count)
    assert used.tolist() == [k for k in range(count) if np.count_nonzero(number == k) >= LEAST_OF_NUMBER]
    span = max(float(np.ptp(values)), 1.0)
    for k, quantile in zip(used.tolist(), quantiles.tolist(), strict=True):
        group = np.sort(values[number == k])
        assert quantile == pytest.approx(group[round(share * (len(group) - 1))], abs=1e-9 * span)


@pytest.mark.parametrize("count", [0, 1, MANY, 2 * MANY - 1, 2 * MANY, 50_000])
def test_thinning_keeps_enough_and_not_much_more(count: int) -> None:
    thinned = thin(np.arange(3 * count).reshape(count, 3))
    assert min(count, MANY) <= len(thinned) < max(2 * MANY, 1)
    assert thinned.shape[1] == 3
