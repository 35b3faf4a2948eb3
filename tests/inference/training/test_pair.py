from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

import torch
from blockout.errors import CheckpointUnusable, DatasetUnusable, TrainingConfigInvalid
from blockout.inference.training.checkpoints import CHECKPOINT
from blockout.inference.training.compose import compose
from blockout.inference.training.compose_pictures import Composer
from blockout.inference.training.compose_plan import Recipe
from blockout.inference.training.pair_data import PairSet
from blockout.inference.training.pair_network import PairNetwork
from blockout.inference.training.pair_task import PairTask, cut_out, evaluate_pair, load_pair
from blockout.inference.training.train import Training
from blockout.inference.training.train_config import TrainConfig


@pytest.fixture
def depth_recipe(recipe: Recipe, material: Path) -> Recipe:
    (material / "depths").mkdir()
    for index in range(2):
        ramp = np.linspace(9, 2 + index, 72, dtype=np.float32)[:, None].repeat(96, axis=1)
        ramp[:20] = np.nan
        np.save(material / "depths" / f"ramp{index}.npy", ramp)
    return replace(recipe, size=(64, 96), background_depths=str(material / "depths"))


@pytest.fixture
def config(depth_recipe: Recipe, tmp_path: Path) -> TrainConfig:
    compose(depth_recipe, tmp_path / "set")
    return TrainConfig("pair", tmp_path / "set", tmp_path / "run", steps=60, batch=4, warm_up=5, rate=4e-3, average=0.5)


def test_pairs_are_what_was_composed(config: TrainConfig, depth_recipe: Recipe) -> None:
    pairs, composer = PairSet(config.data), Composer(depth_recipe)
    assert len(pairs) == 24
    for number in (0, 7, 23):
        pair, drawn = pairs[number], composer.draw(number)
        assert drawn.depth is not None
        np.testing.assert_array_equal(pair.mask, drawn.mask > 0)
        np.testing.assert_allclose(pair.depth, drawn.depth / 10, atol=1e-4)  # NaN equals NaN here
        assert np.isnan(pair.depth[0]).sum() >= 1
        background = composer.background_bgr(drawn.sample.background)[..., ::-1]
        assert np.abs(pair.background.astype(int) - background).mean() < 4
        assert np.abs(pair.overlay.astype(int) - drawn.overlay_bgr[..., ::-1]).mean() < 6


def test_a_step_has_the_same_batch_whatever_came_before(config: TrainConfig) -> None:
    one, other = PairTask(config), PairTask(config)
    one.batch(0)
    first, second = one.batch(5), other.batch(5)
    assert first.keys() == second.keys() == {"background", "overlay", "mask", "depth"}
    assert all(torch.equal(first[name].nan_to_num(), second[name].nan_to_num()) for name in first)
    assert not torch.equal(first["overlay"], one.batch(6)["overlay"])


def test_photographs_without_depth_mix_in(config: TrainConfig, recipe: Recipe) -> None:
    compose(replace(recipe, size=(64, 96)), config.data.with_name("photographs"))
    task = PairTask(replace(config, options={"photographs": "../photographs", "share": 0.5, "changes": 0.0}))
    batches = [task.batch(step) for step in range(12)]
    known = torch.stack([batch["depth"].isfinite().flatten(1).any(1) for batch in batches])
    assert known[:, 0].all() and 0.2 < 1 - known[:, 1:].float().mean() < 0.8
    total, parts = task.losses(task.network(), batches[0])
    assert total.isfinite() and all(value.isfinite() for value in parts.values())


def test_half_of_the_pairs_are_mirrored_and_changed(config: TrainConfig) -> None:
    pairs = PairSet(config.data)
    known = {pair.mask.tobytes() for pair in (pairs[number] for number in range(len(pairs)))}
    plain = PairTask(replace(config, options={"changes": 0.0}))
    masks = torch.cat([plain.batch(step)["mask"] for step in range(20)])[:, 0].bool().numpy()
    as_drawn = [mask.tobytes() in known for mask in masks]
    assert 0.2 < np.mean(as_drawn) < 1
    assert all(drawn or mask[:, ::-1].tobytes() in known for drawn, mask in zip(as_drawn, masks, strict=True))
    overlays = {pairs[number].overlay.tobytes() for number in range(len(pairs))}
    for share, expected in ((0.0, True), (1.0, False)):
        task = PairTask(replace(config, options={"changes": share}))
        shown = (task.batch(0)["overlay"] * 255).round().byte().permute(0, 2, 3, 1).numpy()
        found = [any(view.tobytes() in overlays for view in (picture, picture[:, ::-1])) for picture in shown]
        assert all(found) if expected else not any(found)


def test_cuts_show_the_foreground_and_are_of_one_size(config: TrainConfig) -> None:
    task = PairTask(replace(config, options={"crop": 32, "changes": 0.0}))
    batches = [task.batch(step) for step in range(10)]
    assert all(value.shape[2:] == (32, 32) for batch in batches for value in batch.values())
    assert all((batch["mask"].flatten(1).sum(1) > 0).all() for batch in batches)
    assert min(batch["mask"].mean() for batch in batches) < 0.9
    pair = task._sets[0][0]
    assert cut_out(pair, 500, np.random.default_rng(0)).mask.shape == pair.mask.shape
    nothing = replace(pair, mask=np.zeros_like(pair.mask))
    assert cut_out(nothing, 32, np.random.default_rng(0)).overlay.shape == (32, 32, 3)


def test_a_mask_is_learnt_and_measured_without_depth(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, size=(64, 96)), tmp_path / "set")
    options = {"losses": {"mask": {"bce": 1.0}}, "changes": 0.0}
    config = TrainConfig("pair", tmp_path / "set", tmp_path / "run", steps=2, batch=2, options=options)
    training = Training(config)
    assert isinstance(training.task, PairTask) and training.task.outputs == ("mask",)
    training.run()
    assert set(evaluate_pair(load_pair(config.output / CHECKPOINT), config.data)) == {"mask_iou", "samples"}


def test_the_network_is_small_and_gives_logits_of_the_pictures_size() -> None:
    network = PairNetwork()
    assert sum(value.numel() for value in network.parameters()) <= 1_800_000
    seen = network(torch.rand(2, 3, 64, 96), torch.rand(2, 3, 64, 96))
    assert {name: tuple(value.shape) for name, value in seen.items()} == {
        "mask": (2, 1, 64, 96),
        "depth": (2, 1, 64, 96),
    }


def test_a_tiny_data_set_is_learnt_by_heart(config: TrainConfig) -> None:
    training = Training(replace(config, options={"losses": "rmse-bce-dice"}))
    before = evaluate_pair(training.network.eval(), config.data)
    training.run()
    after = evaluate_pair(load_pair(config.output / CHECKPOINT), config.data)
    assert after["mask_iou"] > max(0.8, before["mask_iou"])
    assert after["depth_rmse"] < 0.7 * after["depth_rmse_constant"]
    assert after["samples"] == 24


def test_a_perfect_answer_gets_full_marks(config: TrainConfig) -> None:
    pairs = PairSet(config.data)
    answers = iter(range(0, 24, 16))

    def know(background: torch.Tensor, overlay: torch.Tensor) -> dict[str, torch.Tensor]:
        first = next(answers)
        known = [pairs[number] for number in range(first, min(first + 16, 24))]
        mask = torch.from_numpy(np.stack([pair.mask for pair in known]))[:, None].float()
        depth = torch.from_numpy(np.stack([pair.depth for pair in known]))[:, None].nan_to_num(0.5)
        return {"mask": mask - 0.5, "depth": torch.logit(depth)}

    found = evaluate_pair(know, config.data)
    assert found["mask_iou"] == pytest.approx(1)
    assert found["depth_rmse"] == pytest.approx(0, abs=1e-4)


def test_going_on_after_a_checkpoint_changes_nothing(config: TrainConfig, tmp_path: Path) -> None:
    whole = Training(replace(config, steps=6))
    whole.run()
    cut = replace(config, steps=6, output=tmp_path / "cut")
    Training(cut).run(until=3)
    resumed = Training(cut)
    assert resumed.resume()
    resumed.run()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


@pytest.mark.parametrize("options", [{"nonsense": 1}, {"losses": "no-mix"}, {"losses": {"mask": {"no-loss": 1.0}}}])
def test_options_that_make_no_sense_are_named(config: TrainConfig, options: dict[str, object]) -> None:
    with pytest.raises(TrainingConfigInvalid, match=r"nonsense|no-mix|no-loss"):
        PairTask(replace(config, options=options))


def test_a_data_set_without_depth_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    with pytest.raises(DatasetUnusable, match=r"sample 000000000 has no depth\.png; compose .* --background-depths"):
        PairSet(tmp_path / "set")


def test_another_layout_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, layout="tree"), tmp_path / "set")
    with pytest.raises(DatasetUnusable, match="is no data set of composites in shards"):
        PairSet(tmp_path / "set")


def test_a_checkpoint_of_another_task_is_refused(tmp_path: Path) -> None:
    torch.save({"task": "scene", "averaged": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointUnusable, match="of the task scene, not of pair"):
        load_pair(tmp_path / "checkpoint.pt")
