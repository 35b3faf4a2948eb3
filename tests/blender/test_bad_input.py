"""What users and machines do wrong: a sentence in Blender, nothing left running, no file left."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disks import mounted
from PIL import Image
from stages import make_scene

Blender = Callable[..., list[Any]]
Prepared = Callable[..., dict[str, Any]]
EARLIER = "import sys; sys.version_info = (3, 9, 2, 'final', 0)"


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for temporary files, in which no run may leave anything but logs."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder
    assert [path for path in folder.glob("blockout-*") if path.suffix != ".log"] == []


def refusal(found: dict[str, Any]) -> str:
    """Return the sentence with which a build was refused; nothing else may have come of it."""
    said = str(found["error"])
    assert "Traceback" not in said
    assert 'File "' not in said
    assert found["objects"] == found["materials"] == found["collections"] == {}
    return said


def make_python(folder: Path, before: str, shell: str = "") -> str:
    """Return a program that is the Python of the tests, but for some lines that run first."""
    code = f"{before}\nimport runpy, sys\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nshift\n{shell}\nexec {sys.executable} -I -c {shlex.quote(code)} "$@"\n')
    program.chmod(0o755)
    return str(program)


def make_picture(kind: str, folder: Path) -> Path:
    """Return the path of what is no picture."""
    photo = folder / f"{kind}.jpg"
    if kind == "a folder":
        photo.mkdir()
    elif kind == "cut off":
        Image.effect_noise((400, 300), 80).save(photo)
        photo.write_bytes(photo.read_bytes()[:5000])
    elif kind != "missing":
        photo.write_text("no picture" if kind == "text" else "")
    return photo


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "cut off", "a folder"])
def test_what_is_no_picture_is_refused(kind: str, blender: Blender, tmp_path: Path, temporary: Path) -> None:
    photo = make_picture(kind, tmp_path)
    (found,) = blender(("operate", {"photo": str(photo)}), TMPDIR=str(temporary))
    assert ("choose a picture" if kind == "a folder" else photo.name) in refusal(found)


def test_a_path_beside_a_file_that_was_never_saved_is_refused(blender: Blender, prepared: Prepared) -> None:
    built, _, exported = blender(
        ("operate", {"photo": "//room.png"}),
        ("take_in", {"ready": prepared(make_scene()), "by_usd": None}),
        ("press_export", {"stage": "//out.usd"}),
    )
    assert "//room.png means beside the open file, which was never saved" in refusal(built)
    assert "//out.usd means beside the open file" in exported


def test_a_photo_beside_a_saved_file_is_found(blender: Blender, room: Path) -> None:
    blend = str(room / "a.blend")
    _, found = blender(("save", {"blend": blend}), ("operate", {"photo": "//room.png", "beside": blend}))
    assert found["answer"] == ["FINISHED"]


def test_a_folder_that_may_not_be_written_matters_only_for_what_goes_there(
    blender: Blender, room: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    with mounted(folder, "size=20m") as disk:
        blend = str(disk / "a.blend")
        blender(("save", {"blend": blend}))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        found, said = blender(
            ("operate", {"photo": str(room / "room.png"), "beside": blend}), ("press_export", {"stage": "//out.usd"})
        )
    assert found["answer"] == ["FINISHED"]
    assert "read only may not be written" in said
    assert "Traceback" not in said


def test_a_folder_that_may_not_be_written_is_refused_before_the_work(run_headless: Any, room: Path) -> None:
    folder = room / "read only"
    folder.mkdir()
    with mounted(folder, "ro,size=64k") as disk:
        done = run_headless(str(room / "room.png"), "--blend", str(disk))
    assert done.returncode == 1
    assert "may not be written" in done.stderr


@pytest.mark.parametrize("option", ["--blend", "--render"])
def test_a_disk_without_room_for_blenders_files_is_told(option: str, run_headless: Any, room: Path) -> None:
    folder = room / "full"
    folder.mkdir()
    with mounted(folder, "size=8k") as disk:
        done = run_headless(str(room / "room.png"), option, str(disk))
        assert list(disk.iterdir()) == []
    assert done.returncode == 1
    assert "could not be written" in done.stderr


@pytest.mark.parametrize("free_kb", [0, 4, 40, 80, 100])
def test_a_disk_that_fills_up_during_a_run_is_told(free_kb: int, blender: Blender, room: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, f"size={free_kb + 4}k") as disk:
        (disk / "other").write_bytes(bytes(4096))
        (found,) = blender(("operate", {"photo": str(room / "room.png"), "texture": "photo", "temporary": str(disk)}))
        assert [path.name for path in disk.iterdir()] == ["other"]
    if "error" in found:
        assert "no space left" in refusal(found)
    else:
        assert free_kb > 60


def test_programs_that_are_no_python_are_told(blender: Blender, room: Path, temporary: Path) -> None:
    for program, said in (("/bin/true", "exit code 0"), ("/bin/false", "exit code 1"), ("/etc/passwd", "denied")):
        (found,) = blender(
            ("operate", {"photo": str(room / "room.png")}), BLOCKOUT_PYTHON=program, TMPDIR=str(temporary)
        )
        assert said in refusal(found)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (EARLIER, "is Python 3.9, but Blockout needs 3.11"),
        ("import sys; sys.modules['cv2'] = None", "lacks cv2: install Blockout's zip"),
        ("import sys; sys.path.insert(0, {folder!r})", "cannot load shapely: install Blockout's zip"),
    ],
    ids=["too old", "a wheel is missing", "a wheel of another Python"],
)
def test_a_python_that_cannot_do_it_is_told(
    before: str, said: str, blender: Blender, room: Path, tmp_path: Path, temporary: Path
) -> None:
    (tmp_path / "shapely.py").write_text("raise ImportError('compiled for another Python')")
    program = make_python(tmp_path, before.format(folder=str(tmp_path)))
    (found,) = blender(("operate", {"photo": str(room / "room.png")}), BLOCKOUT_PYTHON=program, TMPDIR=str(temporary))
    assert said in refusal(found)
    assert "name another Python in its preferences" in found["error"]


def test_a_program_that_leaves_a_child_behind_is_ended_with_it(
    blender: Blender, room: Path, tmp_path: Path, temporary: Path
) -> None:
    program, number = tmp_path / "python", tmp_path / "number"
    program.write_text(f"#!/bin/sh\nsleep 1000 &\necho $! > '{number}'\nexit 3\n")
    program.chmod(0o755)
    (told,) = blender(
        ("give_up", {"photo": str(room / "room.png")}), BLOCKOUT_PYTHON=str(program), TMPDIR=str(temporary)
    )
    assert told["seconds"] < 3
    assert not is_running(int(number.read_text()))


def is_running(number: int) -> bool:
    """Return whether a process runs; one that has ended and was not asked for is a zombie."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_too_little_memory_is_told(blender: Blender, room: Path, tmp_path: Path, temporary: Path) -> None:
    program = make_python(tmp_path, "", shell="ulimit -v 900000")
    photo = room / "large.png"
    Image.effect_noise((9000, 9000), 80).convert("RGB").save(photo, compress_level=0)
    (found,) = blender(("operate", {"photo": str(photo)}), BLOCKOUT_PYTHON=program, TMPDIR=str(temporary))
    assert refusal(found)


def test_an_unforeseen_error_is_told_with_its_log(
    blender: Blender, room: Path, tmp_path: Path, temporary: Path
) -> None:
    broken = "import PIL.Image\ndef fail(*_, **__): raise ZeroDivisionError('by nought')\nPIL.Image.open = fail"
    program = make_python(tmp_path, broken)
    (found,) = blender(("operate", {"photo": str(room / "room.png")}), BLOCKOUT_PYTHON=program, TMPDIR=str(temporary))
    said = refusal(found)
    assert "by nought" in said
    assert "report it with the log" in said
    log = Path(said.rpartition("its log is ")[2].strip().rstrip("."))
    assert "Traceback" in log.read_text()
