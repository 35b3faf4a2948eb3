"""Order statistics of a few thousand numbers without NaN; NumPy's own take ten times as long, to look for NaN first."""

from __future__ import annotations

import numpy as np

MANY = 2000  # of values tell as much as all of them
EXTENT = (0.004, 0.996)  # shares that stand for the ends of what is seen
LEAST_OF_NUMBER = 3  # values without which a quantile means nothing


def thin(values: np.ndarray) -> np.ndarray:
    """Return evenly spread rows of (n, ...) values: all, or at least ``MANY`` and less than twice as many."""
    return values[:: max(1, len(values) // MANY)]


def median(values: np.ndarray) -> float:
    """Return the median of values (n,), n at least 1."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    parted = np.partition(values, (low, high))
    return float(parted[low] + parted[high]) / 2


def find_quantiles(values: np.ndarray, shares: tuple[float, ...] = EXTENT) -> np.ndarray:
    """Return, for each share, the value of values (n,) below which that share of them lies, the nearest there is."""
    places = [round(share * (len(values) - 1)) for share in shares]
    return np.partition(values, places)[places]


def quantile_by(number: np.ndarray, values: np.ndarray, share: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers 0..count - 1 that occur three times or more, and the quantile of the values of each.

    Args:
        number: (n,) int, of the group that each value belongs to.
        values: (n,) float64.
        share: of a group's values that lie below its quantile.
        count: of groups.
    """
    low, reach = float(values.min()), 2 * float(np.ptp(values)) or 1.0
    ordered = np.sort(number + (values - low) / reach)  # by group, then by value, in one sort
    starts = np.searchsorted(ordered, np.arange(count + 1))
    sizes = np.diff(starts)
    used = np.flatnonzero(sizes >= LEAST_OF_NUMBER)
    within = np.rint(share * (sizes[used] - 1)).astype(int)
    return used, (ordered[starts[used] + within] - used) * reach + low
