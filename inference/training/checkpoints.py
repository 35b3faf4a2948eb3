"""Checkpoints of training: written whole or not at all, read only when they fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...errors import CheckpointUnusable

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(path: Path, saved: dict[str, Any]) -> None:
    """Write a checkpoint in place of an older one."""
    staging = path.with_suffix(".part")
    torch.save(saved, staging)
    staging.replace(path)


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
