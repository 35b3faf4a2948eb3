"""The pair task: what the loop trains, and how good it is on pairs that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ...errors import TrainingConfigInvalid, UsageError
from .checkpoints import load_weights
from .losses import choose_weights, sum_losses
from .pair_changes import change_between
from .pair_data import Pair, PairSet, has_depth
from .pair_network import OUTPUTS, PairNetwork
from .progress_sheets import draw_pair_sheet
from .train import Batch, Parts
from .train_config import TrainConfig

OPTIONS = ("changes", "crop", "losses", "photographs", "share")


class PairTask:
    """Feeds composites to the loop, half of them mirrored.

    Its options: ``losses``, a mix's name or the weights by output and loss; ``changes``, the share of pairs whose two
    pictures differ in more than the foreground (0.5); ``photographs``, a further data set, relative to the other, that
    needs no depth, and ``share``, of pairs that come from it (0.3); ``crop``, the side in px of the squares that are
    cut from pairs with some of the foreground in them (0: whole).
    """

    def __init__(self, config: TrainConfig) -> None:
        unknown = [key for key in config.options if key not in OPTIONS]
        if unknown:
            raise TrainingConfigInvalid(f"options.{unknown[0]}: the task pair knows only {', '.join(OPTIONS)}.")
        try:
            self._weights = choose_weights(config.options.get("losses", "rmse-bce-dice"))
        except UsageError as error:
            raise TrainingConfigInvalid(f"options.losses: {error}") from None
        self._config, self._changes = config, float(config.options.get("changes", 0.5))
        self._crop = int(config.options.get("crop", 0))
        self._sets = [PairSet(config.data, with_depth="depth" in self.outputs)]
        folder = config.options.get("photographs")
        self._share = 0.0 if folder is None else float(config.options.get("share", 0.3))
        if folder is not None:
            self._sets.append(PairSet(config.data / str(folder), with_depth=False))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return what the network is trained to tell."""
        return tuple(name for name in OUTPUTS if name in self._weights)

    def network(self) -> nn.Module:
        """Return the network with fresh weights."""
        return PairNetwork()

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, the same whatever came before; its first pair has depth."""
        rng = np.random.default_rng([self._config.seed, step])
        return stack([self._draw(row > 0 and rng.random() < self._share, rng) for row in range(self._config.batch)])

    def _draw(self, of_photographs: bool, rng: np.random.Generator) -> Pair:
        pairs = self._sets[int(of_photographs)]
        pair = pairs[int(rng.integers(len(pairs)))]
        if rng.random() < self._changes:
            pair = change_between(pair, rng)
        if self._crop:
            pair = cut_out(pair, self._crop, rng)
        if rng.random() < 0.5:
            pair = Pair(*(np.ascontiguousarray(value[:, ::-1]) for value in vars(pair).values()))
        return pair

    def losses(self, network: nn.Module, batch: Batch) -> tuple[torch.Tensor, Parts]:
        """Return the number to minimise, and its parts by name."""
        logits = {name: value.float() for name, value in network(batch["background"], batch["overlay"]).items()}
        targets = {"mask": batch["mask"], "depth": batch["depth"].nan_to_num(0.0)}
        return sum_losses(logits, targets, self._weights, {"depth": batch["depth"].isfinite()})

    def picture(self, network: nn.Module, batch: Batch) -> np.ndarray:
        """Return (H, W, 3) uint8 sRGB: pairs, masks and nearness as seen and as they are."""
        logits = network(batch["background"], batch["overlay"])
        return draw_pair_sheet(batch, torch.sigmoid(logits["mask"]), torch.sigmoid(logits["depth"]))


def cut_out(pair: Pair, side: int, rng: np.random.Generator) -> Pair:
    """Return a square of a pair, ``side`` px or as much as there is, with some of the foreground in it, if any."""
    places = np.argwhere(pair.mask)
    height, width = pair.mask.shape
    middle = places[rng.integers(len(places))] if len(places) else rng.integers((height, width))
    first = middle - rng.integers(0, side, 2)
    top, left = np.clip(first, 0, np.maximum([height - side, width - side], 0))
    window = np.s_[top : top + side, left : left + side]
    return Pair(*(np.ascontiguousarray(value[window]) for value in vars(pair).values()))


def stack(pairs: list[Pair]) -> Batch:
    """Return pairs as (B, C, H, W) float32 from 0 to 1; depth that is unknown is NaN."""
    pictures = {
        name: torch.from_numpy(np.stack([getattr(pair, name) for pair in pairs])).permute(0, 3, 1, 2).float() / 255
        for name in ("background", "overlay")
    }
    maps = {
        name: torch.from_numpy(np.stack([getattr(pair, name) for pair in pairs]))[:, None].float()
        for name in ("mask", "depth")
    }
    return pictures | maps


def load_pair(path: Path) -> PairNetwork:
    """Return the network of a checkpoint, ready to see.

    Raises:
        CheckpointUnusable: it is missing, damaged, or of another task.
    """
    network = PairNetwork()
    network.load_state_dict(load_weights(path, "pair"))
    return network.eval()


def evaluate_pair(
    network: nn.Module,
    folder: Path,
    count: int | None = None,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """Measure a network on a data set of composites.

    Args:
        network: as ``load_pair`` returns it.
        folder: of a data set in shards.
        count: samples from its beginning, all by default.
        batch: samples at once.
        progress: called with samples done and samples wanted.

    Returns:
        ``mask_iou``, the mean over pictures of masks cut at 0.5; ``depth_rmse``, over all known pixels, 0 to 1, and the
        same of the floors "constant" (the mean depth) and inside the masks, unless the data set has no depth;
        ``samples``.
    """
    pairs = PairSet(folder, with_depth=has_depth(folder))
    wanted = len(pairs) if count is None else min(count, len(pairs))
    overlaps: list[torch.Tensor] = []
    sums = torch.zeros(6, dtype=torch.float64)  # squares, pixels, squares and pixels inside, depth, depth squared
    for first in range(0, wanted, batch):
        given = stack([pairs[number] for number in range(first, min(first + batch, wanted))])
        with torch.inference_mode():
            seen = network(given["background"], given["overlay"])
        mask, true = seen["mask"] > 0, given["mask"] > 0.5
        overlaps.append((mask & true).sum((1, 2, 3)) / (mask | true).sum((1, 2, 3)).clamp(min=1))
        known = given["depth"].isfinite()
        depth = given["depth"].nan_to_num(0.0)
        squares = (torch.sigmoid(seen["depth"]) - depth) ** 2 * known
        inside = known & true
        row = [squares.sum(), known.sum(), (squares * inside).sum(), inside.sum(), depth.sum(), (depth**2).sum()]
        sums += torch.stack([value.double() for value in row])
        if progress:
            progress(min(first + batch, wanted), wanted)
    found = {"mask_iou": float(torch.cat(overlaps).mean()), "samples": float(wanted)}
    return found | (_errors_of_depth(sums) if sums[1] else {})


def _errors_of_depth(sums: torch.Tensor) -> dict[str, float]:
    squares, known, squares_inside, inside, depth, depth_squares = sums.clamp(min=1e-12).tolist()
    return {
        "depth_rmse": (squares / known) ** 0.5,
        "depth_rmse_inside": (squares_inside / inside) ** 0.5,
        "depth_rmse_constant": max(0.0, depth_squares / known - (depth / known) ** 2) ** 0.5,
    }
