"""Open a network file with ONNX Runtime, which is imported here alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import DeviceUnusable, WeightsUnusable
from .files import reason_of
from .torch_runtime import require

PROVIDERS = {  # by device, the fastest first
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "mps": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


def open_session(path: Path, wanted_by: str, device: str = "auto", *, remedy: str = "export it again") -> Any:
    """Return ONNX Runtime's session for a network file.

    Args:
        path: a file that is there.
        wanted_by: who needs ONNX Runtime, for the sentence.
        device: "auto" takes the fastest that is there.
        remedy: what to do with a file that is no network, for the sentence.

    Raises:
        LibraryMissing: ONNX Runtime is not installed.
        DeviceUnusable: it does not know the device here.
        WeightsUnusable: the file is no network.
    """
    runtime = require("onnxruntime", wanted_by)
    there = runtime.get_available_providers()
    if device != "auto" and PROVIDERS[device] not in there:
        raise DeviceUnusable(f"--device {device}: onnxruntime {runtime.__version__} has no {PROVIDERS[device]}")
    wanted = [provider for name, provider in PROVIDERS.items() if provider in there and device in ("auto", name)]
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads would slow down who is next
    try:
        return runtime.InferenceSession(path, options, providers=wanted)
    except Exception as error:  # ONNX Runtime's classes derive from nothing else
        raise WeightsUnusable(
            f"{path}: this is no network in the ONNX format, or an incomplete one ({first_line(error)}); {remedy}"
        ) from error


def first_line(error: BaseException) -> str:
    """Return what ONNX Runtime's long errors begin with, without its codes."""
    line = reason_of(Exception(str(error).strip().split("\n")[0]))
    line = line.split(" : ")[-1]
    return line if len(line) < 160 else line[:157] + "..."
