"""Monodepth with its vgg and resnet50 encoders: disparity as of a stereo pair, TensorFlow checkpoints.

Source: C. Godard et al., Unsupervised Monocular Depth Estimation with Left-Right Consistency, 2017; the layout of the
weights is that of mrharicot/monodepth.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from ..camera import assume_camera
from ..disparity import bound_nearness
from ..prediction import Camera, DepthMap, Estimate, Photo
from .estimator import PublishedEstimator
from .tensor_bundle import read_bundle
from .weights import as_torch, build

INPUT_SIZE = (256, 512)  # height, width, px: what the published weights were trained at, whatever the photo's
VGG = ((32, 7), (64, 5), (128, 3), (256, 3), (512, 3), (512, 3), (512, 3))  # width and kernel of each pair
RESNET = ((64, 3), (128, 4), (256, 6), (512, 3))  # width and units of each block
VGG_DECODER = (512, 512, 256, 128, 64, 32, 16)
HEADS = 4  # the finest levels of the decoder have a disparity each
MOST_DISPARITY = 0.3  # of the picture's width
KITTI_BASELINE_M = 0.54


class VggEncoder(nn.Module):
    """Pairs of convolutions, the second of which halves the size."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList()
        channels = 3
        for width, side in VGG:
            self.convolutions.append(_conv(channels, width, side))
            self.convolutions.append(_conv(width, width, side, stride=2))
            channels = width
        self.skipped = tuple(width for width, _ in VGG[:-1])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features after each pair, the finest first."""
        features = []
        for index, convolution in enumerate(self.convolutions):
            x = functional.elu_(convolution(x))
            if index % 2:
                features.append(x)
        return features


class ResnetEncoder(nn.Module):
    """Blocks of bottleneck units without normalisation; the last unit of a block halves the size."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([_conv(3, 64, 7, stride=2)])
        channels = 64
        for width, units in RESNET:
            for unit in range(units):
                stride = 2 if unit == units - 1 else 1
                self.convolutions.append(_conv(channels, width, 1))
                self.convolutions.append(_conv(width, width, 3, stride))
                self.convolutions.append(_conv(width, 4 * width, 1))
                self.convolutions.append(_conv(channels, 4 * width, 1, stride))
                channels = 4 * width
        self.skipped = (64, 64, *(4 * width for width, _ in RESNET[:-1]))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features after the first convolution, the pooling and each block, the finest first."""
        first, *others = self.convolutions
        x = functional.elu_(first(x))
        features = [x]
        x = functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, stride=2)  # among zeros, where ELU goes below
        features.append(x)
        convolutions = iter(others)
        for _, units in RESNET:
            for _ in range(units):
                inner = functional.elu_(next(convolutions)(x))
                inner = functional.elu_(next(convolutions)(inner))
                x = functional.elu_(next(convolutions)(inner).add_(next(convolutions)(x)))
            features.append(x)
        return features


class Decoder(nn.Module):
    """From coarse to fine: enlarge, look at the encoder's features of that size, and tell the disparity."""

    def __init__(self, channels: int, widths: tuple[int, ...], skipped: tuple[int, ...]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList()
        self.has_head = [level >= len(widths) - HEADS for level in range(len(widths))]
        for level, (width, skip) in enumerate(zip(widths, (*reversed(skipped), 0), strict=True)):
            told = 2 if level > 0 and self.has_head[level - 1] else 0
            self.convolutions.append(_conv(channels, width, 3))
            self.convolutions.append(_conv(width + skip + told, width, 3))
            if self.has_head[level]:
                self.convolutions.append(_conv(width, 2, 3))
            channels = width

    def forward(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the left and right disparities, (N, 2, h, w) float32, of the finest four levels, the finest first."""
        convolutions = iter(self.convolutions)
        x, *skips = reversed(features)
        disparities: list[torch.Tensor] = []
        for level, has_head in enumerate(self.has_head):
            x = functional.elu_(next(convolutions)(_double(x)))
            parts = [x, *skips[level : level + 1], *(_double(disparity) for disparity in disparities[:1])]
            x = functional.elu_(next(convolutions)(torch.cat(parts, dim=1)))
            if has_head:
                disparities.insert(0, MOST_DISPARITY * torch.sigmoid(next(convolutions)(x)))
        return disparities


class Monodepth(nn.Module):
    """Encoder and decoder."""

    def __init__(self, encoder: VggEncoder | ResnetEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        is_vgg = isinstance(encoder, VggEncoder)
        channels = VGG[-1][0] if is_vgg else 4 * RESNET[-1][0]
        self.decoder = Decoder(channels, VGG_DECODER if is_vgg else VGG_DECODER[1:], encoder.skipped)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Return disparities in parts of the width, (N, 2, h, w) float32, left and right, the finest level first.

        Args:
            pictures: (N, 3, H, W) float32, RGB in 0..1; sides are multiples of 128.
        """
        disparities: list[torch.Tensor] = self.decoder(self.encoder(pictures))
        return disparities


def _conv(channels: int, width: int, side: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, side, stride, padding=(side - 1) // 2)


def _double(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2)


def prepare(rgb: np.ndarray) -> torch.Tensor:
    """Return (2, 3, 256, 512) float32 in 0..1, the picture and its mirror image, of (H, W, 3) uint8, sRGB."""
    height, width = INPUT_SIZE
    small = np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))
    pair = np.stack([small, small[:, ::-1]]).astype(np.float32) / 255
    return torch.from_numpy(pair).permute(0, 3, 1, 2)


def join_mirrored(pair: np.ndarray) -> np.ndarray:
    """Return (h, w) float32 disparity of that of a picture and of its mirror image, (2, h, w).

    Each side of the picture takes the one that saw it; the middle is the mean of both.
    """
    left, right = pair[0], pair[1, :, ::-1]
    ramp = 1 - np.clip(20 * (np.linspace(0, 1, pair.shape[2]) - 0.05), 0, 1)
    joined = ramp[::-1] * left + ramp * right + (1 - ramp - ramp[::-1]) * (left + right) / 2
    return joined.astype(np.float32)


class MonodepthEstimator(PublishedEstimator):
    """Depth of a photo from the disparity that a second camera beside it would see."""

    name = "monodepth"
    licence = "UCLB ACP-A (monodepth), non-commercial"

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return depth in metres as far as the photo was taken by a camera like that of KITTI, hence not called metric.

        Raises:
            EstimateUnusable: the output is not finite.
        """
        disparity = join_mirrored(self.disparities(prepare(photo.rgb)))
        height, width = photo.size
        camera = camera or assume_camera(photo.size)
        z = KITTI_BASELINE_M * camera.fx / (bound_nearness(disparity)[0] * width)
        side = INPUT_SIZE[1] / max(width, height)
        size = max(1, round(width * side)), max(1, round(height * side))
        return Estimate(DepthMap(cv2.resize(z.astype(np.float32), size, interpolation=cv2.INTER_NEAREST_EXACT)))

    def disparities(self, pictures: torch.Tensor) -> np.ndarray:
        """Return (N, h, w) float32, the left disparity at the finest level, in parts of the width."""
        return self.take(self.run(pictures)[0][:, 0], "disparity")


def load(checkpoint: Path, device: str = "auto") -> MonodepthEstimator:
    """Return the estimator with the weights of a TensorFlow checkpoint; they tell which encoder it has.

    Raises:
        BlockoutError: the files or the device cannot be used.
    """
    arrays = read_bundle(checkpoint, is_weight)
    is_vgg = key_of(f"encoder.convolutions.{2 * len(VGG)}.weight") not in arrays
    encoder = VggEncoder if is_vgg else ResnetEncoder
    name = f"{MonodepthEstimator.name} ({'vgg' if is_vgg else 'resnet50'})"
    network = build(lambda: Monodepth(encoder()), as_torch(arrays), checkpoint, name, key_of=key_of)
    return MonodepthEstimator(network, checkpoint, device)


def is_weight(name: str) -> bool:
    """Tell a network's variable from what only training needs."""
    return name.endswith(("/weights", "/biases"))


def key_of(name: str) -> str:
    """Return what the checkpoint calls a parameter of the network: a counter in the order of the calls."""
    part, _, index, leaf = name.split(".")
    return f"model/{part}/Conv{'' if index == '0' else f'_{index}'}/{'weights' if leaf == 'weight' else 'biases'}"
