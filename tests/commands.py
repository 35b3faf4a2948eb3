"""The command line as tests call it."""

from pathlib import Path

import pytest
from blockout.cli import main


def build(room: Path, *more: str | Path, photo: str | Path | None = None) -> int:
    """Run a build with the room's own maps; options in ``more`` come last and win."""
    maps = ["--depth", room / "depth.npy", "--segments", room / "segments.png", "--no-preview"]
    return main(["build", *(str(word) for word in (photo or room / "room.png", *maps, *more))])


def assert_refused(capsys: pytest.CaptureFixture[str], *words: str) -> None:
    """Assert that stderr is one sentence with all of the words, and stdout empty."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("blockout: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err
