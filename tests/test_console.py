"""What every command's progress goes through."""

import json
from pathlib import Path

import pytest
from blockout.console import EventConsole


@pytest.fixture
def console() -> EventConsole:
    return EventConsole(as_json=False, quiet=False, verbose=False)


def test_watched_work_tells_its_beginning_and_how_far_it_is(
    console: EventConsole, capsys: pytest.CaptureFixture[str]
) -> None:
    console.watch(Path("a.jpg"), lambda: False)("depth", 0.25)
    console.watch_count(Path("set"), "scenes", lambda: False)(3, 4)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in told] == ["begin", "stage", "begin", "stage"]
    assert [(event["stage"], event["fraction"]) for event in told[1::2]] == [("depth", 0.25), ("scenes", 0.75)]


def test_watched_work_ends_when_a_library_has_swallowed_the_interruption(console: EventConsole) -> None:
    with pytest.raises(KeyboardInterrupt):
        console.watch_count(Path("set"), "scenes", lambda: True)(1, 2)
