import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.inference.training import scene_colours
from blockout.inference.training.scene_colours import change_focus, change_skies, recolour

ROWS = 20


def arrays() -> dict[str, np.ndarray]:
    """Pictures of two even instances, grey and dark grey."""
    ids = np.zeros((ROWS, 16, 24), np.uint16)
    ids[:, :, 12:] = 3
    return {"rgb": np.where(ids[..., None] > 0, 60, 120).astype(np.uint8).repeat(3, axis=-1), "ids": ids}


def test_each_instance_gets_one_other_colour_and_the_given_pictures_stay() -> None:
    given = arrays()
    before = given["rgb"].copy()
    seen = recolour(given, np.random.default_rng(1))
    assert (given["rgb"] == before).all()
    assert seen["ids"] is given["ids"]
    for row in seen["rgb"]:
        assert (row[:, :12] == row[0, 0]).all()
        assert (row[:, 12:] == row[0, -1]).all()
    changed = (seen["rgb"] != before).any(axis=(1, 2, 3))
    assert 0.4 < changed.mean() < 1
    ratio = seen["rgb"][changed][:, 0, 0].astype(float) / seen["rgb"][changed][:, 0, -1]
    assert np.ptp(ratio) > 0.5  # not the same gain for both


def test_the_same_seed_gives_the_same_colours() -> None:
    first, again = (recolour(arrays(), np.random.default_rng(7))["rgb"] for _ in range(2))
    assert (first == again).all()


def test_focus_keeps_what_is_even_and_changes_what_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    board = torch.from_numpy(np.indices((16, 24)).sum(axis=0) % 2 * 0.2 + 0.4).float().expand(2, 3, 16, 24)
    for focus, sign in (((0.2, 0.3), -1), ((1.7, 1.8), 1)):
        monkeypatch.setattr(scene_colours, "FOCUS", focus)
        seen = change_focus(board, np.random.default_rng(2))
        assert sign * (seen.std() - board.std()) > 0
        assert torch.allclose(seen.mean(), board.mean(), atol=1e-3)
    even = torch.full((1, 3, 16, 24), 0.3)
    assert torch.allclose(change_focus(even, np.random.default_rng(3)), even, atol=1e-6)


def test_skies_change_nothing_but_the_sky() -> None:
    rgb = torch.full((ROWS, 3, 16, 24), 0.5)
    is_sky = torch.zeros(ROWS, 1, 16, 24)
    is_sky[:, :, :6] = 1
    seen = change_skies(rgb, is_sky, np.random.default_rng(4))
    assert (seen[:, :, 6:] == 0.5).all()
    assert 0.2 < (seen[:, :, :6] != 0.5).flatten(1).any(1).float().mean() < 0.8
