"""Find a learning rate: raise it from step to step on a fresh network, and see where the loss falls fastest.

Source: Smith, Cyclical learning rates for training neural networks (2017), the range test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...errors import RateNotFound
from .train import Training

MEMORY = 0.9  # of the running mean of the loss
BLOWN_UP = 4.0  # times the least loss: beyond, nothing is learnt about the rate
LEAST_STEPS = 10
WIDTH_PX, HEIGHT_PX, MARGIN_PX = 720, 440, 60
INK, GRID, CURVE, RAW, MARK = (40, 40, 40), (225, 225, 225), (170, 90, 20), (225, 190, 150), (40, 40, 200)  # BGR
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class RateSearch:
    """What a range test saw.

    Attributes:
        rates: (N,) float64, rising.
        losses: (N,) float64, of each step.
        smooth: (N,) float64, their running mean.
        suggested: a good greatest rate.
    """

    rates: np.ndarray
    losses: np.ndarray
    smooth: np.ndarray
    suggested: float


def search_rate(
    training: Training, low: float = 1e-6, high: float = 1.0, steps: int = 100, progress: Progress | None = None
) -> RateSearch:
    """Train a little with rising rates; the training is of no use afterwards, and nothing is written.

    Args:
        training: fresh.
        low, high: the first rate and the last one; the test ends earlier when the loss blows up.
        steps: batches at most.
        progress: called with the step and ``steps``; an exception raised in it stops the test.

    Raises:
        RateNotFound: the loss falls nowhere.
    """
    wanted = np.geomspace(low, high, steps)
    losses: list[float] = []
    least = math.inf
    for rate in wanted:
        loss = training.advance(float(rate))["total"]
        if not math.isfinite(loss) or loss > BLOWN_UP * least:
            break
        losses.append(loss)
        least = min(least, smooth_losses(losses)[-1])
        if progress:
            progress(len(losses), steps)
    rates, smooth = wanted[: len(losses)], smooth_losses(losses)
    return RateSearch(rates, np.array(losses), smooth, suggest_rate(rates, smooth))


def smooth_losses(losses: Sequence[float]) -> np.ndarray:
    """Return (N,) float64, the running mean of losses, each as if the mean had begun with the first."""
    running, means = 0.0, np.empty(len(losses))
    for step, loss in enumerate(losses):
        running = MEMORY * running + (1 - MEMORY) * loss
        means[step] = running / (1 - MEMORY ** (step + 1))
    return means


def suggest_rate(rates: np.ndarray, smooth: np.ndarray) -> float:
    """Return the rate at which the loss falls fastest by the rate's logarithm, before its least value.

    Args:
        rates: (N,) float64, rising.
        smooth: (N,) float64, the loss at each, without noise.

    Raises:
        RateNotFound: there are too few of them, or the loss falls nowhere.
    """
    end = int(np.argmin(smooth)) + 1 if len(smooth) else 0
    if end < LEAST_STEPS:
        raise RateNotFound(
            f"the loss falls at no rate of {len(rates)} tried: start lower, take more steps, or look at data and losses"
        )
    slope = np.gradient(smooth[:end], np.log(rates[:end]))
    first = min(LEAST_STEPS, end - 1)  # before, the mean is that of a few batches, and falls by chance
    return float(rates[first + int(np.argmin(slope[first:]))])


def draw_search(search: RateSearch) -> np.ndarray:
    """Return (H, W, 3) uint8 sRGB: the loss over the rate, in logarithms of ten, with the suggestion marked."""
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)
    low, high = float(search.losses.min()), float(np.quantile(search.losses, 0.98))
    first, last = math.log10(search.rates[0]), math.log10(search.rates[-1])

    def place(rate: float, loss: float) -> tuple[int, int]:
        across = (math.log10(rate) - first) / max(last - first, 1e-9)
        up = min(1.0, (loss - low) / max(high - low, 1e-12))
        return (
            round(MARGIN_PX + across * (WIDTH_PX - 2 * MARGIN_PX)),
            round(HEIGHT_PX - MARGIN_PX - up * (HEIGHT_PX - 2 * MARGIN_PX)),
        )

    def write(text: str, x: int, y: int, colour: tuple[int, int, int] = INK) -> None:
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)

    for power in range(math.ceil(first), math.floor(last) + 1):
        x, bottom = place(10.0**power, low)
        cv2.line(picture, (x, MARGIN_PX), (x, bottom), GRID)
        write(f"1e{power}", x - 14, bottom + 20)
    for loss in np.linspace(low, high, 5):
        left, y = place(search.rates[0], float(loss))
        cv2.line(picture, (left, y), (WIDTH_PX - MARGIN_PX, y), GRID)
        write(f"{loss:.3g}", 6, y + 5)
    for values, colour, thickness in ((search.losses, RAW, 1), (search.smooth, CURVE, 2)):
        line = np.array([place(rate, loss) for rate, loss in zip(search.rates, values, strict=True)], np.int32)
        cv2.polylines(picture, [line], False, colour, thickness, cv2.LINE_AA)
    x, bottom = place(search.suggested, low)
    cv2.line(picture, (x, MARGIN_PX), (x, bottom), MARK, 2)
    write(f"suggested {search.suggested:.2g}", min(x + 6, WIDTH_PX - 160), MARGIN_PX + 14, MARK)
    write("loss over learning rate", MARGIN_PX, MARGIN_PX - 20)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
