import collections
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MapUnreadable
from blockout.inference.mask_file import ids_from_masks, read_masks


def save(folder: Path, held: object) -> Path:
    np.save(folder / "masks.npy", np.array(held, object), allow_pickle=True)
    return folder / "masks.npy"


def test_bool_soft_and_byte_masks_are_brought_to_one_scale(tmp_path: Path) -> None:
    masks = {"a": np.array([[True, False]]), "b": np.array([[0.25, 0.75]]), 3: np.array([[0, 255]], np.uint8)}
    read = read_masks(save(tmp_path, masks))
    assert {key: mask.tolist() for key, mask in read.items()} == {"a": [[1, 0]], "b": [[0.25, 0.75]], "3": [[0, 1]]}


def test_a_dictionary_may_be_ordered_and_its_keys_numpy_numbers(tmp_path: Path) -> None:
    held = collections.OrderedDict([(np.int64(5), np.ones((2, 2), bool)), (np.str_("wall"), np.zeros((2, 2), bool))])
    assert list(read_masks(save(tmp_path, held))) == ["5", "wall"]


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_that_numpy_has_used_is_read(tmp_path: Path, protocol: int) -> None:
    path = save(tmp_path, 0)
    header = path.read_bytes()[: path.read_bytes().index(b"\n") + 1]
    masks = np.array({"a": np.eye(3)}, object)
    path.write_bytes(header + pickle.dumps(masks, protocol))
    np.testing.assert_array_equal(read_masks(path)["a"], np.eye(3))


class Trap:
    """What a malicious file would hold: unpickling it calls a function."""

    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call, self.arguments


@pytest.mark.parametrize("call", [os.mkdir, eval, np.load, np.savetxt])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, call: object) -> None:
    sprung = tmp_path / "sprung"
    path = save(
        tmp_path, {"car": Trap(call, f"__import__('os').mkdir({str(sprung)!r})" if call is eval else str(sprung))}
    )
    with pytest.raises(MapUnreadable, match=r"masks\.npy: .*it asks for \w+[.\w]*, which no mask needs"):
        read_masks(path)
    assert not sprung.exists()


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([1, 2], "this holds a ndarray"),
        ({}, "this holds a dict"),
        ({"a": 5}, "what a holds is no array of numbers"),
        ({"a": np.array(["x"])}, "what a holds is no array"),
        ({"a": np.ones(4)}, r"the array has shape \(4,\)"),
        ({"a": -np.ones((2, 2))}, r"the mask of a goes from -1\.0"),
        ({"a": np.full((2, 2), np.nan)}, "the mask of a goes from nan"),
        ({(1, 2): np.ones((2, 2))}, r"\(1, 2\) names no class"),
    ],
)
def test_other_pickles_are_refused_with_what_they_hold(tmp_path: Path, held: object, sentence: str) -> None:
    with pytest.raises(MapUnreadable, match=rf"masks\.npy: {sentence}"):
        read_masks(save(tmp_path, held))


def test_soft_masks_are_resolved_by_arg_max() -> None:
    masks = [np.array([[0.1, 0.6, 0.0]], np.float32), np.array([[0.3, 0.2, 0.0]], np.float32)]
    assert ids_from_masks(masks).tolist() == [[2, 1, 0]]


def test_of_equal_masks_the_smaller_one_stands_before() -> None:
    wall, lamp = np.ones((4, 4), np.float32), np.zeros((4, 4), np.float32)
    lamp[1:3, 1:3] = 1
    for masks, number in (([wall, lamp], 2), ([lamp, wall], 1)):
        ids = ids_from_masks(masks)
        assert (ids == number).sum() == 4
        assert (ids > 0).all()


def test_masks_of_other_sizes_are_brought_to_the_largest() -> None:
    large, small = np.zeros((4, 6), np.float32), np.array([[0, 0, 1], [0, 0, 0]], np.float32)
    large[3] = 1
    assert ids_from_masks([large, small]).tolist() == [[0, 0, 0, 0, 2, 2]] * 2 + [[0] * 6, [1] * 6]
