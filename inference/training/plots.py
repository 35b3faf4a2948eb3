"""Write pictures for people to look at: contact sheets and plots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import OutputUnwritable
from ..files import reason_of


def write_picture(picture: np.ndarray, path: Path) -> None:
    """Write (H, W, 3) uint8 sRGB as PNG.

    Raises:
        OutputUnwritable: the file cannot be written.
    """
    try:
        Image.fromarray(picture).save(path, format="PNG")
    except OSError as error:
        reason = reason_of(error).lower()
        raise OutputUnwritable(f"{path} could not be written ({reason}): name another file.") from error
