"""What makes the depth map's unit a metre: a metric map, else the camera's height and that of known things.

A reference that the user measured has the last word.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import ScaleReferenceUnknown, UsageError
from .meshes import mesh_of
from .priors import prior_of
from .prisms import rescale
from .scene import Prism, Scale, Scene

CAMERA_HEIGHT_M = 1.6  # eye level: how most photographs are taken
MEDIAN_DEPTH_M = 5.0  # where nothing at all is known
CAMERA_HEIGHT_SIGMA = 0.2  # relative: a phone at the chest, an arm raised
MEDIAN_DEPTH_SIGMA = 0.8
HEIGHT_SIGMA = 0.1  # relative error of a measured height, from outline, depth and posture
UNSEEN_FOOT_SIGMA = 0.2  # the same where no ground tells whether a thing stands on it or is hidden below
FRAME_MARGIN = 0.005  # of the long side: what comes closer to the photo's frame may be cut off
FOOT_TOLERANCE = 0.15  # of its height: how far from the ground a thing's foot may lie
LEAST_SIGMA = 0.05  # of any estimate: errors that all things in a photo share
OUTLIER = 1.5  # standard deviations from which on a height counts less
LEAST_RISE = 0.02  # of a reference's longest side: what is lower lies flat, and its height is an error of the fit


def choose_scale(is_metric: bool, depth_source: str, camera_height: float | None, median_depth: float) -> Scale:
    """Return the factor that turns the depth map's unit into metres, before any thing in it is known.

    Args:
        is_metric: whether the map is in metres already.
        depth_source: its name, for the summary.
        camera_height: of the camera above the ground in the map's unit, None without a ground.
        median_depth: of the whole map, in its unit.
    """
    if is_metric:
        return Scale(1.0, f"metric depth of {depth_source}", True)
    if camera_height is not None:
        source = f"assumed: camera {CAMERA_HEIGHT_M:g} m above the ground"
        return Scale(CAMERA_HEIGHT_M / camera_height, source, False, CAMERA_HEIGHT_SIGMA)
    source = f"assumed: median depth {MEDIAN_DEPTH_M:g} m"
    return Scale(MEDIAN_DEPTH_M / median_depth, source, False, MEDIAN_DEPTH_SIGMA)


def weigh_heights(scene: Scene) -> Scene:
    """Rescale a scene whose scale was assumed so that things of known labels get their usual heights.

    The assumption and each thing that stands whole in the photo are measurements of one factor, each as sure as its
    range is narrow: their mean in the logarithm, in which the odd ones out (a child, somebody seated) count less.
    """
    measured = measure_standing(scene)
    if scene.scale.uncertainty is None or not measured:
        return scene
    offsets, sigmas = [0.0], [scene.scale.uncertainty]
    for label, height_m in measured:
        prior = prior_of(label)
        assert prior is not None
        offsets.append(math.log(prior.typical_height_m / height_m))
        unseen = 0.0 if scene.has_ground else UNSEEN_FOOT_SIGMA
        sigmas.append(math.hypot(prior.height_sigma, HEIGHT_SIGMA, unseen))
    mean, sigma = _robust_mean(np.array(offsets), np.array(sigmas))
    counts = Counter(label for label, _ in measured)
    things = ", ".join(f"{count} x {label}" for label, count in counts.items())
    assumed = scene.scale.source.removeprefix("assumed: ")
    source = f"estimated: {assumed}; usual heights of {things}"
    return multiply(scene, math.exp(mean), source, False, uncertainty=round(sigma, 3))


def measure_standing(scene: Scene) -> list[tuple[str, float]]:
    """Return label and height in metres of each thing of a usual height that stands whole in the photo.

    Whole is what keeps off the frame and, where there is a ground, has its foot on it.
    """
    height_px, width_px = scene.photo.size
    margin_px = FRAME_MARGIN * max(scene.photo.size)
    measured = []
    for prism in scene.prisms:
        if prior_of(prism.label) is None:
            continue
        solids = _solids(prism)
        outline = np.concatenate([solid.outline_px for solid in solids])
        inside = (outline > margin_px) & (outline < np.array([width_px, height_px]) - margin_px)
        low, high = measure_rise(solids)
        stands = not scene.has_ground or abs(low) < FOOT_TOLERANCE * (high - low)
        if inside.all() and stands and high > low:
            measured.append((prism.label, high - low))
    return measured


def _robust_mean(values: np.ndarray, sigmas: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of (N,) measurements, those beyond ``OUTLIER`` with less weight.

    Source: Huber 1964, Robust estimation of a location parameter, by reweighting.
    """
    order = np.argsort(values)
    share = np.cumsum(1 / sigmas[order]) / np.sum(1 / sigmas)
    mean = float(values[order][np.searchsorted(share, 0.5)])
    for _ in range(20):
        surprise = np.abs(values - mean) / sigmas
        weights = np.minimum(1, OUTLIER / np.maximum(surprise, OUTLIER)) / sigmas**2
        mean = float(weights @ values / weights.sum())
    disagreement = math.sqrt(float(weights @ (values - mean) ** 2) / max(len(values) - 1, 1))
    return mean, max(LEAST_SIGMA, max(1.0, disagreement) / math.sqrt(weights.sum()))


def apply_reference(scene: Scene, label: str, height_m: float) -> Scene:
    """Rescale a scene so that the largest segment of a label is as high as the user measured.

    Raises:
        ScaleReferenceUnknown: no segment has that label.
        UsageError: the segment lies flat.
    """
    matching = [prism for prism in scene.prisms if prism.label.casefold() == label.casefold()]
    if not matching:
        known = ", ".join(sorted({prism.label for prism in scene.prisms}))
        raise ScaleReferenceUnknown(
            f"The scale reference names the label {label!r}, which is on no segment; use one of: {known}."
        )
    largest = max(matching, key=lambda prism: prism.pixels)
    sides_m = measure_sides(_solids(largest))
    if sides_m[1] < LEAST_RISE * sides_m.max():
        raise UsageError(
            f"The scale reference {largest.label!r} lies flat, {sides_m[1]:.3g} m high and {sides_m.max():.3g} m long; "
            "use something that stands upright."
        )
    factor = height_m / float(sides_m[1])
    return multiply(scene, factor, f"reference: {largest.label} is {height_m:g} m high", is_metric=True)


def multiply(scene: Scene, factor: float, source: str, is_metric: bool, *, uncertainty: float | None = None) -> Scene:
    """Return the scene with every length multiplied and the reason on record."""
    pose = scene.world_from_camera.copy()
    pose[:3, 3] *= factor
    return replace(
        scene,
        world_from_camera=pose,
        prisms=tuple(rescale(prism, factor) for prism in scene.prisms),
        scale=Scale(scene.scale.factor * factor, source, is_metric, uncertainty),
    )


def measure_sides(prisms: Iterable[Prism]) -> np.ndarray:
    """Return (3,) metres, the world extent of the fronts of some prisms: what the photo shows of them; y is upwards."""
    return np.ptp(_front_points(prisms), axis=0)


def measure_rise(prisms: Iterable[Prism]) -> tuple[float, float]:
    """Return the lowest and the highest y in metres of the fronts of some prisms."""
    y = _front_points(prisms)[:, 1]
    return float(y.min()), float(y.max())


def _front_points(prisms: Iterable[Prism]) -> np.ndarray:
    return np.concatenate([mesh_of(prism).points[: len(prism.outline)] for prism in prisms])


def _solids(prism: Prism) -> list[Prism]:
    return [part for part in prism.walk() if not part.children]
