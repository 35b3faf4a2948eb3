import pytest
from blockout.stopwatch import Stopwatch


def test_the_stopwatch_counts_each_stage_once_and_knows_parts() -> None:
    heard: list[tuple[str, float]] = []
    clock = Stopwatch(lambda *event: heard.append(event))
    clock("a", 0.0)
    inner = clock.part(0.2, 0.6)
    inner("b", 0.5)
    inner("a", 1.0)
    assert list(clock.seconds) == ["a", "b"]
    assert all(seconds >= 0 for seconds in clock.seconds.values())
    assert heard == [("a", 0.0), ("b", pytest.approx(0.4)), ("a", pytest.approx(0.6))]
