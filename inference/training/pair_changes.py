"""What else differs between a clean plate and a photo of the same view: light, shadows, noise, a camera that moved."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .pair_data import Pair

GAIN, BALANCE = 0.12, 0.04  # of all channels and of each: standard deviations of logarithms are half of that
GAMMA = 0.08  # likewise
MOST_SHIFT_PX = 1.5
MOST_BLUR_PX = 0.8  # standard deviation
MOST_NOISE = 5.0  # standard deviation, in steps of 8-bit pictures
SHADOW, DARKEST = 0.6, 0.6  # share of pictures with one, and how much light it takes at most
SHADOW_SIDE = 0.35  # standard deviation of how far to the side it falls, in heights of what casts it
SHADOW_HEIGHT = (0.1, 0.5)  # of what casts it: how high it is in the picture


def change_between(pair: Pair, rng: np.random.Generator) -> Pair:
    """Return a pair whose pictures were taken one after the other: the overlay in other light, with a shadow that the
    foreground casts, the plate shifted by up to ``MOST_SHIFT_PX``, each with its own noise. Mask and depth stay.
    """
    overlay = pair.overlay.astype(np.float32)
    if rng.random() < SHADOW:
        overlay = overlay * (1 - cast_shadow(pair.mask, rng))[..., None]
    power = np.exp(rng.normal(0, GAMMA / 2))
    gains = np.exp(rng.normal(0, GAIN / 2) + rng.normal(0, BALANCE / 2, 3)).astype(np.float32)
    overlay = 255 * (np.clip(overlay / 255, 0, 1) ** np.float32(power)) * gains
    plate = _move(pair.background.astype(np.float32), rng)
    return replace(pair, background=_add_noise(plate, rng), overlay=_add_noise(overlay, rng))


def cast_shadow(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (H, W) float32, the share of light that a soft shadow takes: the mask, laid down from its foot.

    Args:
        mask: (H, W) bool; what casts the shadow gets none.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return np.zeros(mask.shape, np.float32)
    top, foot = int(rows.min()), int(rows.max())
    high = float(rng.uniform(*SHADOW_HEIGHT)) * (1 if rng.random() < 0.5 else -1)  # behind, or towards the camera
    side = float(rng.normal(0, SHADOW_SIDE))
    laid_from_upright = np.array([[1, -side, side * foot], [0, high, foot * (1 - high)]], np.float32)
    laid = cv2.warpAffine(mask.astype(np.float32), laid_from_upright, mask.shape[::-1])
    soft = cv2.GaussianBlur(laid, (0, 0), float(rng.uniform(0.01, 0.08)) * (foot - top + 4) + 0.5)
    return np.where(mask, np.float32(0), soft * np.float32(rng.uniform(0, DARKEST)))


def _move(plate: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shift = rng.uniform(-MOST_SHIFT_PX, MOST_SHIFT_PX, 2) * (rng.random() < 0.5)
    moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    plate = cv2.warpAffine(plate, moved, plate.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(plate, (0, 0), 0.2 + float(rng.uniform(0, MOST_BLUR_PX)))


def _add_noise(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0, MOST_NOISE))
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)
