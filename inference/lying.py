"""Which things of a photo lie on the ground: sunlit patches, mats, markings, that a network took for things."""

from __future__ import annotations

import numpy as np

from .instances import GROUND, OBJECT
from .layout import height_over_horizon
from .prediction import Camera
from .regions import medians_of, touching_pixels

LIKELY = 0.3  # chance of being ground, at which a thing may be
LEAST_FALL = 0.7  # of how depth grows upwards along the ground: what stands has none of it
MOST_APART = 0.2  # in log depth, from the ground
LEAST_BORDER = 0.1  # of a thing's border: with the ground


def find_lying(
    log_z: np.ndarray, ids: np.ndarray, kinds: np.ndarray, likely: np.ndarray, camera: Camera, down_cam: np.ndarray
) -> np.ndarray:
    """Return (N,) bool, which objects are as far as the ground below them is, all the way from foot to top.

    Args:
        log_z: (H, W) as the network has it, at any scale.
        ids: (H, W), from 0.
        kinds: (N,) numbers of the kinds of the ids.
        likely: (N,) mean chances of being ground.
        camera: of the picture.
        down_cam: (3,) unit vector along gravity, camera axes.
    """
    fall = -height_over_horizon(camera, down_cam)
    over = np.bincount(ids[fall <= 0], minlength=len(kinds)) > 0
    lying = (kinds == OBJECT) & (likely > LIKELY) & ~over
    ground = (kinds == GROUND)[ids] & (fall > 0)
    if not lying.any() or not ground.any():
        return np.zeros(len(kinds), bool)
    far = np.where(fall > 0, -np.log(np.maximum(fall, 1e-9)), 0)
    beyond = log_z - far
    beyond = beyond - np.median(beyond[ground])
    lying &= np.abs(medians_of(beyond, ids, len(kinds))) < MOST_APART
    lying &= _slopes(far, log_z, ids, len(kinds)) > LEAST_FALL
    first, second = touching_pixels(ids)
    ends = np.concatenate([ids.ravel()[first], ids.ravel()[second]])
    others = np.concatenate([ids.ravel()[second], ids.ravel()[first]])
    border = np.bincount(ends, minlength=len(kinds))
    shared = np.bincount(ends, (kinds == GROUND)[others], minlength=len(kinds))
    return np.asarray(lying & (shared > LEAST_BORDER * border))


def _slopes(x: np.ndarray, y: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) how much y grows with x within each id, by least squares; 0 where x is the same."""
    flat, pixels = ids.ravel(), np.maximum(np.bincount(ids.ravel(), minlength=count), 1)
    x, y = (value.ravel() - (np.bincount(flat, value.ravel(), minlength=count) / pixels)[flat] for value in (x, y))
    spread = np.bincount(flat, x * x, minlength=count)
    return np.asarray(np.bincount(flat, x * y, minlength=count) / np.maximum(spread, 1e-9))
