"""Composites teach the scene task what their masks tell, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.inference.training.compose import compose
from blockout.inference.training.compose_plan import Recipe
from blockout.inference.training.network import CHANNELS
from blockout.inference.training.scene_composites import SceneComposites
from blockout.inference.training.scene_data import pack_arrays, write_shard
from blockout.inference.training.scene_losses import scene_losses
from blockout.inference.training.scene_targets import Batch, make_batch
from blockout.inference.training.scene_task import SceneTask
from blockout.inference.training.synthesis import Studio
from blockout.inference.training.train_config import TrainConfig


@pytest.fixture
def folder(recipe: Recipe, tmp_path: Path) -> Path:
    """Return a folder with six scenes and, in ``pairs``, composites without depth."""
    arrays = pack_arrays(Studio(seed=1).make(list(range(6)), (64, 96)))
    write_shard(tmp_path / "scenes-00000", [arrays])
    compose(replace(recipe, size=(64, 80)), tmp_path / "pairs")
    return tmp_path


@pytest.fixture
def batch(folder: Path) -> Batch:
    arrays = {path.stem: np.load(path) for path in (folder / "scenes-00000").glob("*.npy")}
    return make_batch(arrays)


def test_composites_take_the_place_of_some_rows(folder: Path, batch: Batch) -> None:
    mixed = SceneComposites(folder / "pairs", 0.5).mix(batch, np.random.default_rng(0))
    new = ~mixed["camera"].isfinite().all(1)
    assert 0 < new.sum() < 6
    assert {name: value.shape for name, value in mixed.items()} == {name: v.shape for name, v in batch.items()}
    for name, value in mixed.items():
        assert value.dtype == batch[name].dtype, name
        assert torch.equal(value[~new].nan_to_num(), batch[name][~new].nan_to_num()), name
    kinds = mixed["kind"][new]
    assert set(kinds.unique().tolist()) == {-1, 3}
    assert torch.equal(mixed["has_centre"][new] > 0, kinds == 3)
    assert (mixed["told"][new] >= (kinds == 3)).all() and mixed["told"][new].mean() < 1


def test_all_rows_are_never_composites(folder: Path, batch: Batch) -> None:
    mixed = SceneComposites(folder / "pairs", 1.0).mix(batch, np.random.default_rng(0))
    assert mixed["camera"].isfinite().all(1).sum() == 1


def test_losses_ask_for_nothing_that_a_composite_does_not_tell(folder: Path, batch: Batch) -> None:
    mixed = SceneComposites(folder / "pairs", 0.5).mix(batch, np.random.default_rng(0))
    maps = torch.zeros(6, sum(CHANNELS.values()), 32, 48, requires_grad=True)
    camera = torch.zeros(6, 4, requires_grad=True)
    total, parts = scene_losses(maps, camera, mixed)
    assert all(value.isfinite() for value in parts.values())
    total.backward()
    new = ~mixed["camera"].isfinite().all(1)
    assert maps.grad is not None and camera.grad is not None
    assert camera.grad[new].abs().sum() == 0 and camera.grad[~new].abs().sum() > 0
    by_name = dict(zip(CHANNELS, maps.grad.split(list(CHANNELS.values()), 1), strict=True))
    for name in ("depth", "shape", "normal"):
        assert by_name[name][new].abs().sum() == 0, name
    for name in ("kind", "edge", "centre"):
        elsewhere = mixed["told"][new] == 0
        assert by_name[name][new].abs().amax(1)[elsewhere].sum() == 0, name
        assert by_name[name][new].abs().sum() > 0, name


def test_the_task_mixes_them_the_same_whatever_came_before(folder: Path) -> None:
    options = {"composites": "pairs", "share": 0.5}
    config = TrainConfig("scene", folder, folder / "run", batch=6, options=options)
    one, two = SceneTask(config), SceneTask(config)
    one.batch(3)
    first, second = one.batch(4), two.batch(4)
    assert all(torch.equal(first[name].nan_to_num(), second[name].nan_to_num()) for name in first)
    assert (~first["camera"].isfinite().all(1)).any()
