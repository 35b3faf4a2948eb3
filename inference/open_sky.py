"""Open sky: what a network takes for sky in a small photo, where clouds and colours of the evening are no walls yet."""

from __future__ import annotations

import cv2
import numpy as np

from .layout import Regions, elevation_of, find_smooth
from .prediction import Camera
from .regions import means_of
from .vanishing import down_from_angles

# There is open sky where so much of the picture, and so much of its top, has such a chance to be sky.
CHANCE, LEAST_AREA, LEAST_TOP, TOP = 0.25, 0.15, 0.7, 0.06
ALIKE, SURE = 0.6, 0.75  # of the chance at the top, from which on a smooth piece is sky too, or a pixel without doubt
LOWEST = 0.03  # of the sky, that may lie below the horizon: its border is not seen sharply


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
    """Return (N + 1,) bool, which pieces are open sky: as likely as the picture's top, smooth, and connected with it.

    Args:
        chance: (h, w) float32 0..1, that a pixel is sky.
        regions: what is known of the pieces.
    """
    none = np.zeros(len(regions.area), bool)
    if not is_open(chance):
        return none
    height, width = regions.ids.shape
    likely = means_of(cv2.resize(chance, (width, height), interpolation=cv2.INTER_LINEAR)[None], regions.ids)[0]
    likely[0] = 0
    is_sky = likely * find_smooth(regions) > ALIKE * _top(chance).mean()
    none[np.unique(regions.ids[_hanging(is_sky[regions.ids])])] = True
    return none


def bring_under_sky(down_cam: np.ndarray, camera: Camera, chance: np.ndarray) -> np.ndarray:
    """Return gravity with the horizon below open sky: the camera looks up by as much more as that takes.

    Args:
        down_cam: (3,) float64, unit vector along gravity in camera axes.
        camera: of the photo.
        chance: (h, w) float32 0..1, that a pixel is sky.

    Returns:
        (3,) float64; the same where there is no open sky, or all of it is over the horizon.
    """
    if not is_open(chance):
        return down_cam
    sky, seen_by = _hanging(chance > SURE * _top(chance).mean()), camera.resized(*chance.shape)
    for _ in range(2):  # to the sides of a wide picture the horizon moves otherwise than in its middle
        lowest = np.quantile(elevation_of(seen_by, down_cam)[sky], LOWEST) if sky.any() else 0.0
        if lowest >= 0:
            break
        pitch, roll = np.arcsin(-down_cam[2]) - lowest, np.arctan2(down_cam[0], down_cam[1])
        down_cam = down_from_angles(np.degrees(pitch), np.degrees(roll))
    return down_cam


def _hanging(mask: np.ndarray) -> np.ndarray:
    """Return (h, w) bool, the part of a mask that is connected with the picture's top."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    return np.asarray(np.isin(labels, np.unique(labels[:2][labels[:2] > 0])))


def _top(plane: np.ndarray) -> np.ndarray:
    return plane[: max(1, round(TOP * len(plane)))]
