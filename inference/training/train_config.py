"""What a run of training is told: a configuration in TOML."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ...errors import TrainingConfigInvalid

TASKS = ("pair", "scene")


@dataclass(frozen=True)
class TrainConfig:
    """What a configuration file may say; ``data`` and ``output`` are folders, relative to the file.

    Attributes:
        task: "scene" or "pair".
        steps: batches in all; batch: pictures in each, for each process; seed: of everything random.
        rate: the greatest learning rate, reached after ``warm_up`` steps, from where a cosine leads to a 50th of it.
        restart: the step at which that begins anew (0: never), as in SGDR (Loshchilov and Hutter, 2017).
        blend: share of the weights kept at the restart in those kept at the end, as in model soups (Wortsman et al.,
            2022): both ends of such a training err differently, and weights between them err less on photos.
        decay: of weights; clip: greatest norm of the gradient; average: of the weights that are kept (EMA).
        precision: "float32" or "bfloat16"; device: "cpu", "cuda"; threads: 0 takes what there is.
        save_every: steps between checkpoints; start: weights to begin with.
        tensorboard: whether losses and pictures are written for it too, where it is installed.
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
    restart: int = 0
    blend: float = 0.0
    decay: float = 0.02
    clip: float = 5.0
    average: float = 0.999
    precision: str = "float32"
    device: str = "cpu"
    threads: int = 0
    save_every: int = 500
    tensorboard: bool = True
    start: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)


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
        is_right = {"str": str, "Path": str, "int": int, "float": int | float, "dict": dict, "bool": bool}[wanted]
        if not isinstance(value, is_right) or isinstance(value, bool) != (wanted == "bool"):
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
    """Return the rate of a step: a straight rise, then a cosine down to a 50th; the same again from a restart on."""
    began, ends = (0, config.restart or config.steps) if step < config.restart else (config.restart, config.steps)
    if step - began < config.warm_up:
        return config.rate * (step - began + 1) / config.warm_up
    share = (step - began - config.warm_up) / max(1, ends - began - config.warm_up)
    return config.rate * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share))))
