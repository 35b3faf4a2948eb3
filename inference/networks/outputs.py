"""Take a network's output over to NumPy, once it is known to be usable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ...errors import EstimateUnusable


def to_numpy(output: torch.Tensor, path: Path, what: str) -> np.ndarray:
    """Return a network's output as float32, after making sure that all of it is finite.

    Args:
        output: of any shape, type and device.
        path: of the checkpoint, for the error.
        what: the output's name, for the error.

    Raises:
        EstimateUnusable: it holds NaN or infinity.
    """
    array: np.ndarray = output.float().cpu().numpy()
    share = float(np.isfinite(array).mean()) if array.size else 1.0
    if share < 1:
        raise EstimateUnusable(
            f"{path}: {100 * (1 - share):.3g} % of the network's {what} is not finite for this photo; "
            "check that the checkpoint is the published one, or use --device cpu"
        )
    return array
