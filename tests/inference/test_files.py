from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MapNotFound, MapUnreadable
from blockout.inference.files import as_plane, read_json, reason_of, require_file


def test_each_way_in_which_a_path_is_no_file_has_its_error(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name, error, words in (
        ("nothing", MapNotFound, "there is no such file"),
        ("empty", MapUnreadable, "is empty"),
        (".", MapUnreadable, "this is a folder"),
        ("empty/below", MapNotFound, "there is no such file"),
        ("n" * 300, MapUnreadable, "may not be read"),
    ):
        with pytest.raises(error, match=words):
            require_file(tmp_path / name, "map", MapNotFound, MapUnreadable)


def test_a_file_with_bytes_passes(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"x")
    require_file(tmp_path / "full", "map", MapNotFound, MapUnreadable)


def test_a_reason_is_one_line_without_a_path() -> None:
    assert reason_of(PermissionError(13, "Permission denied", "/secret/place")) == "Permission denied"
    assert reason_of(ValueError("two\n lines.")) == "two lines"
    assert reason_of(EOFError()) == "EOFError"


def test_json_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_bytes(b'\xef\xbb\xbf{"3": "T\xc3\xbcr"}')
    assert read_json(tmp_path / "table.json", MapUnreadable) == {"3": "Tür"}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\x00", "[" * 100_000])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(MapUnreadable, match=r"table\.json: .*JSON"):
        read_json(tmp_path / "table.json", MapUnreadable)


def test_a_plane_is_a_view_of_its_array() -> None:
    array = np.arange(6).reshape(2, 3, 1)
    assert np.shares_memory(as_plane(array, Path("x")), array)
