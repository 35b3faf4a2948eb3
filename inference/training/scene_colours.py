"""Stored scenes as they might look otherwise: other colours of things, skies, light and focus."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn import functional

AS_IT_IS = 0.3  # share of pictures whose instances keep their colours
GAIN, TINT = 0.4, 0.25  # standard deviations of logarithms: of an instance's gain, and of each channel's
FOCUS = (0.4, 1.8)  # share of what is finer than three pixels


def recolour(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return ``SceneShards``'s rows in which, in most pictures, each instance has another colour."""
    rgb = arrays["rgb"].copy()
    for row, ids in enumerate(arrays["ids"]):
        if rng.random() < AS_IT_IS:
            continue
        count = int(ids.max()) + 1
        logs = rng.normal(0, GAIN, (count, 1)) + rng.normal(0, TINT, (count, 3))
        gains = np.exp(logs * rng.uniform(0, 1)).astype(np.float32)
        rgb[row] = np.clip(rgb[row] * gains[ids], 0, 255).round().astype(np.uint8)
    return arrays | {"rgb": rgb}


def change_focus(rgb: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return (B, 3, H, W) pictures, each blurred or made sharper by its own amount."""
    soft = functional.avg_pool2d(functional.pad(rgb, [1, 1, 1, 1], mode="replicate"), 3, 1)
    amount = torch.from_numpy(rng.uniform(*FOCUS, (len(rgb), 1, 1, 1)).astype(np.float32))
    return torch.lerp(soft, rgb, amount).clamp(0, 1)


def change_skies(rgb: torch.Tensor, is_sky: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return pictures of which half have another sky: clear, cloudy, at dusk or by night, from white to black.

    Args:
        rgb: (B, 3, H, W) float32; is_sky: (B, 1, H, W) float32, share of each pixel.
    """
    rgb = rgb.clone()
    for picture, mask in zip(rgb, is_sky, strict=True):
        if rng.random() < 0.5 and mask.max() > 0:
            picture.lerp_(_draw_sky((int(rgb.shape[2]), int(rgb.shape[3])), rng), mask)
    return rgb


def _draw_sky(size: tuple[int, int], rng: np.random.Generator) -> torch.Tensor:
    """Return (3, H, W) float32: a slope of two colours under clouds of a third."""
    top, low, cloud = (np.clip(rng.uniform(0.05, 1.0) + rng.normal(0, 0.2, 3), 0, 1) for _ in range(3))
    if rng.random() < 0.5:  # a blue one
        top, low = np.array([0.25, 0.45, 0.8]) * rng.uniform(0.4, 1.2), np.array([0.8, 0.88, 1]) * rng.uniform(0.6, 1)
    field = np.zeros(size, np.float32)
    for octave in range(5):
        grid = rng.standard_normal((2**octave + 2, 2 ** (octave + 1) + 1), np.float32)
        field += cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC) * 0.6**octave
    cover = np.clip((field + rng.normal(0, 0.8)) * rng.uniform(0.3, 1.5), 0, 1) * (rng.random() < 0.75)
    slope = np.linspace(0, 1, size[0])[:, None, None] ** np.exp(rng.normal(0, 0.7))
    clear = top + (low - top) * slope
    picture = clear + (cloud - clear) * cover[:, :, None]
    return torch.from_numpy(picture.clip(0, 1).astype(np.float32)).permute(2, 0, 1)


def change_colours(rgb: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return pictures in other light: gain, gamma, colour balance, saturation, noise, each its own."""
    count = len(rgb)

    def draw(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, channels, 1, 1)).astype(np.float32))

    rgb = rgb.clamp(min=1e-3) ** torch.exp(draw(-0.35, 0.35))
    rgb = rgb * draw(0.75, 1.25) * draw(0.88, 1.12, 3)
    grey = rgb.mean(1, keepdim=True)
    rgb = grey + (rgb - grey) * draw(0.0, 1.4).clamp(min=0.15)
    middle = rgb.mean((1, 2, 3), keepdim=True)
    rgb = middle + (rgb - middle) * draw(0.7, 1.3)
    count, channels, height, width = rgb.shape
    noise = rng.standard_normal((count, height, width, channels), np.float32)  # laid out as the pictures are
    noise = torch.from_numpy(noise).permute(0, 3, 1, 2) * draw(0, 0.025)
    return (rgb + noise).clamp(0, 1)
