from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

import torch
from blockout.errors import RateNotFound
from blockout.inference.training import train
from blockout.inference.training.find_lr import draw_search, search_rate, smooth_losses, suggest_rate
from blockout.inference.training.train import Training
from blockout.inference.training.train_config import TrainConfig
from torch import nn


class LineTask:
    """Learns y = 3 x - 1 from noisy points: a line has a rate beyond which it diverges."""

    def __init__(self, config: TrainConfig) -> None:
        pass

    def network(self) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(4, 1))

    def batch(self, step: int) -> dict[str, torch.Tensor]:
        x = torch.rand(16, 1, 2, 2, generator=torch.Generator().manual_seed(step))
        return {"x": x, "y": 3 * x.sum((1, 2, 3))[:, None] - 1}

    def losses(self, network: nn.Module, batch: dict[str, torch.Tensor]):
        return ((network(batch["x"]) - batch["y"]) ** 2).mean(), {}


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    monkeypatch.setitem(train.LOADERS, "line", LineTask)
    return Training(TrainConfig("line", tmp_path, tmp_path / "run"))


def test_the_loss_falls_at_the_rate_that_is_suggested_and_blows_up_beyond(training: Training, tmp_path: Path) -> None:
    found = search_rate(training, 1e-5, 100, steps=120)
    assert 1e-3 < found.suggested < 1
    assert len(found.rates) < 120  # it blew up before the last
    assert found.rates[0] == pytest.approx(1e-5)
    assert found.smooth.min() < 0.5 * found.smooth[0]
    assert not (tmp_path / "run").exists()


def test_training_at_the_suggestion_learns_where_a_hundredth_does_not(training: Training) -> None:
    suggested = search_rate(training, 1e-5, 100, steps=120).suggested
    late = {}
    for share in (1, 0.01):
        fresh = Training(training.config)
        late[share] = np.mean([fresh.advance(suggested * share)["total"] for _ in range(80)][-10:])
    assert late[1] < 0.3 * late[0.01]


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    rates = np.geomspace(1e-6, 1, 200)
    losses = 1 / (1 + rates / 1e-3) + np.where(rates > 0.05, rates * 40, 0)
    assert suggest_rate(rates, losses) == pytest.approx(1e-3, rel=0.1)


def test_a_chance_fall_of_the_first_losses_suggests_nothing() -> None:
    rates = np.geomspace(1e-6, 1, 100)
    losses = 1 / (1 + (rates / 1e-3))
    losses[:2] += [0.9, 0.3]
    assert suggest_rate(rates, losses) == pytest.approx(1e-3, rel=0.2)


def test_the_running_mean_is_not_drawn_to_zero_at_first() -> None:
    np.testing.assert_allclose(smooth_losses([2.0] * 5), 2.0)
    assert smooth_losses([0.0, 1.0])[-1] == pytest.approx(0.1 / 0.19)


@pytest.mark.parametrize("losses", [[], [1.0] * 5, list(range(1, 40))])
def test_that_the_loss_never_falls_is_told(losses: list[float]) -> None:
    with pytest.raises(RateNotFound, match="the loss falls at no rate"):
        suggest_rate(np.geomspace(1e-6, 1, len(losses)) if losses else np.empty(0), np.array(losses))


def test_the_plot_shows_curve_and_mark(training: Training) -> None:
    picture = draw_search(search_rate(training, 1e-5, 100, steps=60))
    assert picture.shape == (440, 720, 3)
    assert (np.abs(picture.astype(int) - (200, 40, 40)).sum(-1) < 30).sum() > 200  # the red mark
    assert (np.abs(picture.astype(int) - (20, 90, 170)).sum(-1) < 60).sum() > 200  # the blue curve
