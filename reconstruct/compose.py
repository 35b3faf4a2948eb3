"""Choose the shape of a segment, or the height at which it falls into two simpler ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..inference.prediction import Camera, Kind
from .evidence import Evidence
from .fits import LEAST_POINTS, propose
from .frames import transform
from .judge import Verdict, judge, may_keep_outline
from .planes import fit_plane
from .scene import Prism
from .shapes import to_prism

LEAST_OVERLAP, MOST_ERROR = 0.96, 0.025  # what a shape has to keep of the outline and of the depth
ROUND = ("cylinder", "cone", "lathe")
ERROR_OVER_FLAT = 0.005  # of a round shape over a plane's: flat depth is no reason for one
COMPLEXITY = {"box": 0.0, "cylinder": 0.002, "cone": 0.003, "profile": 0.006, "lathe": 0.006}
CUT_BANDS, CUTS_TRIED = 24, 3
FIRST_OVERLAP = 0.9
FIRST_LOOK = 3  # every so many pixels of the grid while heights are tried
LEAST_PIECE = 0.03  # of the segment's pixels: a smaller piece of a cut does not count
CLEARLY = 0.02  # more than at a height where the width changes more, to be preferred
EXPLAINED = 0.85  # of the segment's pixels, to lie on pieces with good shapes


@dataclass(frozen=True, eq=False)
class Choice:
    """A solid with how it looks through the camera.

    Attributes:
        prism: in the world.
        verdict: of the judge.
        allowed: the relative depth error that it may have.
    """

    prism: Prism
    verdict: Verdict
    allowed: float

    @property
    def is_good(self) -> bool:
        """Whether it keeps outline and depth well enough to stand for its segment."""
        return self.verdict.overlap >= LEAST_OVERLAP and self.verdict.error <= self.allowed

    @property
    def looks_good(self) -> bool:
        """Whether it may do so when it is looked at more closely."""
        return self.verdict.overlap >= FIRST_OVERLAP and self.verdict.error <= self.allowed


def choose_shape(evidence: Evidence, has_ground: bool, kind: Kind, camera: Camera) -> Choice | None:
    """Return the shape that explains a segment best for its complexity; None where none could be fitted."""
    choices = []
    most = MOST_ERROR + 1.5 * evidence.depth_error
    round_allowed = min(most, fit_flat(evidence) + ERROR_OVER_FLAT)
    for shape in propose(evidence, has_ground):
        prism = to_prism(shape, kind, camera, evidence.world_from_camera)
        if not may_keep_outline(prism, evidence):
            continue
        verdict = judge(prism, evidence)
        reason = f"{shape.kind}: keeps {verdict.overlap:.0%} of the outline, {verdict.error:.1%} off in depth"
        allowed = round_allowed if shape.kind in ROUND else most
        choices.append(Choice(replace(prism, residual=verdict.error, reason=reason), verdict, allowed))
    if not choices:
        return None
    good = [choice for choice in choices if choice.is_good]
    return min(good or choices, key=lambda choice: choice.verdict.cost + COMPLEXITY[choice.prism.shape])


def fit_flat(evidence: Evidence) -> float:
    """Return the mean relative depth error of the plane that fits a segment best: what a shape has to match."""
    camera_from_world = np.linalg.inv(evidence.world_from_camera)
    points = transform(camera_from_world, evidence.points)
    return fit_plane(points / points[:, 2:], points[:, 2]).residual if len(points) else 0.0


def find_cut(evidence: Evidence, has_ground: bool, kind: Kind, camera: Camera) -> float | None:
    """Return the height that parts a segment into pieces of good shapes: a crown from a trunk, a top from legs."""
    heights = _heights_of_change(evidence)
    evidence = evidence.thinned(FIRST_LOOK)
    best, most = None, EXPLAINED
    for height in heights:
        explained = 0.0
        for piece in _pieces(evidence, height):
            choice = choose_shape(piece, has_ground, kind, camera)
            # A stick of a few pixels is as good as a shape already.
            if len(piece.points) < LEAST_POINTS or (choice is not None and choice.looks_good):
                explained += np.count_nonzero(piece.own) / np.count_nonzero(evidence.own)
        if explained > most:
            best, most = height, explained + CLEARLY
    return best


def _heights_of_change(evidence: Evidence) -> list[float]:
    """Return the heights where a segment's width changes most."""
    y = evidence.points[:, 1]
    if len(y) < CUT_BANDS:
        return []
    low, high = np.quantile(y, (0.01, 0.99))
    edges = np.linspace(low, high, CUT_BANDS + 1)
    columns = np.nonzero(evidence.own & np.isfinite(evidence.z))[1]
    filled = np.zeros((CUT_BANDS, evidence.own.shape[1]), bool)
    filled[np.searchsorted(edges[1:-1], y), columns] = True
    widths = filled.sum(axis=1)
    change = np.abs(np.diff(widths))
    order = np.argsort(-change, kind="stable")
    return [float(edges[k + 1]) for k in order[:CUTS_TRIED] if change[k] > 0.2 * widths.max()]


def _pieces(evidence: Evidence, height: float) -> list[Evidence]:
    """Return the evidence of each connected piece above and below a height."""
    known = evidence.own & np.isfinite(evidence.z)
    y = np.full(evidence.own.shape, np.nan)
    y[known] = evidence.points[:, 1]
    number = np.full(evidence.own.shape, -1)
    number[known] = np.arange(len(evidence.points))
    found = []
    with np.errstate(invalid="ignore"):
        sides = (y >= height, y < height)
    for side in sides:
        count, labels = cv2.connectedComponents(side.view(np.uint8), connectivity=4)
        for label in range(1, count):
            own = labels == label
            if np.count_nonzero(own) >= LEAST_PIECE * np.count_nonzero(evidence.own):
                chosen = number[own]
                found.append(
                    replace(evidence, own=own, points=evidence.points[chosen], normals=evidence.normals[chosen])
                )
    return found
