"""What makes the depth map's unit a metre, in order of trust: a reference, a metric map, the camera's height."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import ScaleReferenceUnknown, UsageError
from .meshes import mesh_of
from .prisms import rescale
from .scene import Prism, Scale, Scene

CAMERA_HEIGHT_M = 1.6  # eye level: how most photographs are taken
MEDIAN_DEPTH_M = 5.0  # where nothing at all is known
LEAST_RISE = 0.02  # of a reference's longest side: what is lower lies flat, and its height is an error of the fit


def choose_scale(is_metric: bool, depth_source: str, camera_height: float | None, median_depth: float) -> Scale:
    """Return the factor that turns the depth map's unit into metres.

    Args:
        is_metric: whether the map is in metres already.
        depth_source: its name, for the summary.
        camera_height: of the camera above the ground in the map's unit, None without a ground.
        median_depth: of the whole map, in its unit.
    """
    if is_metric:
        return Scale(1.0, f"metric depth of {depth_source}", True)
    if camera_height is not None:
        return Scale(CAMERA_HEIGHT_M / camera_height, f"assumed: camera {CAMERA_HEIGHT_M:g} m above the ground", False)
    return Scale(MEDIAN_DEPTH_M / median_depth, f"assumed: median depth {MEDIAN_DEPTH_M:g} m", False)


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


def multiply(scene: Scene, factor: float, source: str, is_metric: bool) -> Scene:
    """Return the scene with every length multiplied and the reason on record."""
    pose = scene.world_from_camera.copy()
    pose[:3, 3] *= factor
    return replace(
        scene,
        world_from_camera=pose,
        prisms=tuple(rescale(prism, factor) for prism in scene.prisms),
        scale=Scale(scene.scale.factor * factor, source, is_metric),
    )


def measure_sides(prisms: Iterable[Prism]) -> np.ndarray:
    """Return (3,) metres, the world extent of the fronts of some prisms: what the photo shows of them; y is upwards."""
    fronts = np.concatenate([mesh_of(prism).points[: len(prism.outline)] for prism in prisms])
    return np.ptp(fronts, axis=0)


def _solids(prism: Prism) -> list[Prism]:
    return [part for part in prism.walk() if not part.children]
