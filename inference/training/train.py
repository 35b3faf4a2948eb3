"""The training loop: any task, one process or several, resumed bit by bit, its record beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from .ahead import Ahead
from .checkpoints import CHECKPOINT, load_checkpoint, load_weights, save_checkpoint
from .team import Team
from .train_config import TrainConfig, learning_rate
from .train_record import TrainRecord

Batch = dict[str, torch.Tensor]
Parts = Mapping[str, torch.Tensor]
Progress = Callable[[int, int, dict[str, float]], None]
SHOWN = 4  # pictures of a batch


class Task(Protocol):
    """What the loop needs to know of a task."""

    def network(self) -> nn.Module:
        """Return the network with fresh weights."""
        ...

    def batch(self, step: int) -> Batch:
        """Return the batch of a step: the same whatever came before."""
        ...

    def losses(self, network: nn.Module, batch: Batch) -> tuple[torch.Tensor, Parts]:
        """Return the number to minimise, and its parts by name."""
        ...

    def picture(self, network: nn.Module, batch: Batch) -> np.ndarray:
        """Return (H, W, 3) uint8 sRGB: pictures of a batch, what a network sees in them, and the truth."""
        ...


def load_scene(config: TrainConfig) -> Task:
    """Return the task of the embedded network."""
    from .scene_task import SceneTask

    return SceneTask(config)


def load_pair(config: TrainConfig) -> Task:
    """Return the task of pairs: a background, and the same with something before it."""
    from .pair_task import PairTask

    return PairTask(config)


LOADERS: dict[str, Callable[[TrainConfig], Task]] = {"pair": load_pair, "scene": load_scene}


class Training:
    """A run: network, optimiser and averaged weights at some step.

    Attributes:
        step: batches that were seen.
        network: as it is trained; averaged: the same with the mean of its late weights, which is what ships; earlier:
            what that was at the restart.
    """

    def __init__(self, config: TrainConfig) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config, self.step, self.team = config, 0, Team(config.device)
        self.task = LOADERS[config.task](config)
        self._batches = Ahead(lambda number: self.task.batch(number))
        self.network = self.task.network().to(self.team.device, memory_format=torch.channels_last)
        if config.start is not None:
            self.network.load_state_dict(load_weights(config.start, config.task))
        self._shared = self.team.share(self.network)
        self.averaged = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.earlier: dict[str, torch.Tensor] = {}
        self.optimiser = torch.optim.AdamW(self.network.parameters(), config.rate, weight_decay=config.decay)

    def run(self, progress: Progress | None = None, until: int | None = None) -> dict[str, float]:
        """Train to the last step, or ``until`` one, with checkpoints on the way; return the mean of the late losses."""
        record = self._open_record()
        means: dict[str, float] = {}
        last = min(self.config.steps, self.config.steps if until is None else until)
        while self.step < last:
            rate = learning_rate(self.step, self.config)
            for name, value in self.advance(rate).items():
                means[name] = value if name not in means else 0.98 * means[name] + 0.02 * value
            if progress:
                progress(self.step, self.config.steps, means)
            if record and (self.step % self.config.save_every == 0 or self.step == last):
                self.save()
                record.write(self.step, means | {"rate": rate}, self._picture() if record.shows_pictures else None)
        if record:
            record.close()
        return means

    def advance(self, rate: float) -> dict[str, float]:
        """Take one step at a learning rate and return its losses."""
        config, device = self.config, self.team.device
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        number = self.step * self.team.size + self.team.rank
        following = number + self.team.size if self.step + 1 < config.steps else None
        given = self._batches.take(number, following)
        batch = {name: value.to(device) for name, value in given.items()}
        self._shared.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            total, parts = self.task.losses(self._shared, batch)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimiser.step()
        self.step += 1
        self._average()
        losses = {"total": float(total.detach())} | {name: float(value.detach()) for name, value in parts.items()}
        return self.team.mean(losses)

    def _average(self) -> None:
        config = self.config
        keep = min(config.average, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.averaged[name].lerp_(value, 1 - keep)
            else:
                self.averaged[name].copy_(value)
        if self.step == config.restart:
            self.earlier = {name: value.clone() for name, value in self.averaged.items() if value.is_floating_point()}
        if self.step == config.steps:
            for name, value in self.earlier.items():
                self.averaged[name].lerp_(value, config.blend)

    def save(self) -> Path:
        """Write the checkpoint, whole or not at all, and return its path."""
        path = self.config.output / CHECKPOINT
        saved = {
            "task": self.config.task,
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "earlier": self.earlier,
            "optimiser": self.optimiser.state_dict(),
        }
        save_checkpoint(path, saved)
        return path

    def resume(self) -> bool:
        """Go on from the output folder's checkpoint and return whether there was one."""
        path = self.config.output / CHECKPOINT
        if not path.is_file():
            return False
        saved = load_checkpoint(path, self.config.task)
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.averaged = {name: value.to(self.team.device) for name, value in saved["averaged"].items()}
        self.earlier = {name: value.to(self.team.device) for name, value in saved.get("earlier", {}).items()}
        self.step = saved["step"]
        return True

    def _open_record(self) -> TrainRecord | None:
        if not self.team.leads:
            return None
        parameters = sum(value.numel() for value in self.network.parameters())
        facts = {"from_step": self.step, "parameters": parameters, "processes": self.team.size}
        return TrainRecord(self.config, facts)

    @torch.inference_mode()
    def _picture(self) -> np.ndarray:
        """Return what the averaged network sees in the first batch; the one in training stays as it is."""
        network = deepcopy(self.network)
        network.load_state_dict(self.averaged)
        batch = {name: value[:SHOWN].to(self.team.device) for name, value in self._batches.take(0).items()}
        return self.task.picture(network.eval(), batch)
