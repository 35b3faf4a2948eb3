import json
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MapNotFound, MapUnreadable, SegmentsUnusable
from blockout.inference.prediction import Segment, SegmentMap
from blockout.inference.segment_file import read_segments, write_segments
from PIL import Image

IDS = np.array([[0, 3, 3], [7, 7, 3]], np.int32)


def save_npy(folder: Path, array: np.ndarray, table: object = None) -> Path:
    np.save(folder / "map.npy", array)
    if table is not None:
        (folder / "map.json").write_text(json.dumps(table))
    return folder / "map.npy"


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint64, np.float32, np.float64])
def test_an_npy_holds_ids(tmp_path: Path, dtype: type) -> None:
    read = read_segments(save_npy(tmp_path, IDS.astype(dtype)))
    assert read.ids.dtype == np.int32
    np.testing.assert_array_equal(read.ids, IDS)
    assert read.segments == (Segment(3, "segment"), Segment(7, "segment"))


def test_a_bool_map_is_one_segment(tmp_path: Path) -> None:
    assert [row.id for row in read_segments(save_npy(tmp_path, IDS > 0)).segments] == [1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_png_holds_ids_of_8_or_16_bits(tmp_path: Path, dtype: type) -> None:
    ids = IDS * (1 if dtype == np.uint8 else 9000)
    Image.fromarray(ids.astype(dtype)).save(tmp_path / "map.png")
    read = read_segments(tmp_path / "map.png")
    np.testing.assert_array_equal(read.ids, ids)
    assert [row.id for row in read.segments] == sorted(set(ids[ids > 0].tolist()))


def test_the_indices_of_a_palette_count_and_not_its_colours(tmp_path: Path) -> None:
    picture = Image.frombytes("P", (3, 2), IDS.astype(np.uint8).tobytes())
    picture.putpalette([200, 100, 50] * 256)
    picture.save(tmp_path / "map.png")
    np.testing.assert_array_equal(read_segments(tmp_path / "map.png").ids, IDS)


def test_a_picture_of_colours_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "map.png")
    with pytest.raises(MapUnreadable, match=r"map\.png: the PNG's mode is RGB, where ids are needed"):
        read_segments(tmp_path / "map.png")


def test_a_side_file_names_the_ids(tmp_path: Path) -> None:
    table = {"3": "wall-brick", "07": {"label": "lamp", "kind": "structure", "score": 0.25}, "9": "not in the picture"}
    read = read_segments(save_npy(tmp_path, IDS, table))
    assert read.segments == (Segment(3, "wall-brick", "structure"), Segment(7, "lamp", "structure", 0.25))


@pytest.mark.parametrize(
    "table",
    [
        {"car": 3},
        {"3": 5},
        {"3": {"kind": "animal"}},
        {"3": {"score": 7}},
        {"3": {"shape": "torus"}},
        {"3": {"label": None}},
        [1],
        "car",
    ],
)
def test_a_side_file_of_another_form_is_refused(tmp_path: Path, table: object) -> None:
    with pytest.raises(MapUnreadable, match=r"map\.json: .*(JSON|car|3)"):
        read_segments(save_npy(tmp_path, IDS, table))


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (IDS - 1, r"the ids go from -1 to 6"),
        (IDS.astype(np.int64) << 40, r"the ids go from 0 to \d+; use 0 for none and 1 to 2147483647"),
        (IDS + 0.5, r"0\.5 is no id; save whole numbers"),
        (IDS * np.nan, r"the ids go from nan"),
        (IDS * 1j, r"the values are complex128, where ids are needed"),
        (np.stack([IDS, IDS]), r"the array has shape \(2, 2, 3\)"),
    ],
)
def test_what_cannot_be_ids_is_refused_with_the_value(tmp_path: Path, array: np.ndarray, sentence: str) -> None:
    with pytest.raises(MapUnreadable, match=rf"map\.npy: {sentence}"):
        read_segments(save_npy(tmp_path, array))


@pytest.mark.parametrize("highest", [70_000, 2**31 - 1])
def test_an_npy_may_have_ids_that_no_png_has(tmp_path: Path, highest: int) -> None:
    assert read_segments(save_npy(tmp_path, np.array([[0, 5, highest]]))).segments[-1].id == highest


def test_a_map_of_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SegmentsUnusable, match=r"map\.npy: all 6 pixels have id 0"):
        read_segments(save_npy(tmp_path, IDS * 0))


def test_a_missing_map_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(MapNotFound, match=r"nowhere\.png: there is no such file"):
        read_segments(tmp_path / "nowhere.png")


@pytest.mark.parametrize("name", ["map.npy", "map.png", "map.txt"])
@pytest.mark.parametrize("content", [b"", b"no map at all, by no means", b"\x93NUMPY\x01\x00"])
def test_other_content_is_refused_with_the_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MapUnreadable, match=rf"{name}: .*; \w+"):
        read_segments(tmp_path / name)


def test_an_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "map.npz", ids=IDS)
    (tmp_path / "map.npz").rename(tmp_path / "map.npy")
    with pytest.raises(MapUnreadable, match=r"map\.npy: this is an archive"):
        read_segments(tmp_path / "map.npy")


@pytest.mark.parametrize("factor", [1, 1000, 30_000_000])
def test_written_segments_come_back_equal(tmp_path: Path, factor: int) -> None:
    rows = (Segment(3 * factor, "wall", "structure", shape="prism"), Segment(7 * factor, "Tür", "ground", 0.125))
    write_segments(SegmentMap(IDS * factor, rows), tmp_path / "segments.png")
    read = read_segments(tmp_path / "segments.png")
    if factor > 9000:  # renumbered
        assert [(row.id, row.label, row.shape) for row in read.segments] == [(1, "wall", "prism"), (2, "Tür", "")]
        np.testing.assert_array_equal(read.ids, [[0, 1, 1], [2, 2, 1]])
    else:
        assert read.segments == rows
        np.testing.assert_array_equal(read.ids, IDS * factor)
    with Image.open(tmp_path / "segments.png") as picture:
        assert picture.mode in ({"I;16", "I"} if factor == 1000 else {"L"})


def test_the_side_file_is_as_short_as_one_written_by_hand(tmp_path: Path) -> None:
    rows = (Segment(3, "wall", "structure"), Segment(7, "lamp", "object", 0.5))
    write_segments(SegmentMap(IDS, rows), tmp_path / "segments.png")
    table = json.loads((tmp_path / "segments.json").read_text())
    assert table == {"3": "wall", "7": {"label": "lamp", "kind": "object", "score": 0.5}}


def test_more_segments_than_a_png_numbers_are_refused(tmp_path: Path) -> None:
    ids = np.arange(1, 65537, dtype=np.int32).reshape(256, 256)
    rows = tuple(Segment(i, "segment") for i in range(1, 65537))
    with pytest.raises(SegmentsUnusable, match=r"65536 segments, only 65535"):
        write_segments(SegmentMap(ids, rows), tmp_path / "segments.png")


def test_a_dictionary_of_masks_becomes_ids_with_its_classes(tmp_path: Path) -> None:
    masks = {"sky": np.array([[True, True, False]]), 12: np.array([[0, 0, 1]]), "car": np.zeros((1, 3))}
    read = read_segments(save_npy(tmp_path, np.array(masks, object), {"12": "grass"}))
    assert read.ids.tolist() == [[1, 1, 2]]
    assert read.segments == (Segment(1, "sky", "sky"), Segment(2, "grass", "ground"))


def test_a_class_that_is_an_unnamed_number_is_a_segment(tmp_path: Path) -> None:
    read = read_segments(save_npy(tmp_path, np.array({0: np.ones((2, 2))}, object)))
    assert read.segments == (Segment(1, "segment"),)


def test_measured_instances_are_read(shared: Path) -> None:
    read = read_segments(shared / "photos/rgbd/osd_learn00/instances.png")
    assert read.ids.shape == (480, 640)
    assert len(read.segments) > 1
