"""Which things of a photo lie on the ground: sunlit patches, mats, markings, that a network took for things."""

from __future__ import annotations

import numpy as np

from .instances import GROUND, OBJECT
from .layout import height_over_horizon
from .prediction import Camera
from .regions import medians_of, touching_pixels

LIKELY = 0.3  # chance of being ground, at which a thing may be
FACING_UP, LIKELY_FACING = 0.5, 0.25  # of ``measure_facing``; the same for what faces up so much
LEAST_FALL = 0.7  # of how depth grows upwards along the ground: what stands has none of it
MOST_APART = 0.2  # in log depth, from the ground
LEAST_BORDER, ABOVE_GROUND = 0.1, 0.5  # with the ground: of a thing's border; of its lower ends, if it faces up


def find_lying(
    log_z: np.ndarray,
    ids: np.ndarray,
    kinds: np.ndarray,
    likely: np.ndarray,
    facing_up: np.ndarray,
    camera: Camera,
    down_cam: np.ndarray,
) -> np.ndarray:
    """Return (N,) bool, which objects are ground: as far as it is below them, from foot to top, or facing upwards.

    Args:
        log_z: (H, W) as the network has it, at any scale.
        ids: (H, W), from 0.
        kinds: (N,) numbers of the kinds of the ids.
        likely: (N,) mean chances of being ground.
        facing_up: (N,) how much more than the camera's side of anything does, as of ``measure_facing``.
        camera: of the picture.
        down_cam: (3,) unit vector along gravity, camera axes.
    """
    fall = -height_over_horizon(camera, down_cam)
    over = np.bincount(ids[fall <= 0], minlength=len(kinds)) > 0
    lying = (kinds == OBJECT) & (likely > LIKELY_FACING) & ~over
    ground = (kinds == GROUND)[ids] & (fall > 0)
    if not lying.any() or not ground.any():
        return np.zeros(len(kinds), bool)
    far = np.where(fall > 0, -np.log(np.maximum(fall, 1e-9)), 0)
    beyond = log_z - far
    beyond = beyond - np.median(beyond[ground])
    falls = _slopes(far, log_z, ids, len(kinds)) > LEAST_FALL
    goes_on = falls & (np.abs(medians_of(beyond, ids, len(kinds))) < MOST_APART) & (likely > LIKELY)
    is_above = _borders_on(ids[:-1], ids[1:], kinds == GROUND) > ABOVE_GROUND
    lying &= goes_on | (facing_up > FACING_UP) & is_above
    flat, (first, second) = ids.ravel(), touching_pixels(ids)
    ends, others = np.concatenate([flat[first], flat[second]]), np.concatenate([flat[second], flat[first]])
    return np.asarray(lying & (_borders_on(ends, others, kinds == GROUND) > LEAST_BORDER))


def _borders_on(ids: np.ndarray, others: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return (N,) the part of each id's pixels beside another one, (M,) or (H, W), that are beside one wanted (N,)."""
    beside = ids != others
    border = np.bincount(ids[beside], minlength=len(wanted))
    return np.asarray(np.bincount(ids[beside], wanted[others[beside]], len(wanted)) / np.maximum(border, 1))


def measure_facing(normal: np.ndarray, ids: np.ndarray, count: int, camera: Camera, down_cam: np.ndarray) -> np.ndarray:
    """Return (count,) medians of how much more surfaces face upwards than one that faces the camera would there.

    Args:
        normal: (3, H, W), of surfaces, towards the camera, camera axes; a network's, which seldom tells anything else
            than that they face the camera.
        ids: (H, W), from 0.
        count: of ids.
        camera: of the picture.
        down_cam: (3,) unit vector along gravity, camera axes.
    """
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(camera.height)[:, None] + 0.5 - camera.cy) / camera.fy
    up = -np.tensordot(down_cam, normal, 1) / np.maximum(np.linalg.norm(normal, axis=0), 1e-6)
    usual = -height_over_horizon(camera, down_cam) / np.sqrt(1 + x**2 + y**2)
    return medians_of(up - usual, ids, count)


def _slopes(x: np.ndarray, y: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) how much y grows with x within each id, by least squares; 0 where x is the same."""
    flat, pixels = ids.ravel(), np.maximum(np.bincount(ids.ravel(), minlength=count), 1)
    x, y = (value.ravel() - (np.bincount(flat, value.ravel(), minlength=count) / pixels)[flat] for value in (x, y))
    spread = np.bincount(flat, x * x, minlength=count)
    return np.asarray(np.bincount(flat, x * y, minlength=count) / np.maximum(spread, 1e-9))
