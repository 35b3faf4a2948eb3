"""Open sky: what a network takes for sky in a small photo, where clouds and colours of the evening are no walls yet."""

from __future__ import annotations

import cv2
import numpy as np

from .layout import Regions, contrast_to, elevation_of, find_smooth, share_of_border
from .prediction import Camera
from .regions import means_of
from .vanishing import down_from_angles

# There is open sky where so much of the picture, and so much of its top, has such a chance to be sky.
CHANCE, LEAST_AREA, LEAST_TOP, TOP = 0.25, 0.15, 0.7, 0.06
ALIKE = 0.6  # of the chance at the top, from which on a smooth piece is sky too
# Of the same, and of smoothness, that pieces have at least which touch such a piece, with a share of their border (any
# chance will do for what lies within); difference in colour at which they go on from it, and how much more where they
# are as likely as the top.
LEAST_LIKELY, LEAST_SMOOTH, LEAST_SHARE, WITHIN = 0.3, 0.6, 0.2, 0.9
LEAST_CONTRAST, MORE_CONTRAST = 5.0, 12.0
LOWEST = 0.02  # of the sky, that may lie below the horizon: its border is not seen sharply


def is_open(chance: np.ndarray) -> bool:
    """Return whether there is open sky in a picture.

    Args:
        chance: (h, w) float32 0..1, that a pixel is sky.
    """
    likely = chance > CHANCE
    return bool(likely.mean() > LEAST_AREA and _top(likely).mean() > LEAST_TOP)


def may_be_open(chance: np.ndarray) -> bool:
    """Return whether a second look at another size may tell of open sky, as of ``is_open``."""
    return bool((chance > CHANCE).mean() > LEAST_AREA / 2)


def find_open_sky(chance: np.ndarray, regions: Regions) -> np.ndarray:
    """Return (N + 1,) bool, which pieces are open sky.

    They are smooth, as likely as the picture's top, and connected with it; or they touch such pieces, are smooth, and
    differ from them in colour by less the less likely they are.

    Args:
        chance: (h, w) float32 0..1, that a pixel is sky.
        regions: what is known of the pieces.
    """
    is_sky = np.zeros(len(regions.area), bool)
    if not is_open(chance):
        return is_sky
    height, width = regions.ids.shape
    likely = means_of(cv2.resize(chance, (width, height), interpolation=cv2.INTER_LINEAR)[None], regions.ids)[0]
    likely, smooth = likely / _top(chance).mean(), find_smooth(regions)
    likely[0] = 0
    is_sky[np.unique(regions.ids[_hanging((likely * smooth > ALIKE)[regions.ids])])] = True
    while (more := _goes_on(regions, is_sky, likely) & (smooth > LEAST_SMOOTH)).any():
        is_sky |= more
    return is_sky


def bring_under_sky(down_cam: np.ndarray, camera: Camera, sky: np.ndarray) -> np.ndarray:
    """Return gravity with the horizon below open sky: the camera looks up by as much more as that takes.

    Args:
        down_cam: (3,) float64, unit vector along gravity in camera axes.
        camera: of the photo.
        sky: (h, w) bool.

    Returns:
        (3,) float64; the same where all sky is over the horizon, or there is none.
    """
    seen_by = camera.resized(*sky.shape)
    for _ in range(2):  # to the sides of a wide picture the horizon moves otherwise than in its middle
        lowest = np.quantile(elevation_of(seen_by, down_cam)[sky], LOWEST) if sky.any() else 0.0
        if lowest >= 0:
            break
        pitch, roll = np.arcsin(np.clip(-down_cam[2], -1, 1)) - lowest, np.arctan2(down_cam[0], down_cam[1])
        down_cam = down_from_angles(np.degrees(pitch), np.degrees(roll))
    return down_cam


def _goes_on(regions: Regions, is_sky: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """Return (N + 1,) bool, what touches sky of nearly its colour along much of its border or all, and is none yet."""
    if not is_sky.any():
        return is_sky
    shared = regions.borders[:, is_sky]
    apart = np.stack([contrast_to(regions, i) for i in np.flatnonzero(is_sky).tolist()], axis=1)
    nearest = np.where(shared > 0, apart, np.inf).min(axis=1, initial=np.inf)
    share = share_of_border(regions, is_sky)
    touches = (share > LEAST_SHARE) & (likely > LEAST_LIKELY) | (share > WITHIN)
    return np.asarray(~is_sky & touches & (nearest < LEAST_CONTRAST + MORE_CONTRAST * likely))


def _hanging(mask: np.ndarray) -> np.ndarray:
    """Return (h, w) bool, the part of a mask that is connected with the picture's top."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    return np.asarray(np.isin(labels, np.unique(labels[:2][labels[:2] > 0])))


def _top(plane: np.ndarray) -> np.ndarray:
    return plane[: max(1, round(TOP * len(plane)))]
