import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.errors import CheckpointUnusable, TrainingConfigInvalid
from blockout.inference.training import scene_turns, train_config
from blockout.inference.training.checkpoints import load_weights
from blockout.inference.training.network import SceneNetwork
from blockout.inference.training.scene_data import pack_arrays, write_shard
from blockout.inference.training.scene_losses import scene_losses
from blockout.inference.training.scene_targets import find_borders, find_middles, make_batch
from blockout.inference.training.scene_task import SceneTask
from blockout.inference.training.synthesis import Studio
from blockout.inference.training.train import Training
from blockout.inference.training.train_config import TrainConfig, learning_rate, read_config


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return pack_arrays(Studio(seed=1).make(list(range(4)), (64, 96)))


@pytest.fixture(scope="module")
def config(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    folder = tmp_path_factory.mktemp("scenes")
    write_shard(folder / "scenes-00000", [arrays])
    return TrainConfig("scene", folder, folder / "run", steps=6, batch=2, warm_up=2, save_every=3)


def test_one_batch_can_be_learned_by_heart(arrays: dict[str, np.ndarray]) -> None:
    torch.manual_seed(0)
    batch, network = make_batch({name: array[:2] for name, array in arrays.items()}), SceneNetwork()
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    losses = []
    for _ in range(60):
        maps, camera = network(batch["rgb"])
        total, parts = scene_losses(maps, camera, batch)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        losses.append({"total": total.item()} | {name: part.item() for name, part in parts.items()})
    assert losses[-1]["total"] < 0.35 * losses[0]["total"]
    for name in ("depth", "kind", "edge", "offset", "normal", "down"):
        assert losses[-1][name] < 0.75 * losses[0][name], name


def test_losses_are_numbers_where_no_kind_and_no_shape_is_known(arrays: dict[str, np.ndarray]) -> None:
    batch = make_batch(arrays)
    unknown = {"kind": torch.full_like(batch["kind"], -1), "shape": torch.full_like(batch["shape"], -1)}
    maps, camera = (part.detach().requires_grad_() for part in SceneNetwork()(batch["rgb"]))
    total, parts = scene_losses(maps, camera, batch | unknown)
    total.backward()
    assert all(value.isfinite() for value in parts.values())
    assert parts["kind"] == 0 and parts["shape"] == 0
    assert maps.grad is not None and maps.grad.isfinite().all()


@pytest.mark.parametrize("restart", [0, 2])
def test_resuming_equals_no_interruption(config: TrainConfig, tmp_path: Path, restart: int) -> None:
    config = replace(config, restart=restart, blend=0.3)
    whole = Training(replace(config, output=tmp_path / "whole"))
    whole.run()
    half = replace(config, output=tmp_path / "half")
    Training(half).run(until=3)
    second = Training(half)
    assert second.resume()
    assert second.step == 3
    second.run()
    for name, value in whole.averaged.items():
        assert torch.equal(value, second.averaged[name]), name
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name
    assert (tmp_path / "half" / "run.json").is_file()


def test_a_share_of_the_weights_at_the_restart_is_kept(config: TrainConfig) -> None:
    plain, blended = (Training(replace(config, steps=4, restart=2, blend=blend)) for blend in (0.0, 0.3))
    plain.run()
    blended.run()
    for name, last in plain.averaged.items():
        if last.is_floating_point():
            torch.testing.assert_close(blended.averaged[name], 0.3 * plain.earlier[name] + 0.7 * last)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('task = "scene"\ndata = "d"\noutput = "o"\nlearning_rat = 1.0\n')
    with pytest.raises(TrainingConfigInvalid, match=r"no key 'learning_rat'; known are task"):
        read_config(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task = ", "cannot be read as TOML"),
        ('task = "scene"\ndata = "d"', "lacks output"),
        ('task = "seen"\ndata = "d"\noutput = "o"', "no task 'seen'; known are pair, scene"),
        ('task = "scene"\ndata = "d"\noutput = "o"\nsteps = "many"', "steps = 'many' should be of type int"),
    ],
)
def test_a_wrong_configuration_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(TrainingConfigInvalid, match=message):
        read_config(path)


@pytest.mark.parametrize("bits", [1, 9, 12, "6"])
def test_weights_have_no_other_bits_than_can_be_written(config: TrainConfig, bits: object) -> None:
    with pytest.raises(TrainingConfigInvalid, match=r"options\.bits = .*: weights have 16 bits, or 2 to 8"):
        SceneTask(replace(config, options={"bits": bits}))


@pytest.mark.parametrize("name", ["embedded", "open_country", "pair"])
def test_what_ships_was_made_by_configurations_that_are_read(name: str) -> None:
    read_config(Path(train_config.__file__).with_name(f"{name}.toml"))


def test_folders_are_relative_to_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('task = "scene"\ndata = "d"\noutput = "o"\nrate = 1\n')
    config = read_config(path)
    assert config.data == tmp_path / "d"
    assert config.output == tmp_path / "o"


def test_a_checkpoint_of_another_task_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({"task": "pair"}, path)
    with pytest.raises(CheckpointUnusable, match="of the task pair, not of scene"):
        load_weights(path, "scene")
    path.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointUnusable, match="cannot be read as a checkpoint"):
        load_weights(path, "scene")


def test_the_rate_rises_and_falls() -> None:
    config = TrainConfig("scene", Path(), Path(), steps=100, rate=1.0, warm_up=10)
    rates = [learning_rate(step, config) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == 1.0
    assert rates[-1] < 0.025


def test_the_rate_rises_and_falls_again_from_a_restart() -> None:
    config = TrainConfig("scene", Path(), Path(), steps=160, rate=1.0, warm_up=10, restart=100)
    once = replace(config, steps=100, restart=0)
    rates = [learning_rate(step, config) for step in range(160)]
    assert rates[:100] == [learning_rate(step, once) for step in range(100)]
    assert rates[100] == 0.1
    assert rates[109] == 1.0
    assert rates[-1] < 0.025


def test_middles_and_borders_of_two_squares() -> None:
    ids = np.zeros((1, 20, 30), int)
    ids[0, 4:12, 3:11], ids[0, 6:16, 18:28] = 1, 2
    kind = np.where(ids > 0, 3, 1)
    heat, offset, known = find_middles(ids, kind)
    assert np.array_equal(known[0] > 0, ids[0] > 0)
    unit = np.sqrt(600) / 4
    assert np.isclose(10 + offset[0, 0, 5, 10] * unit - 10, 6.5 - 10)
    assert np.isclose(heat[0, 8, 7], np.exp(-0.25))  # half a pixel aside and half a pixel down
    border = find_borders(ids)[0]
    assert border[4, 5] == border[3, 5] == 1
    assert border[8, 7] == border[0, 0] == 0


def test_mirroring_mirrors_all_alike(arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_turns, "UNTURNED", 1.0)
    plain = make_batch(arrays)
    for seed in range(6):  # some of them mirror
        changed = make_batch(arrays, rng=np.random.default_rng(seed))
        if not torch.equal(changed["kind"], plain["kind"]):
            break
    assert torch.equal(changed["kind"], plain["kind"].flip(-1))
    assert torch.equal(changed["depth"], plain["depth"].flip(-1))
    assert torch.allclose(changed["camera"][:, 1], -plain["camera"][:, 1])
    assert torch.allclose(changed["normal"][:, 0], -plain["normal"][:, 0].flip(-1))


def test_losses_and_pictures_are_logged_for_tensorboard(config: TrainConfig, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="not installed")
    Training(replace(config, output=tmp_path)).run()
    board = events.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in board.Scalars("depth")] == [3, 6]
    assert len(board.Images("seen")) == 2
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert board.Scalars("total")[-1].value == pytest.approx(rows[-1]["total"], abs=1e-4)


def test_training_does_without_tensorboard(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    Training(replace(config, output=tmp_path)).run(until=3)
    assert (tmp_path / "log.jsonl").is_file() and not (tmp_path / "tensorboard").exists()


def test_looking_at_pictures_changes_nothing(config: TrainConfig, tmp_path: Path) -> None:
    looked, blind = (Training(replace(config, output=tmp_path / name)) for name in ("looked", "blind"))
    for training in (looked, blind):
        training.advance(1e-3)
    picture = looked._picture()
    for training in (looked, blind):
        training.advance(1e-3)
    assert picture.std() > 10
    for name, value in looked.network.state_dict().items():
        assert torch.equal(value, blind.network.state_dict()[name]), name
