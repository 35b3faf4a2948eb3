"""Classes and a picture -> classes whose borders follow the picture's colours: the fully connected random field.

Source: P. Krähenbühl and V. Koltun, Efficient Inference in Fully Connected CRFs, 2011, through pydensecrf.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10
# Neighbours, and places that look alike, want one class: weight, and deviation in px (and in levels of colour).
NEAR_WEIGHT, NEAR_PX = 3, 1
ALIKE_WEIGHT, ALIKE_PX, ALIKE_LEVELS = 4, 67, 3


def follow_colours(likely: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return (C, H, W) float32, how likely each class is once places that look alike agree.

    Args:
        likely: (C, H, W) float32, how likely each class is at each pixel.
        picture: (H, W, 3) uint8.
    """
    from pydensecrf.densecrf import DenseCRF2D
    from pydensecrf.utils import unary_from_softmax

    classes, height, width = likely.shape
    field = DenseCRF2D(width, height, classes)
    field.setUnaryEnergy(np.ascontiguousarray(unary_from_softmax(likely)))
    field.addPairwiseGaussian(sxy=NEAR_PX, compat=NEAR_WEIGHT)
    colours = np.ascontiguousarray(picture)
    field.addPairwiseBilateral(sxy=ALIKE_PX, srgb=ALIKE_LEVELS, rgbim=colours, compat=ALIKE_WEIGHT)
    return np.asarray(field.inference(ROUNDS), np.float32).reshape(likely.shape)
