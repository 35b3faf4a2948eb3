"""What a run writes beside its weights: its configuration, the data's description, losses, and pictures of progress."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ... import __version__
from .train_config import TrainConfig

RECORD, LOG = "run.json", "log.jsonl"


class TrainRecord:
    """Writes run.json once and a row of log.jsonl at each checkpoint; for TensorBoard too, where it is installed."""

    def __init__(self, config: TrainConfig, facts: Mapping[str, Any]) -> None:
        config.output.mkdir(parents=True, exist_ok=True)
        self._path = config.output / LOG
        self._board = _open_board(config)
        descriptions = [config.data / name for name in ("scenes.json", "dataset.json")]
        data: dict[str, Any] = next((json.loads(path.read_text()) for path in descriptions if path.is_file()), {})
        known = (
            asdict(config) | {"version": __version__, "torch": torch.__version__} | dict(facts) | {"data_facts": data}
        )
        (config.output / RECORD).write_text(json.dumps(known, default=str, indent=1))

    @property
    def shows_pictures(self) -> bool:
        """Whether somebody can look at pictures."""
        return self._board is not None

    def write(self, step: int, numbers: Mapping[str, float], picture: np.ndarray | None = None) -> None:
        """Add the losses at a step, and (H, W, 3) uint8 sRGB of what the network sees by now."""
        row = {"step": step, "time": round(time.time()), **{name: round(value, 5) for name, value in numbers.items()}}
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if self._board is not None:
            for name, value in numbers.items():
                self._board.add_scalar(name, value, step)
            if picture is not None:
                self._board.add_image("seen", picture, step, dataformats="HWC")
            self._board.flush()

    def close(self) -> None:
        """End the log."""
        if self._board is not None:
            self._board.close()


def _open_board(config: TrainConfig) -> Any:
    """Return a writer of TensorBoard's files, None where it is not installed or not wanted."""
    if not config.tensorboard:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(config.output / "tensorboard"))
