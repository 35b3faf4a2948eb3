"""Broken checkpoints: one sentence each, naming file and key."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")
h5py = pytest.importorskip("h5py", reason="h5py is not installed: pip install 'blockout[torch]'")

from blockout.errors import EstimateUnusable, UsageError, WeightsNotFound, WeightsUnusable
from blockout.inference.networks import deeplab, densedepth, mask_rcnn, monodepth
from blockout.inference.networks.estimator import PublishedEstimator
from blockout.inference.networks.weights import build, fold_norms, read_torch
from blockout.inference.prediction import Photo
from blockout.inference.registry import resolve
from checkpoints import write_bundle, write_keras
from torch import nn


def make_small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, eps=0.1))


@pytest.fixture
def tensors() -> dict[str, Any]:
    """Return weights of the small network."""
    generator = torch.Generator().manual_seed(0)
    state = make_small().state_dict()
    return {key: torch.rand(value.shape, generator=generator) + 0.5 for key, value in state.items() if value.ndim}


@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_a_file_of_tensors_is_read(tmp_path: Path, tensors, nested) -> None:
    torch.save({nested: tensors, "epoch": 3} if nested else tensors, tmp_path / "w.pth")
    found = read_torch(tmp_path / "w.pth")
    assert all(torch.equal(found[key], tensors[key]) for key in tensors)


def test_a_network_takes_what_the_file_holds_and_folding_changes_nothing(tensors) -> None:
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    network = build(make_small, tensors, Path("w.pth"), "small")
    expected = network(picture)
    folded = fold_norms(network)
    assert isinstance(folded[1], nn.Identity)
    assert torch.allclose(folded(picture), expected, atol=1e-6)


def test_a_file_that_wants_to_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"weight": Trap()}, tmp_path / "w.pth")
    with pytest.raises(WeightsUnusable, match=r"w\.pth: loading it would run code \(.+\), which is never allowed"):
        read_torch(tmp_path / "w.pth")
    with (tmp_path / "bare.pth").open("wb") as file:
        pickle.dump(Trap(), file)
    with pytest.raises(WeightsUnusable, match=r"bare\.pth"):
        read_torch(tmp_path / "bare.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_truncated_file_is_told(tmp_path: Path, tensors, share) -> None:
    torch.save(tensors, tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsUnusable, match=r"w\.pth: the checkpoint cannot be read \(.+\); download it again$"):
        read_torch(tmp_path / "w.pth")


@pytest.mark.parametrize("content", [b"<html>404</html>", b"\x80", b"PK\x03\x04 no zip", b"{}"])
def test_a_file_that_is_no_checkpoint_is_told(tmp_path: Path, content) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(WeightsUnusable, match=r"w\.pth: the checkpoint cannot be read"):
        read_torch(tmp_path / "w.pth")


@pytest.mark.parametrize("held", [[1, 2], {"epoch": 3}, torch.zeros(3)], ids=["a list", "a number", "a tensor"])
def test_a_file_without_named_tensors_is_told(tmp_path: Path, held) -> None:
    torch.save(held, tmp_path / "w.pth")
    with pytest.raises(WeightsUnusable, match="and not tensors by name"):
        read_torch(tmp_path / "w.pth")


def test_a_missing_key_is_named(tensors) -> None:
    del tensors["1.running_var"]
    with pytest.raises(WeightsUnusable, match=r"^w\.pth: small needs 1\.running_var, which is not in it; give a"):
        build(make_small, tensors, Path("w.pth"), "small")


def test_an_unknown_key_is_named(tensors) -> None:
    tensors["2.weight"] = torch.zeros(1)
    with pytest.raises(WeightsUnusable, match=r"^w\.pth: 2\.weight is no key of small"):
        build(make_small, tensors, Path("w.pth"), "small")


def test_another_shape_is_named(tensors) -> None:
    tensors["0.weight"] = torch.zeros(5, 3, 3, 3)
    with pytest.raises(WeightsUnusable, match=r"0\.weight has shape 5 x 3 x 3 x 3 where small needs 4 x 3 x 3 x 3"):
        build(make_small, tensors, Path("w.pth"), "small")


def test_a_weight_that_is_not_finite_is_named(tensors) -> None:
    tensors["1.bias"][2] = torch.nan
    with pytest.raises(WeightsUnusable, match=r"w\.pth: 1\.bias has values that are not finite"):
        build(make_small, tensors, Path("w.pth"), "small")


@pytest.mark.parametrize(
    ("network", "needed"),
    [(deeplab, r"deeplab-cocostuff needs base\.layer1\.conv1\.conv\.weight"), (mask_rcnn, "mask-rcnn needs backbone")],
    ids=["deeplab", "mask-rcnn"],
)
def test_another_network_s_pth_is_told(tmp_path: Path, tensors, network, needed) -> None:
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(WeightsUnusable, match=rf"w\.pth: {needed}.*keys are missing, it holds 0\.weight; give a"):
        network.load(tmp_path / "w.pth", "cpu")


def test_another_network_s_bundle_is_told(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model", {"conv/weights": np.zeros((3, 3, 3, 3), np.float32)})
    with pytest.raises(WeightsUnusable, match=r"model: monodepth \(vgg\) needs model/encoder/Conv/weights"):
        monodepth.load(tmp_path / "model", "cpu")


def test_another_network_s_h5_is_told(tmp_path: Path) -> None:
    write_keras(tmp_path / "w.h5", {"dense/kernel": np.zeros((3, 3), np.float32)})
    with pytest.raises(WeightsUnusable, match=r"w\.h5: densedepth needs conv1/conv/kernel.*it holds dense/kernel"):
        densedepth.load(tmp_path / "w.h5", "cpu")


def test_a_truncated_h5_is_told(tmp_path: Path) -> None:
    write_keras(tmp_path / "w.h5", {"dense/kernel": np.zeros((30, 30), np.float32)})
    whole = (tmp_path / "w.h5").read_bytes()
    for length in (10, 500, len(whole) - 100):
        (tmp_path / "w.h5").write_bytes(whole[:length])
        with pytest.raises(WeightsUnusable, match=r"w\.h5: this is no complete \.h5 file"):
            densedepth.load(tmp_path / "w.h5", "cpu")


def test_an_h5_that_keras_did_not_write_is_told(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["depth"] = np.zeros(3)
    with pytest.raises(WeightsUnusable, match=r"w\.h5: the \.h5 has no attribute layer_names"):
        densedepth.load(tmp_path / "w.h5", "cpu")


def test_an_h5_that_lacks_what_it_lists_is_told(tmp_path: Path) -> None:
    write_keras(tmp_path / "w.h5", {"dense/kernel": np.zeros((3, 3), np.float32)})
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        del file["model_weights/dense/dense/kernel:0"]
    with pytest.raises(WeightsUnusable, match=r"w\.h5: dense/dense/kernel:0 is listed but not there"):
        densedepth.load(tmp_path / "w.h5", "cpu")


@pytest.mark.parametrize("network", [deeplab, mask_rcnn, monodepth, densedepth], ids=lambda module: module.__name__)
def test_a_missing_file_is_told(tmp_path: Path, network) -> None:
    with pytest.raises(WeightsNotFound, match="there is no such file; check the path of the checkpoint"):
        network.load(tmp_path / "absent", "cpu")


def test_a_network_whose_output_is_not_finite_is_told() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, pictures: Any) -> list[Any]:
            return [torch.full((len(pictures), 2, 256, 512), torch.nan)]

    estimator = monodepth.MonodepthEstimator(Broken(), Path("model_kitti"))
    with pytest.raises(EstimateUnusable, match=r"^model_kitti: 100 % of the network's disparity is not finite"):
        estimator.predict(Photo(np.zeros((20, 30, 3), np.uint8)), None)


def test_finite_output_comes_as_it_is() -> None:
    estimator = PublishedEstimator(nn.Identity(), Path("w"), "cpu")
    assert estimator.take(estimator.run(torch.arange(3)), "depth").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "task"),
    [("monodepth", "depth"), ("densedepth", "depth"), ("deeplab-cocostuff", "segments"), ("mask-rcnn", "segments")],
)
def test_a_name_without_a_path_is_told_what_to_give(name, task) -> None:
    loader = resolve(name, task)
    assert not isinstance(loader, Path)
    with pytest.raises(UsageError, match=f"{name} needs its weights: write {name}:PATH"):
        loader()


@pytest.mark.parametrize(
    ("name", "task"),
    [("monodepth", "depth"), ("densedepth", "depth"), ("deeplab-cocostuff", "segments"), ("mask-rcnn", "segments")],
)
def test_a_path_after_the_name_is_the_checkpoint_s(tmp_path: Path, name, task) -> None:
    loader = resolve(f"{name}:{tmp_path}/of: weights", task)
    assert not isinstance(loader, Path)
    with pytest.raises(WeightsNotFound, match=r"of: weights"):
        loader()
