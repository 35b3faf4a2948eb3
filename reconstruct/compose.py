"""Choose the shape of a segment, or the height at which it falls into two simpler ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..inference.prediction import Camera, Kind
from .adjust import adjust, set_target
from .evidence import Evidence
from .fits import propose
from .judge import BENT, ERROR_CAP, Verdict, judge
from .scene import Prism
from .shapes import Shape, to_prism

LEAST_OVERLAP, MOST_ERROR = 0.96, 0.025  # what a shape has to keep of the outline and of the depth
ROUND = ("cylinder", "cone", "lathe")
EXPRESSED = {  # which shapes are of a class
    "box": ("box",),
    "cylinder": ("cylinder", "lathe"),
    "sphere": ("lathe",),
    "cone": ("cone", "lathe", "profile"),
    "prism": ("profile",),
}
UNEXPECTED = 0.006  # cost of a shape of another class than a network or a name tells
BULGE = 0.6  # of its half width, of a round thing towards the camera: depth that errs by more cannot tell
BENDS_WALLS = 0.1  # relative: depth that errs by more shows walls as round as columns
SIDE = 0.1  # of doubtful depth's error, that a plane has where a side is seen: flatter things are prisms
FORGIVEN = 0.05  # weight of errors of a thing that is known to be round, where depth may show it flat
ERROR_OVER_FLAT = 0.002  # of a round shape over a plane's
FLAT, ROUGH = 0.0015, 1.2  # relative depth error of a plane, and times the depth's own: so flat a thing is not round
ADJUSTED = (("box",), ("cylinder", "cone"))
CERTAIN = 0.004  # cost of a shape that needs no adjusting
WORTH, WORTH_BENT = 0.8, 0.4  # least overlap of a shape that is adjusted
MOST_GROWN = 1.5  # of its largest extent, by adjusting, where depth is so doubtful that it does not hold it
COMPLEXITY = {"box": 0.0, "cylinder": 0.002, "cone": 0.003, "profile": 0.006, "lathe": 0.006}
FIRST_OVERLAP = 0.9


@dataclass(frozen=True, eq=False)
class Fit:
    """A shape with how it looks through the camera.

    Attributes:
        shape: in the world.
        verdict: of the judge.
        allowed: the relative depth error that it may have.
        known_to: the relative error of the depth map itself.
        weight: of further errors.
        is_unexpected: whether a network or the thing's name tells of another class of shapes.
    """

    shape: Shape
    verdict: Verdict
    allowed: float
    known_to: float
    weight: float = 1.0
    is_unexpected: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it keeps outline and depth well enough to stand for its segment."""
        return self.verdict.overlap >= LEAST_OVERLAP and self.verdict.error <= self.allowed

    @property
    def looks_good(self) -> bool:
        """Whether it may do so when it is looked at more closely."""
        return self.verdict.overlap >= FIRST_OVERLAP and self.verdict.error <= self.allowed

    @property
    def cost(self) -> float:
        """Return what it gets wrong, beyond what depth is known to, and a little for what is not simple."""
        excess = self.weight * max(self.verdict.error - self.known_to, 0.0)
        less_likely = COMPLEXITY[self.shape.kind] + UNEXPECTED * self.is_unexpected
        return excess + ERROR_CAP * (1 - self.verdict.overlap) + less_likely


def choose_shape(evidence: Evidence, has_ground: bool) -> Fit | None:
    """Return the shape that explains a segment best for its complexity; None where none could be fitted."""
    fits = fit_each([evidence], has_ground)[0]
    best = choose_best(fits)
    if best is None or not (best.is_good and best.cost < CERTAIN):
        best = choose_best(fits + _adjust_best(fits, evidence))
    return best


def choose_best(fits: list[Fit]) -> Fit | None:
    """Return the cheapest of those that are good, or of all where none is; None for none."""
    return min([fit for fit in fits if fit.is_good] or fits, key=lambda fit: fit.cost, default=None)


def fit_each(pieces: list[Evidence], has_ground: bool) -> list[list[Fit]]:
    """Return the shapes that may explain each of several things that are seen on one grid."""
    trials = []
    for number, evidence in enumerate(pieces):
        is_flat = evidence.flat_error < max(FLAT, ROUGH * evidence.roughness)
        shows_a_side = evidence.flat_error > SIDE * evidence.depth_error
        if not shows_a_side and evidence.depth_error >= BENDS_WALLS and not evidence.expected:
            continue  # its outline is all that is known of it
        shows_round = not is_flat and evidence.depth_error < min(BULGE * evidence.half_width, BENDS_WALLS)
        for shape in propose(evidence, has_ground, with_round=shows_round or evidence.is_round_all_the_same):
            trials.append((number, shape, _allow(shape, evidence)))
    verdicts = judge([(shape, pieces[number]) for number, shape, _ in trials])
    fits: list[list[Fit]] = [[] for _ in pieces]
    for (number, shape, allowed), verdict in zip(trials, verdicts, strict=True):
        fits[number].append(_weigh(shape, verdict, allowed, pieces[number]))
    return fits


def _weigh(shape: Shape, verdict: Verdict, allowed: float, evidence: Evidence) -> Fit:
    unexpected = evidence.expected != "" and shape.kind not in EXPRESSED[evidence.expected]
    weight = FORGIVEN if _is_known_round(shape, evidence) else 1.0
    return Fit(shape, verdict, allowed, evidence.depth_error, weight, unexpected)


def _is_known_round(shape: Shape, evidence: Evidence) -> bool:
    return shape.kind in ROUND and evidence.is_round_all_the_same and shape.kind in EXPRESSED[evidence.expected]


def _allow(shape: Shape, evidence: Evidence) -> float:
    """Return the relative depth error that a shape may have: of a round one not much more than that of a plane."""
    most = MOST_ERROR + 1.5 * evidence.depth_error
    if shape.kind not in ROUND:
        return most
    if _is_known_round(shape, evidence):
        return most + BULGE * evidence.half_width
    return min(most, evidence.flat_error + ERROR_OVER_FLAT + evidence.depth_error)


def _adjust_best(fits: list[Fit], evidence: Evidence) -> list[Fit]:
    """Return the best box and the best round shape, adjusted to outline and depth."""
    # Depth that errs smoothly sets solids askew; other depth sets them right if they are right at all.
    is_bent = evidence.depth_error > max(BENT, 2 * evidence.roughness)
    usable = [fit for fit in fits if fit.verdict.overlap >= (WORTH_BENT if is_bent else WORTH)]
    firsts = [choose_best([fit for fit in usable if fit.shape.kind in kinds]) for kinds in ADJUSTED]
    if not any(firsts):
        return []
    target = set_target(evidence)
    found = []
    for first in firsts:
        if first is None or (shape := adjust(first.shape, evidence, target)) is None:
            continue
        if evidence.depth_error < BENDS_WALLS or _size_of(shape) <= MOST_GROWN * _size_of(first.shape):
            found.append((shape, first.allowed))
    verdicts = judge([(shape, evidence) for shape, _ in found])
    judged = zip(found, verdicts, strict=True)
    return [_weigh(shape, verdict, allowed, evidence) for (shape, allowed), verdict in judged]


def _size_of(shape: Shape) -> float:
    """Return the largest extent of a shape along the axes of its plane."""
    return float(np.ptp(shape.rings.reshape(-1, 3) @ shape.world_from_plane[:3, :3], axis=0).max())


def solidify(fit: Fit, kind: Kind, camera: Camera, world_from_camera: np.ndarray) -> Prism:
    """Return a fitted shape as a prism in the world, with the reason for it; name and colour are still blank."""
    prism = to_prism(fit.shape, kind, camera, world_from_camera)
    kept, error = fit.verdict.overlap, fit.verdict.error
    reason = f"{fit.shape.kind}: keeps {kept:.0%} of the outline, {error:.1%} off in depth"
    return replace(prism, residual=error, reason=reason)
