"""The photo without what stands before ground and walls: what is hidden of them is filled with what is seen of them.

A slab goes on behind a sofa; with the photo on it the sofa would be painted on the wall as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

RIM_PX = 2  # along the outline of a thing the photo shows a little of both


@dataclass(frozen=True, eq=False)
class CleanPlate:
    """What the photo shows of the set, and what fills the rest.

    Attributes:
        photo: (H, W, 3) uint8 sRGB.
        ids: (H, W) int32, number of a leaf at each pixel.
        leaves: numbers of those that belong to the set.
        labels, own: (h, w) int and bool, on a coarse grid, as of ``fill_hidden``.
    """

    photo: np.ndarray
    ids: np.ndarray
    leaves: tuple[int, ...]
    labels: np.ndarray
    own: np.ndarray

    @cached_property
    def rgb(self) -> np.ndarray:
        """Return (H, W, 3) uint8 sRGB, the photo with all that is not of the set filled."""
        table = np.zeros(int(self.ids.max()) + 1, np.uint8)
        table[list(self.leaves)] = 1
        height, width = self.ids.shape
        shown = cv2.erode(table[self.ids], np.ones((2 * RIM_PX + 1,) * 2, np.uint8))  # not from the frame
        filled = fill_hidden(self.photo, self.labels, self.own)
        filled = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(cv2.copyTo(self.photo, shown, filled))


def fill_hidden(rgb: np.ndarray, labels: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return a picture of few pixels in which what is hidden of each plane takes its colours from what is seen of it.

    Args:
        rgb: (H, W, 3) uint8 sRGB, the photo.
        labels: (h, w) int, number of the plane that each pixel shows or hides, -1 for none.
        own: (h, w) bool, where the plane is seen.

    Returns:
        (h, w, 3) uint8 sRGB.
    """
    height, width = labels.shape
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    inside = cv2.erode(own.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
    filled = _spread(small, inside if inside.any() else own)
    for label in np.unique(labels[labels >= 0]):
        here = labels == label
        known = here & inside if (here & inside).any() else here & own
        if known.any():
            filled[here] = _spread(small, known)[here]
    filled[inside] = small[inside]
    return filled


def _spread(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return (h, w, 3) uint8 with the known pixels as they are, (h, w) bool, and smooth colours between them.

    Source: Burt, "Moment images, polynomial fit filters, and the problem of surface interpolation", 1988.
    """
    weight = known.astype(np.float32)
    levels = [np.dstack([picture.astype(np.float32) * weight[..., None], weight])]
    while max(levels[-1].shape[:2]) > 1:
        levels.append(cv2.pyrDown(levels[-1]))
    colour = levels[-1][..., :3] / np.maximum(levels[-1][..., 3:], 1e-9)
    for level in reversed(levels[:-1]):
        coarse = cv2.pyrUp(colour, dstsize=level.shape[1::-1]).reshape(*level.shape[:2], 3)
        share = np.minimum(level[..., 3:], 1)
        colour = share * level[..., :3] / np.maximum(level[..., 3:], 1e-9) + (1 - share) * coarse
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)
