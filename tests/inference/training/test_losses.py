import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

import torch
from blockout.errors import UsageError
from blockout.inference.training.losses import (
    LOSSES,
    MIXES,
    choose_weights,
    dice,
    focal,
    gradient,
    known_rmse,
    scale_invariant_log,
    soft_iou,
    ssim,
    sum_losses,
)

SHARED_FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "fixtures"


@pytest.fixture(scope="module")
def published() -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    folder = Path(os.environ.get("BLOCKOUT_FIXTURES", SHARED_FIXTURES)) / "joint_losses"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: it holds the originals' outputs; name its place with BLOCKOUT_FIXTURES")
    with np.load(folder / "inputs.npz") as stored:
        inputs = {name: torch.from_numpy(stored[name]) for name in stored}
    return inputs, json.loads((folder / "expected.json").read_text())


@pytest.mark.fixtures
@pytest.mark.parametrize(
    ("output", "name", "key"),
    [
        ("depth", "rmse", "rmse_loss"),
        ("depth", "ssim", "ssim_loss"),
        ("mask", "dice", "dice_loss_smooth1"),
        ("mask", "bce", "bce_with_logits"),
    ],
)
def test_each_published_loss_is_reproduced(published, output: str, name: str, key: str) -> None:
    inputs, expected = published
    logits, targets = {output: inputs[f"{output}_logits"]}, {output: inputs[f"{output}_target"]}
    total, parts = sum_losses(logits, targets, {output: {name: 1.0}})
    assert float(total) == pytest.approx(expected[key], rel=2e-6)
    assert float(parts[f"{output}.{name}"]) == float(total)


@pytest.mark.fixtures
@pytest.mark.parametrize(
    ("mix", "key"),
    [
        ("rmse-bce-dice", "total_rmse_bce_dice"),
        ("ssim-dice", "total_ssim_dice"),
        ("rmse-bce", "total_rmse_bce"),
    ],
)
def test_each_published_mix_is_reproduced(published, mix: str, key: str) -> None:
    inputs, expected = published
    logits = {"depth": inputs["depth_logits"], "mask": inputs["mask_logits"]}
    targets = {"depth": inputs["depth_target"], "mask": inputs["mask_target"]}
    total, _ = sum_losses(logits, targets, choose_weights(mix))
    assert float(total) == pytest.approx(expected[key], rel=2e-6)


@pytest.mark.fixtures
def test_the_published_figures_are_reproduced(published) -> None:
    inputs, expected = published
    iou = soft_iou(torch.sigmoid(inputs["mask_logits"]), inputs["mask_target"])
    error = known_rmse(torch.sigmoid(inputs["depth_logits"]), inputs["depth_target"])
    assert float(iou) == pytest.approx(expected["metric_soft_iou"], rel=2e-6)
    assert float(error) == pytest.approx(expected["metric_rmse_valid"], rel=2e-6)


def random_pair(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, 1, 24, 20, generator=generator)
    return logits, (torch.rand(2, 1, 24, 20, generator=generator) > 0.6).float()


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_the_slope_makes_a_loss_smaller(name: str) -> None:
    logits, target = random_pair()
    logits.requires_grad_()
    before, _ = sum_losses({"mask": logits}, {"mask": target}, {"mask": {name: 1.0}})
    (slope,) = torch.autograd.grad(before, logits)
    assert torch.isfinite(slope).all() and slope.abs().max() > 0
    with torch.no_grad():
        after, _ = sum_losses({"mask": logits - 0.1 * slope / slope.norm()}, {"mask": target}, {"mask": {name: 1.0}})
    assert after < before


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_not_valid_does_not_count(name: str) -> None:
    logits, target = random_pair()
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[..., 12:, :] = False
    other = torch.where(valid, logits, -logits + 3)
    losses = [
        float(sum_losses({"mask": given}, {"mask": target}, {"mask": {name: 1.0}}, {"mask": valid})[0])
        for given in (logits, other)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert float(sum_losses({"mask": other}, {"mask": target}, {"mask": {name: 1.0}})[0]) != pytest.approx(losses[0])


@pytest.mark.parametrize("name", LOSSES)
def test_the_right_answer_costs_almost_nothing(name: str) -> None:
    _, target = random_pair()
    total, _ = sum_losses({"mask": 40 * target - 20}, {"mask": target}, {"mask": {name: 1.0}})
    assert abs(float(total)) < 2e-3


def test_scale_does_not_matter_by_half_to_the_logarithmic_loss() -> None:
    target = torch.rand(1, 1, 8, 8) + 0.5
    loss = scale_invariant_log(target * 2, target)
    assert float(loss) == pytest.approx(0.5 * np.log(2) ** 2, rel=1e-5)


def test_a_constant_error_has_no_slope() -> None:
    target = torch.rand(1, 1, 16, 16)
    assert float(gradient(target + 0.3, target)) == pytest.approx(0, abs=1e-6)
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    assert float(gradient(target + 0.1 * ramp, target)) == pytest.approx(0.1 * (1 + 2 + 4 + 8) / 4, rel=1e-4)


def test_focal_loss_is_a_weighted_cross_entropy() -> None:
    logits, target = torch.tensor([[[[2.0, -1.0]]]]), torch.tensor([[[[1.0, 1.0]]]])
    p = torch.sigmoid(logits)
    assert float(focal(logits, target)) == pytest.approx(float((-0.25 * (1 - p) ** 2 * p.log()).mean()), rel=1e-6)


def test_dice_counts_the_overlap() -> None:
    values, target = torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4)
    values[..., :2], target[..., 1:3] = 1, 1
    assert float(dice(values, target, smooth=0)) == pytest.approx(1 - 2 * 2 / 8)


def test_similarity_of_opposites_is_negative() -> None:
    target = (torch.rand(1, 1, 20, 20) > 0.5).float()
    assert float(ssim(1 - target, target)) > 1.5


@pytest.mark.parametrize(
    "chosen", ["no-mix", {"mask": {"nonsense": 1.0}}, {"mask": {"bce": -1}}, {"mask": {"bce": "2"}}]
)
def test_unknown_names_and_weights_are_refused(chosen) -> None:
    with pytest.raises(UsageError, match=r"no-mix|nonsense|bce"):
        choose_weights(chosen)


def test_the_published_mixes_are_there_by_name() -> None:
    assert all(choose_weights(name) == weights for name, weights in MIXES.items())
