"""Several processes train as one does on all their batches together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.inference.training.checkpoints import load_checkpoint
from blockout.inference.training.scene_data import pack_arrays, write_shard
from blockout.inference.training.synthesis import Studio
from blockout.inference.training.train import Batch, Training
from blockout.inference.training.train_config import read_config

CONFIG = """
task = "scene"
data = "."
output = "{output}"
steps = 3
batch = 2
warm_up = 2
save_every = 1
threads = 1
tensorboard = false
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with four scenes and a configuration for one process and for two."""
    folder = tmp_path_factory.mktemp("scenes")
    write_shard(folder / "scenes-00000", [pack_arrays(Studio(seed=1).make([0, 1, 2, 3], (64, 96)))])
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text(CONFIG.format(output=name))
    return folder


def _run_two(folder: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "blockout"]
    command += ["train", str(folder / "two.toml"), "--quiet"]
    settings = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    made = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr[-2000:]


def _run_one_on_both_batches(folder: Path) -> Training:
    training = Training(read_config(folder / "one.toml"))
    single = training.task.batch

    def both(step: int) -> Batch:
        first, second = single(2 * step), single(2 * step + 1)
        return {name: torch.cat([first[name], second[name]]) for name in first}

    training.task.batch = both  # type: ignore[method-assign]
    training.run()
    return training


def test_two_processes_learn_what_one_learns_from_the_doubled_batch(folder: Path) -> None:
    _run_two(folder)
    one, two = _run_one_on_both_batches(folder), load_checkpoint(folder / "two" / "checkpoint.pt", "scene")
    rows = {}
    for name in ("one", "two"):
        rows[name] = [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows["two"]] == [1, 2, 3]  # one process writes
    for a, b in zip(rows["one"], rows["two"], strict=True):
        assert b["total"] == pytest.approx(a["total"], rel=0.01)
    assert json.loads((folder / "two" / "run.json").read_text())["processes"] == 2
    first = "down.0.0.1"  # the first statistics, which hardly depend on what was learnt: of the batches of both
    spread = two["network"][f"{first}.running_var"].sqrt()
    gap = (two["network"][f"{first}.running_mean"] - one.network.state_dict()[f"{first}.running_mean"]).abs()
    assert (gap < 0.01 * spread).all()
