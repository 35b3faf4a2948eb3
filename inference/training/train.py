"""The training loop: any task, resumed bit by bit, its record beside the weights."""

from __future__ import annotations

import json
import math
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ... import __version__
from ...errors import CheckpointUnusable, TrainingConfigInvalid

Batch = dict[str, torch.Tensor]
Parts = Mapping[str, torch.Tensor]
Progress = Callable[[int, int, dict[str, float]], None]
CHECKPOINT, RECORD, LOG = "checkpoint.pt", "run.json", "log.jsonl"


@dataclass(frozen=True)
class TrainConfig:
    """What a configuration file may say; ``data`` and ``output`` are folders, relative to the file.

    Attributes:
        task: "scene" or "pair".
        steps: batches in all; batch: pictures in each; seed: of everything random.
        rate: the greatest learning rate, reached after ``warm_up`` steps, from where a cosine leads to a 50th of it.
        decay: of weights; clip: greatest norm of the gradient; average: of the weights that are kept (EMA).
        precision: "float32" or "bfloat16"; device: "cpu", "cuda"; threads: 0 takes what there is.
        save_every: steps between checkpoints; start: weights to begin with.
        options: what the task alone understands.
    """

    task: str
    data: Path
    output: Path
    steps: int = 20000
    batch: int = 32
    seed: int = 0
    rate: float = 2e-3
    warm_up: int = 200
    decay: float = 0.02
    clip: float = 5.0
    average: float = 0.999
    precision: str = "float32"
    device: str = "cpu"
    threads: int = 0
    save_every: int = 500
    start: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)


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


def load_scene(config: TrainConfig) -> Task:
    """Return the task of the embedded network."""
    from .scene_task import SceneTask

    return SceneTask(config)


def load_pair(config: TrainConfig) -> Task:
    """Return the task of pairs: a background, and the same with something before it."""
    from .pair_task import PairTask

    return PairTask(config)


TASKS: dict[str, Callable[[TrainConfig], Task]] = {"pair": load_pair, "scene": load_scene}


def read_config(path: Path) -> TrainConfig:
    """Read a configuration in TOML.

    Raises:
        TrainingConfigInvalid: it is missing, no TOML, has an unknown key, lacks one, or has a value of another type.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingConfigInvalid(f"{path} cannot be read as TOML ({error}): see docs/embedded.md.") from None
    known = {item.name: item for item in fields(TrainConfig)}
    for key, value in values.items():
        if key not in known:
            raise TrainingConfigInvalid(f"{path}: there is no key '{key}'; known are {', '.join(known)}.")
        wanted = str(known[key].type).split(" |")[0].removesuffix("[str, Any]")
        is_right = {"str": str, "Path": str, "int": int, "float": int | float, "dict": dict}[wanted]
        if not isinstance(value, is_right) or isinstance(value, bool):
            raise TrainingConfigInvalid(f"{path}: {key} = {value!r} should be of type {wanted}.")
        if wanted == "Path":
            values[key] = path.parent / str(value)
    missing = [key for key in ("task", "data", "output") if key not in values]
    if missing:
        raise TrainingConfigInvalid(f"{path} lacks {' and '.join(missing)}.")
    if values["task"] not in TASKS:
        raise TrainingConfigInvalid(f"{path}: there is no task '{values['task']}'; known are {', '.join(TASKS)}.")
    return TrainConfig(**values)


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the rate of a step: a straight rise, then a cosine down to a 50th."""
    if step < config.warm_up:
        return config.rate * (step + 1) / config.warm_up
    share = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return config.rate * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share))))


class Training:
    """A run: network, optimiser and averaged weights at some step.

    Attributes:
        step: batches that were seen.
        network: as it is trained; averaged: the same with the mean of its late weights, which is what ships.
    """

    def __init__(self, config: TrainConfig) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config, self.step = config, 0
        self.task = TASKS[config.task](config)
        self.network = self.task.network().to(config.device, memory_format=torch.channels_last)
        if config.start is not None:
            self.network.load_state_dict(load_weights(config.start, config.task))
        self.averaged = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.network.parameters(), config.rate, weight_decay=config.decay)

    def run(self, progress: Progress | None = None, until: int | None = None) -> dict[str, float]:
        """Train to the last step, or ``until`` one, with checkpoints on the way; return the mean of the late losses."""
        self.config.output.mkdir(parents=True, exist_ok=True)
        self._record()
        means: dict[str, float] = {}
        last = min(self.config.steps, self.config.steps if until is None else until)
        while self.step < last:
            for name, value in self.advance(learning_rate(self.step, self.config)).items():
                means[name] = value if name not in means else 0.98 * means[name] + 0.02 * value
            if progress:
                progress(self.step, self.config.steps, means)
            if self.step % self.config.save_every == 0 or self.step == last:
                self.save()
                self._log(means)
        return means

    def advance(self, rate: float) -> dict[str, float]:
        """Take one step at a learning rate and return its losses."""
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = {name: value.to(config.device) for name, value in self.task.batch(self.step).items()}
        self.network.train()
        with torch.autocast(config.device, torch.bfloat16, enabled=config.precision == "bfloat16"):
            total, parts = self.task.losses(self.network, batch)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimiser.step()
        self.step += 1
        keep = min(config.average, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.averaged[name].lerp_(value, 1 - keep)
            else:
                self.averaged[name].copy_(value)
        return {"total": float(total.detach())} | {name: float(value.detach()) for name, value in parts.items()}

    def save(self) -> Path:
        """Write the checkpoint, whole or not at all, and return its path."""
        path = self.config.output / CHECKPOINT
        staging = path.with_suffix(".part")
        torch.save(
            {
                "task": self.config.task,
                "step": self.step,
                "network": self.network.state_dict(),
                "averaged": self.averaged,
                "optimiser": self.optimiser.state_dict(),
            },
            staging,
        )
        staging.replace(path)
        return path

    def resume(self) -> bool:
        """Go on from the output folder's checkpoint and return whether there was one."""
        path = self.config.output / CHECKPOINT
        if not path.is_file():
            return False
        saved = load_checkpoint(path, self.config.task)
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.averaged = {name: value.to(self.config.device) for name, value in saved["averaged"].items()}
        self.step = saved["step"]
        return True

    def _record(self) -> None:
        facts = asdict(self.config) | {"version": __version__, "torch": torch.__version__, "from_step": self.step}
        facts["parameters"] = sum(value.numel() for value in self.network.parameters())
        descriptions = [self.config.data / name for name in ("scenes.json", "dataset.json")]
        facts["data_facts"] = next((json.loads(path.read_text()) for path in descriptions if path.is_file()), {})
        (self.config.output / RECORD).write_text(json.dumps(facts, default=str, indent=1))

    def _log(self, means: dict[str, float]) -> None:
        row = {
            "step": self.step,
            "time": round(time.time()),
            **{name: round(value, 5) for name, value in means.items()},
        }
        with (self.config.output / LOG).open("a") as file:
            file.write(json.dumps(row) + "\n")


def load_checkpoint(path: Path, task: str) -> dict[str, Any]:
    """Read a checkpoint of a task.

    Raises:
        CheckpointUnusable: it is missing, damaged, or of another task.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001  torch raises whatever its readers raise
        raise CheckpointUnusable(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}): train anew."
        ) from None
    if not isinstance(saved, dict) or saved.get("task") != task:
        found = saved.get("task") if isinstance(saved, dict) else None
        raise CheckpointUnusable(f"{path} is a checkpoint of the task {found}, not of {task}: name one of {task}.")
    return saved


def load_weights(path: Path, task: str) -> dict[str, torch.Tensor]:
    """Return the averaged weights of a checkpoint, the ones to use."""
    return load_checkpoint(path, task)["averaged"]
