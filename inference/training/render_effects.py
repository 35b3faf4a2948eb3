"""What a camera makes of light: exposure, white balance, blur, bloom, noise, vignetting, JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.nn import functional

BLUR_PX = 4  # reach of the blur's kernel


@dataclass(frozen=True)
class Lens:
    """How each picture is taken; (S,) float32, ``balance`` (S, 3).

    Attributes:
        exposure: stops over what makes the middle grey; balance: factors of the channels.
        contrast, saturation: factors; lift: haze in the lens.
        blur_px, noise, vignette, bloom: strengths.
        quality: of the JPEG.
    """

    exposure: torch.Tensor
    balance: torch.Tensor
    contrast: torch.Tensor
    saturation: torch.Tensor
    blur_px: torch.Tensor
    noise: torch.Tensor
    vignette: torch.Tensor
    bloom: torch.Tensor
    lift: torch.Tensor
    quality: torch.Tensor


def photograph(colour: torch.Tensor, lens: Lens, generators: list[np.random.Generator]) -> torch.Tensor:
    """Return (S, H, W, 3) uint8 sRGB photographs of linear light (3, S, H, W)."""
    device = colour.device
    value = {name: getattr(lens, name).to(device)[:, None, None, None] for name in vars(lens) if name != "balance"}
    light = colour.transpose(0, 1)
    middle = light.mean((1, 2, 3), keepdim=True, dtype=torch.float64)  # else the order of sums would show
    middle = middle.float().clamp(min=1e-3)
    light = light * (0.22 / middle) * 2 ** value["exposure"] * lens.balance.to(device)[:, :, None, None]
    light = light + value["lift"]
    wide = functional.avg_pool2d(functional.avg_pool2d(light.clamp(max=4), 4), 3, 1, 1, count_include_pad=False)
    wide = functional.interpolate(wide, light.shape[2:], mode="bilinear")
    light = torch.lerp(light, wide, value["bloom"].clamp(max=0.5))
    light = _blurred(light, lens.blur_px.to(device))
    height, width = light.shape[2:]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    light = light * (1 - value["vignette"].clamp(max=0.6) * ((x * x + y * y) / 2).to(device))
    light = light / (1 + (light - 0.7).clamp(min=0) * 0.5)  # highlights roll off
    picture = light.clamp(min=0) ** (1 / 2.2)
    grey = picture.mean(1, keepdim=True)
    picture = grey + (picture - grey) * value["saturation"]
    picture = 0.45 + (picture - 0.45) * value["contrast"]
    noise = np.stack([generator.standard_normal((height, width, 3), np.float32) for generator in generators])
    noise = torch.from_numpy(noise).to(device).permute(0, 3, 1, 2) * value["noise"]
    picture = ((picture + noise).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    coded = [_through_jpeg(p, int(q)) for p, q in zip(picture.cpu().numpy(), lens.quality.tolist(), strict=True)]
    return torch.from_numpy(np.stack(coded)).to(device)


def _blurred(light: torch.Tensor, sigma_px: torch.Tensor) -> torch.Tensor:
    count, channels, height, width = light.shape
    reach = torch.arange(-BLUR_PX, BLUR_PX + 1, device=light.device)
    kernel = torch.exp(-0.5 * (reach / sigma_px[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = functional.pad(light.reshape(1, -1, height, width), [BLUR_PX] * 4, mode="replicate")
    flat = functional.conv2d(flat, kernel[:, None, :, None], groups=count * channels)
    flat = functional.conv2d(flat, kernel[:, None, None, :], groups=count * channels)
    return flat.reshape(count, channels, height, width)


def _through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
