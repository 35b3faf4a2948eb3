"""What the scene task minimises: one number for each thing that the network tells, and their weighted sum."""

from __future__ import annotations

import torch
from torch.nn import functional

from .network import split
from .render_solids import BOX, CONE, CYLINDER, PRISM, SPHERE

WEIGHTS = {
    "depth": 1.0,
    "scale": 0.15,
    "steps": 1.0,
    "kind": 0.5,
    "edge": 0.6,
    "centre": 10.0,
    "offset": 0.5,
    "shape": 0.25,
    "normal": 0.5,
    "focal": 0.3,
    "down": 3.0,
}
# How much a pixel of a shape counts: its share of all things over its share of all pixels, for round things are small.
OF_SHAPE = {BOX: 1.0, CYLINDER: 3.0, SPHERE: 2.0, CONE: 2.0, PRISM: 1.0}


def scene_losses(
    maps: torch.Tensor, camera: torch.Tensor, batch: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the sum and its parts, before their weights.

    Args:
        maps, camera: what the network gave.
        batch: of ``scene_targets.make_batch``.
    """
    seen = {name: value.float() for name, value in split(maps).items()}
    known = batch["depth"].isfinite()
    parts = depth_losses(seen["depth"][:, 0], torch.where(known, batch["depth"], 0.0), known)
    parts["kind"] = _known_entropy(seen["kind"], batch["kind"])
    told = batch["told"] / batch["told"].mean().clamp(min=1e-6)
    heavier = (1 + 3 * batch["edge"]) * told
    parts["edge"] = functional.binary_cross_entropy_with_logits(seen["edge"][:, 0], batch["edge"], heavier)
    missed = (torch.sigmoid(seen["centre"][:, 0]) - batch["centre"]) ** 2
    parts["centre"] = (missed * (1 + 8 * batch["centre"]) * told).mean()
    off = (seen["offset"] - batch["offset"]).abs().mean(1)
    parts["offset"] = (off * batch["has_centre"]).sum() / batch["has_centre"].sum().clamp(min=1)
    by_shape = seen["shape"].new_tensor([OF_SHAPE[shape] for shape in sorted(OF_SHAPE)])
    parts["shape"] = _known_entropy(seen["shape"], batch["shape"], by_shape)
    normal = functional.normalize(seen["normal"], dim=1)
    turned = 1 - (normal * batch["normal"]).sum(1)
    parts["normal"] = (turned * known).sum() / known.sum().clamp(min=1)
    taken = batch["camera"].isfinite().all(1)
    off = camera.float()[taken] - batch["camera"][taken]
    parts["focal"] = off[:, 0].abs().mean()
    parts["down"] = off[:, 1:].norm(dim=1).mean()
    return torch.stack([WEIGHTS[name] * value for name, value in parts.items()]).sum(), parts


def _known_entropy(scores: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Return the mean cross entropy where ``wanted`` is not -1; 0 where it is so everywhere."""
    total = functional.cross_entropy(scores, wanted, weight, ignore_index=-1, reduction="sum")
    counted = wanted >= 0 if weight is None else weight[wanted[wanted >= 0]]
    return total / counted.sum().clamp(min=1)


def depth_losses(seen: torch.Tensor, true: torch.Tensor, known: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return errors of log depth: up to one factor a picture, of that factor, and of its steps at four sizes.

    Source: the steps follow the multi-scale gradient term of Li and Snavely, MegaDepth, CVPR 2018.
    """
    weight = known.float()
    count = weight.sum((1, 2)).clamp(min=1)
    error = (seen - true) * weight
    shift = error.sum((1, 2)) / count
    spread = ((seen - true - shift[:, None, None]).abs() * weight).sum((1, 2)) / count
    steps = torch.zeros((), device=seen.device)
    for stride in (1, 2, 4, 8):
        part, mask = error[:, ::stride, ::stride], weight[:, ::stride, ::stride]
        for axis in (1, 2):
            both = mask.narrow(axis, 1, mask.shape[axis] - 1) * mask.narrow(axis, 0, mask.shape[axis] - 1)
            steps = steps + (part.diff(dim=axis).abs() * both).sum() / both.sum().clamp(min=1) / 4
    pictures = (weight.sum((1, 2)) > 0).sum().clamp(min=1)
    return {"depth": spread.sum() / pictures, "scale": shift.abs().sum() / pictures, "steps": steps}
