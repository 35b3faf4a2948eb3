import errno
import os
from pathlib import Path

import pytest
from blockout.errors import OutputExists, OutputUnwritable, UsageError
from blockout.output import staged
from disks import mounted


def outputs_in(folder: Path) -> list[Path]:
    return [folder / "textures" / "a_photo.jpg", folder / "a.scene.json", folder / "a.usd"]


def write_all(files: list[Path], text: str, *, overwrite: bool = False) -> None:
    with staged(files, overwrite=overwrite) as place:
        for file in files:
            place(file).write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_files_appear_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    files = outputs_in(tmp_path)
    with staged(files, overwrite=False) as place:
        for file in files:
            place(file).write_text("new")
        assert not any(file.exists() for file in files)
    assert contents(tmp_path) == {"a.scene.json": "new", "a.usd": "new", "textures/a_photo.jpg": "new"}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_texture_and_stage_are_near_each_other_while_they_are_written(tmp_path: Path) -> None:
    files = outputs_in(tmp_path)
    (tmp_path / "textures").mkdir()
    with staged(files, overwrite=False) as place:
        assert place(files[0]).parent.parent == place(files[2]).parent
        for file in files:
            place(file).touch()


def test_outputs_in_folders_apart_are_all_written(tmp_path: Path) -> None:
    files = [tmp_path / "one" / "a.usd", tmp_path / "two" / "cubes.txt"]
    for file in files:
        file.parent.mkdir()
    write_all(files, "new")
    assert contents(tmp_path) == {"one/a.usd": "new", "two/cubes.txt": "new"}
    assert {p.name for p in tmp_path.iterdir()} == {"one", "two"}


@pytest.mark.parametrize("is_written", [True, False])
def test_an_optional_file_appears_if_it_was_written(tmp_path: Path, is_written: bool) -> None:
    files, extra = outputs_in(tmp_path), tmp_path / "textures" / "a_plate.jpg"
    with staged(files, overwrite=False, optional=[extra]) as place:
        for file in files + [extra] * is_written:
            place(file).touch()
    assert extra.exists() == is_written
    assert files[2].exists()


def test_an_optional_file_that_exists_is_kept(tmp_path: Path) -> None:
    extra = tmp_path / "plate.jpg"
    extra.write_text("old")
    with pytest.raises(OutputExists, match=r"plate\.jpg"), staged([], overwrite=False, optional=[extra]):
        pass
    assert extra.read_text() == "old"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_in_the_block_leaves_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    files = outputs_in(tmp_path)
    with pytest.raises(failure), staged(files, overwrite=False) as place:
        place(files[0]).write_text("new")
        raise failure
    assert list(tmp_path.iterdir()) == []


def test_existing_outputs_are_named_and_kept(tmp_path: Path) -> None:
    files = outputs_in(tmp_path)
    files[2].write_text("old")
    with pytest.raises(OutputExists, match=r"a\.usd exists already: give --overwrite"):
        write_all(files, "new")
    assert contents(tmp_path) == {"a.usd": "old"}


def test_existing_outputs_are_replaced_when_asked(tmp_path: Path) -> None:
    files = outputs_in(tmp_path)
    write_all(files, "old")
    write_all(files, "new", overwrite=True)
    assert set(contents(tmp_path).values()) == {"new"}


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_failing_move_puts_back_what_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    files = outputs_in(tmp_path)
    files[1].write_text("old")
    files[2].write_text("old")
    rename = Path.rename

    def fail_on_the_stage(source: Path, target: Path) -> Path:
        if target == files[2]:
            raise failure
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail_on_the_stage)
    with pytest.raises(type(failure)):
        write_all(files, "new", overwrite=True)
    assert contents(tmp_path) == {"a.scene.json": "old", "a.usd": "old"}
    assert not (tmp_path / "textures").exists()


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match=r"missing is not a folder that exists: create it"):
        write_all([tmp_path / "missing" / "a.usd"], "new")


def test_a_folder_with_the_name_of_an_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.usd").mkdir()
    with pytest.raises(OutputUnwritable, match=r"a\.usd is a folder"):
        write_all([tmp_path / "a.usd"], "new", overwrite=True)


def test_a_name_that_usd_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match="is not UTF-8"):
        write_all([tmp_path / "caf\udce9.usd"], "new")


def test_one_path_for_two_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two different outputs"):
        write_all([tmp_path / "a.usd", tmp_path / "a.usd"], "new")


def test_a_folder_without_permission_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere, so it is asked in vain
    with pytest.raises(OutputUnwritable, match="may not be written: change its permissions"):
        write_all(outputs_in(tmp_path), "new")


def test_a_write_protected_file_system_is_refused(tmp_path: Path) -> None:
    with mounted(tmp_path, "ro,size=64k") as folder, pytest.raises(OutputUnwritable, match="may not be written"):
        write_all(outputs_in(folder), "new")


def test_a_full_disk_is_one_sentence_with_the_space_left(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=64k") as folder:
        files = outputs_in(folder)
        with (
            pytest.raises(OutputUnwritable, match=r"no space left on device; 0\.\d MB are free\): make room there"),
            staged(files, overwrite=False) as place,
        ):
            place(files[0]).write_bytes(bytes(100_000))
        assert list(folder.iterdir()) == []


def test_an_error_of_another_file_passes_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), staged(outputs_in(tmp_path), overwrite=False):
        (tmp_path / "elsewhere").read_text()
