import sys
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import DeviceUnusable, MemoryExhausted
from blockout.inference import peak_memory
from blockout.inference.peak_memory import forget_peak, read_peak_mb
from blockout.inference.torch_runtime import choose_device, half_precision, run_within_memory

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")


def fit(largest: int, error: Exception) -> tuple[int, str]:
    def run(size: int) -> int:
        if size > largest:
            raise error
        return size

    return run_within_memory(run, [800, 600, 400])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate"),
        RuntimeError("[enforce fail] not enough memory"),
    ],
)
def test_memory_that_runs_out_takes_the_next_smaller_size_and_says_so(error: Exception) -> None:
    assert fit(600, error) == (600, "at 600 px, since memory ran out at 800")
    assert fit(800, error) == (800, "")
    with pytest.raises(MemoryExhausted, match="Memory ran out even at 400 px; use a smaller model"):
        fit(300, error)


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        fit(300, RuntimeError("shapes cannot be multiplied"))


def test_a_device_that_is_not_there_is_told() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda", "mps")
    if not torch.backends.mps.is_available():
        with pytest.raises(DeviceUnusable, match=r"--device mps: torch .* finds no such device here; use .*cpu"):
            choose_device("mps")


def test_processors_compute_in_full_precision() -> None:
    with half_precision("cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a peak anew")
def test_the_peak_is_that_of_the_work_at_hand() -> None:
    before = read_peak_mb()["process"]
    held = np.ones(40 << 20, np.float64)  # 320 MB
    large = read_peak_mb()["process"]
    assert held.sum() > 0
    del held
    forget_peak()
    assert large >= before + 250 or before >= 300
    assert read_peak_mb()["process"] < large - 200


def test_where_the_system_does_not_tell_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peak_memory, "_STATUS", tmp_path / "none")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert "process" not in read_peak_mb()
