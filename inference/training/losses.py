"""Losses by name and weight, and the two figures that the older projects measured.

All take (N, C, H, W) float tensors and return a scalar tensor. ``valid``, (N, 1, H, W) bool where given, leaves pixels
out. "Values" are what a network's logits mean: depth or probability, 0 to 1 after a sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  torch's own abbreviation

from ...errors import UsageError

LEAST = 1e-6
LEAST_DEPTH = 1e-3  # below it logarithms are of noise
Weights = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes:
        function: called as function(prediction, target, valid).
        on_logits: whether the prediction is a network's raw output, as is exact for cross-entropy; else its values.
    """

    function: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    on_logits: bool = False


def rmse(values: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the root of the mean square error, whose slope stays finite where the error is 0."""
    return torch.sqrt(_mean((values - target) ** 2, valid) + LEAST)


def l1(values: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the mean absolute error."""
    return _mean((values - target).abs(), valid)


def scale_invariant_log(values: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the mean square of the logarithms' difference, less half the square of its mean.

    Source: Eigen et al., Depth map prediction from a single image (2014), equation 4.
    """
    difference = values.clamp_min(LEAST_DEPTH).log() - target.clamp_min(LEAST_DEPTH).log()
    return _mean(difference**2, valid) - 0.5 * _mean(difference, valid) ** 2


def gradient(values: Tensor, target: Tensor, valid: Tensor | None = None, scales: int = 4) -> Tensor:
    """Return the mean absolute slope of the error, of each second, fourth, ... pixel too: it sharpens edges.

    Source: Li and Snavely, MegaDepth (2018), section 4.
    """
    error = values - target
    known = torch.ones_like(error[:, :1], dtype=torch.bool) if valid is None else valid
    total = error.new_zeros(())
    for scale in range(scales):
        step = 2**scale
        coarse, coarse_known = error[..., ::step, ::step], known[..., ::step, ::step]
        for axis in (-2, -1):
            if coarse.shape[axis] > 1:
                length = coarse.shape[axis] - 1
                both = coarse_known.narrow(axis, 1, length) & coarse_known.narrow(axis, 0, length)
                total = total + _mean(coarse.diff(dim=axis).abs(), both)
    return total / scales


def binary_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy of a mask."""
    return _mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none"), valid)


def focal(logits: Tensor, target: Tensor, valid: Tensor | None = None, gamma: float = 2, alpha: float = 0.25) -> Tensor:
    """Return the cross-entropy that counts little where a mask is right already.

    Source: Lin et al., Focal loss for dense object detection (2017), equation 5.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    probability = torch.sigmoid(logits)
    wrong = probability * (1 - target) + (1 - probability) * target
    share = alpha * target + (1 - alpha) * (1 - target)
    return _mean(share * wrong**gamma * entropy, valid)


def dice(values: Tensor, target: Tensor, valid: Tensor | None = None, smooth: float = 1.0) -> Tensor:
    """Return 1 - 2 |A and B| / (|A| + |B|) over the whole batch.

    Source: Milletari et al., V-Net (2016).
    """
    known = torch.ones_like(values) if valid is None else valid.to(values.dtype)
    overlap = (values * target * known).sum()
    return 1 - (2 * overlap + smooth) / ((values * known).sum() + (target * known).sum() + smooth)


def ssim(values: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return 1 - structural similarity, in Gaussian windows of 11 pixels that lie inside the picture altogether.

    Source: Wang et al., Image quality assessment (2004), with its constants.
    """
    if valid is not None:
        values = torch.where(valid, values, target)
    channels = values.shape[1]
    offsets = torch.arange(11, dtype=values.dtype, device=values.device) - 5
    bell = torch.exp(-(offsets**2) / (2 * 1.5**2))
    bell = bell / bell.sum()

    def blur(picture: Tensor) -> Tensor:
        rows = F.conv2d(picture, bell.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
        return F.conv2d(rows, bell.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)

    a, b = blur(values), blur(target)
    variance_a, variance_b = blur(values**2) - a**2, blur(target**2) - b**2
    covariance = blur(values * target) - a * b
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * a * b + c1) * (2 * covariance + c2) / ((a**2 + b**2 + c1) * (variance_a + variance_b + c2))
    return 1 - similarity.mean()


LOSSES: dict[str, Loss] = {
    "rmse": Loss(rmse),
    "l1": Loss(l1),
    "silog": Loss(scale_invariant_log),
    "gradient": Loss(gradient),
    "bce": Loss(binary_cross_entropy, on_logits=True),
    "focal": Loss(focal, on_logits=True),
    "dice": Loss(dice),
    "dice_sharp": Loss(partial(dice, smooth=LEAST)),  # as the published sum of BCE and Dice has it
    "ssim": Loss(ssim),
}
MIXES: dict[str, Weights] = {  # the published ones
    "rmse-bce-dice": {"depth": {"rmse": 2.0}, "mask": {"bce": 1.0, "dice_sharp": 2.0}},
    "ssim-dice": {"depth": {"ssim": 2.0}, "mask": {"dice": 1.0}},
    "rmse-bce": {"depth": {"rmse": 2.0}, "mask": {"bce": 1.0}},
}


def choose_weights(chosen: str | Weights) -> Weights:
    """Return the weights of a mix by its name, or those given, once they are known to make sense.

    Args:
        chosen: a key of ``MIXES``, or a weight for each loss of each output: {"depth": {"rmse": 2.0}}.

    Raises:
        UsageError: a name that no mix or loss has, or a weight that is no number from 0 up.
    """
    if isinstance(chosen, str):
        if chosen not in MIXES:
            raise UsageError(f"no mix of losses is called {chosen!r}; use {', '.join(MIXES)}, or give weights.")
        return MIXES[chosen]
    for output, weights in chosen.items():
        for name, weight in weights.items():
            if name not in LOSSES:
                raise UsageError(f"{output}.{name}: no loss is called so; use {', '.join(LOSSES)}.")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
                raise UsageError(f"{output}.{name} = {weight!r} is no weight; give a number from 0 up.")
    return chosen


def sum_losses(
    logits: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    weights: Weights,
    valid: Mapping[str, Tensor] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the weighted sum, and each loss without its weight by "output.name", detached.

    Args:
        logits: (N, C, H, W) by output; a sigmoid makes values of them.
        targets: (N, C, H, W) by output, 0 to 1.
        weights: for each loss of each output, as ``choose_weights`` returns them.
        valid: (N, 1, H, W) bool by output; all pixels count for an output that is not in it.
    """
    parts, total = {}, next(iter(logits.values())).new_zeros(())
    for output, named in weights.items():
        values = torch.sigmoid(logits[output])
        known = None if valid is None else valid.get(output)
        for name, weight in named.items():
            loss = LOSSES[name]
            part = loss.function(logits[output] if loss.on_logits else values, targets[output], known)
            parts[f"{output}.{name}"] = part.detach()
            total = total + weight * part
    return total, parts


def soft_iou(values: Tensor, target: Tensor) -> Tensor:
    """Return the mean over pictures of overlap over union of a mask, of its probabilities without a threshold."""
    dims = (1, 2, 3)
    overlap = (values * target).sum(dims)
    return (overlap / (values.sum(dims) + target.sum(dims) - overlap).clamp_min(LEAST)).mean()


def known_rmse(values: Tensor, target: Tensor) -> Tensor:
    """Return the root of the mean square error over pixels whose target is above 0.0001, which means unknown there."""
    return torch.sqrt(_mean((values - target) ** 2, target > 1e-4))


def _mean(errors: Tensor, valid: Tensor | None) -> Tensor:
    """Return the mean over the pixels that count; 0 where none does."""
    if valid is None:
        return errors.mean()
    known = valid.expand_as(errors)
    return torch.where(known, errors, 0).sum() / known.sum().clamp_min(1)
