from functools import partial
from pathlib import Path

import pytest
from blockout.errors import UnknownEstimator
from blockout.inference.geometric import Geometric
from blockout.inference.registry import (
    DEPTH_ESTIMATORS,
    SEGMENT_ESTIMATORS,
    Weights,
    load_geometric,
    load_hub_depth,
    resolve,
)


def test_a_name_is_its_loader() -> None:
    assert resolve("geometric", "depth") is DEPTH_ESTIMATORS["geometric"]
    assert resolve("geometric", "segments") is SEGMENT_ESTIMATORS["geometric"]


def test_the_embedded_estimator_says_what_it_is() -> None:
    estimator = load_geometric()
    assert isinstance(estimator, Geometric)
    assert estimator.name == "geometric"
    assert estimator.version
    assert estimator.licence


def test_a_map_suffix_is_a_file_even_where_there_is_none() -> None:
    assert resolve("missing.EXR", "depth") == Path("missing.EXR")
    assert resolve("missing.png", "segments") == Path("missing.png")


def test_a_file_of_any_suffix_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "depth").touch()
    assert resolve(str(tmp_path / "depth"), "depth") == tmp_path / "depth"


def test_a_name_goes_before_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "geometric").touch()
    assert not isinstance(resolve("geometric", "depth"), Path)
    assert resolve("./geometric", "depth") == Path("geometric")


@pytest.mark.parametrize("argument", ["geometrik", "", "depth.exr.bak", "."])
def test_an_unknown_name_is_refused_with_those_that_are_known(argument: str) -> None:
    with pytest.raises(UnknownEstimator, match=rf"--segments {argument}: no estimator.*use .*geometric.*, or a file"):
        resolve(argument, "segments")


@pytest.mark.parametrize(
    ("argument", "weights"),
    [
        ("dpt", Weights("dpt", "", "cpu")),
        ("dpt:some/where", Weights("dpt", "some/where", "cpu")),
        ("dpt:C:/models/a", Weights("dpt", "C:/models/a", "cpu")),
        ("Intel/dpt-large", Weights("", "Intel/dpt-large", "cpu")),
    ],
)
def test_a_network_is_told_its_weights_and_device(argument: str, weights: Weights) -> None:
    loader = resolve(argument, "depth", "cpu")
    assert isinstance(loader, partial)
    assert (loader.func, loader.args) == (load_hub_depth, (weights,))


def test_a_folder_with_a_configuration_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    loader = resolve(str(tmp_path), "depth")
    assert isinstance(loader, partial)
    assert loader.args == (Weights("", str(tmp_path)),)
