import json
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import WeightsNotFound, WeightsUnusable
from blockout.inference.networks.tensor_bundle import read_bundle
from checkpoints import write_bundle

EXTRA = {  # what the folder's description says of them
    "global_step": np.array(100000, np.int64),
    "beta1_power": np.array(0.9, np.float32),
    "model/encoder/Conv/biases/Adam": np.zeros(4, np.float32),
    "extra/half": np.arange(6, dtype=np.float16).reshape(2, 3),
    "extra/double": np.linspace(0, 1, 5),
    "extra/bool": np.array([True, False, True]),
    "extra/int32": np.array([[1, -2], [3, 4]], np.int32),
}


@pytest.mark.fixtures
def test_a_real_checkpoint_is_read_bit_for_bit(monodepth) -> None:
    folder = monodepth.folder / "tiny_bundle"
    found = read_bundle(folder / "tiny")
    listed = json.loads((folder / "tiny_keys.json").read_text())
    assert sorted(found) == sorted(name for name, *_ in listed)
    for name, shape, dtype in listed:
        expected = EXTRA[name] if name in EXTRA else monodepth.named_array(name, shape, 2.0)
        assert (found[name].shape, found[name].dtype) == (tuple(shape), dtype), name
        assert np.array_equal(found[name], expected), name


@pytest.mark.fixtures
def test_a_real_checkpoint_of_two_shards_is_read_bit_for_bit(monodepth) -> None:
    found = read_bundle(monodepth.folder / "tiny_bundle" / "tiny_sharded")
    assert found
    for name, array in found.items():
        assert np.array_equal(array, monodepth.named_array(name, array.shape, 2.0)), name


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return the prefix of a checkpoint of three variables."""
    arrays = {"a/weights": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(300), "step": np.int64(7)}
    write_bundle(tmp_path / "model.ckpt-7", arrays)
    return tmp_path / "model.ckpt-7"


@pytest.mark.parametrize("ending", ["", ".index", ".data-00000-of-00001"])
def test_the_prefix_may_have_the_ending_of_one_of_its_files(prefix: Path, ending: str) -> None:
    found = read_bundle(Path(f"{prefix}{ending}"))
    assert found["a/weights"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (found["b"].sum(), found["step"]) == (300, 7)


def test_only_what_is_wanted_is_read(prefix: Path) -> None:
    assert list(read_bundle(prefix, lambda name: name.endswith("weights"))) == ["a/weights"]


def test_a_missing_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match=r"model\.index: there is no such file"):
        read_bundle(tmp_path / "model")


def test_a_missing_shard_is_told_with_the_variable_that_it_holds(prefix: Path) -> None:
    shard = Path(f"{prefix}.data-00000-of-00001")
    shard.unlink()
    with pytest.raises(WeightsNotFound, match=r"data-00000-of-00001: there is no such file.*holds a/weights"):
        read_bundle(prefix)


def test_a_truncated_shard_is_told_with_the_variable_that_it_cuts(prefix: Path) -> None:
    shard = Path(f"{prefix}.data-00000-of-00001")
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(WeightsUnusable, match="the file ends at byte 100, within or before b, which needs 2424"):
        read_bundle(prefix)


@pytest.mark.parametrize("kept", [1, 47, 60, -1])
def test_a_truncated_index_is_told(prefix: Path, kept: int) -> None:
    index = Path(f"{prefix}.index")
    index.write_bytes(index.read_bytes()[:kept])
    with pytest.raises(WeightsUnusable, match=r"\.index: this is no complete index of a TensorFlow checkpoint"):
        read_bundle(prefix)


def test_no_damaged_byte_of_an_index_ends_in_another_error(prefix: Path) -> None:
    index = Path(f"{prefix}.index")
    whole = index.read_bytes()
    for position in range(len(whole)):
        for flipped in (0x01, 0x80, 0xFF):
            index.write_bytes(whole[:position] + bytes([whole[position] ^ flipped]) + whole[position + 1 :])
            try:  # it may also be read: checksums are not compared
                read_bundle(prefix)
            except (WeightsNotFound, WeightsUnusable) as error:
                assert str(prefix) in str(error)


def test_a_checkpoint_in_one_file_is_told_from_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"of TensorFlow 0.11")
    with pytest.raises(WeightsUnusable, match="this is a file, where the prefix"):
        read_bundle(tmp_path / "model.ckpt")
