"""Triangles -> which of them each pixel sees, and how far away: a z-buffer in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inference.prediction import Camera
from .frames import project

FRAGMENTS_AT_ONCE = 1 << 18  # pixel candidates in hand: few enough to stay in the cache


@dataclass(frozen=True, eq=False)
class Raster:
    """What a camera sees.

    Attributes:
        triangle: (H, W) int32, number of the nearest triangle at the pixel's centre, -1 where there is none.
        depth: (H, W) float64, of that triangle along the optical axis in the triangles' unit, NaN where there is none.
    """

    triangle: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True, eq=False)
class _Scan:
    """Triangles in the picture.

    Attributes:
        source: (T,) int64, number of the triangle that each is, or was cut from.
        corners_px: (T, 3, 2) float64.
        plane_px: (T, 3) float64 a, b, c with 1 / z = a x_px + b y_px + c.
        lowest, highest: (T,) float64, ends of 1 / z on it.
    """

    source: np.ndarray
    corners_px: np.ndarray
    plane_px: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


@dataclass(frozen=True, eq=False)
class _Spans:
    """Runs of pixels inside triangles: ``length`` pixels from column ``start`` on in picture row ``row``."""

    triangle: np.ndarray
    row: np.ndarray
    start: np.ndarray
    length: np.ndarray


def rasterise(triangles_cam: np.ndarray, camera: Camera, near: float = 0.01) -> Raster:
    """Find the nearest triangle behind each pixel's centre; both sides of a triangle are seen.

    Args:
        triangles_cam: (T, 3, 3) float, corners in camera axes.
        camera: gives the picture's size too.
        near: what lies closer along the optical axis than this is cut away; same unit as the triangles.
    """
    nearest = np.zeros(camera.height * camera.width)
    triangle = np.full(nearest.shape, -1, np.int32)
    scan = _prepare(triangles_cam, camera, near)
    for spans in _in_chunks(_spans(scan.corners_px, camera)):
        pixel, inverse = _fragments(scan, spans, spans.row * camera.width)
        np.maximum.at(nearest, pixel, inverse)
        wins = inverse == nearest[pixel]
        triangle[pixel[wins]] = np.repeat(scan.source[spans.triangle], spans.length)[wins]
    shape = (camera.height, camera.width)
    return Raster(triangle.reshape(shape), _depth_of(nearest).reshape(shape))


def rasterise_solids(
    triangles_cam: np.ndarray, layer: np.ndarray, count: int, camera: Camera, near: float = 0.01
) -> np.ndarray:
    """Look at several closed solids, each by itself: many small pictures cost hardly more than one.

    Args:
        triangles_cam: (T, 3, 3) float, corners in camera axes, counter-clockwise seen from outside.
        layer: (T,) int64, number of the solid that each belongs to, below ``count``.
        count: of solids.
        camera, near: as for ``rasterise``.

    Returns:
        (count, H, W) float64 depth of each along the optical axis, NaN beside it.
    """
    size = camera.height * camera.width
    nearest = np.zeros(count * size)
    # Of a closed solid only what turns its outside to the camera can be the nearest.
    scan = _prepare(triangles_cam, camera, near, only_outside=True)
    first_pixel = layer[scan.source] * size
    for spans in _in_chunks(_spans(scan.corners_px, camera)):
        np.maximum.at(nearest, *_fragments(scan, spans, first_pixel[spans.triangle] + spans.row * camera.width))
    return _depth_of(nearest).reshape(count, camera.height, camera.width)


def _prepare(triangles_cam: np.ndarray, camera: Camera, near: float, *, only_outside: bool = False) -> _Scan:
    """Cut triangles at the near plane and bring them to the picture; leave out those that show no area."""
    clipped, source = clip_near(np.asarray(triangles_cam, np.float64), near)
    corners_px = project(clipped, camera)
    plane_px, visible = _inverse_depth_planes(clipped, corners_px, camera, only_outside)
    clipped, source, corners_px, plane_px = clipped[visible], source[visible], corners_px[visible], plane_px[visible]
    z = clipped[..., 2]
    return _Scan(source, corners_px, plane_px, 1 / z.max(axis=1), 1 / z.min(axis=1))


def _fragments(scan: _Scan, spans: _Spans, first_pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel of the spans its number, given that of column 0 in each span's row, and 1 / z there."""
    a, b, c = scan.plane_px[spans.triangle].T
    lowest, highest = scan.lowest[spans.triangle], scan.highest[spans.triangle]
    across = b * (spans.row + 0.5) + c
    # Slivers seen edge on would run away beyond their own corners: along a run, its ends keep all between.
    first = np.clip(a * (spans.start + 0.5) + across, lowest, highest)
    last = np.clip(a * (spans.start + spans.length - 0.5) + across, lowest, highest)
    step = (last - first) / np.maximum(spans.length - 1, 1)
    ends = np.cumsum(spans.length)
    along = np.arange(ends[-1]) - np.repeat(ends - spans.length, spans.length)
    pixel = along + np.repeat(first_pixel + spans.start, spans.length)
    return pixel, along * np.repeat(step, spans.length) + np.repeat(first, spans.length)


def _depth_of(inverse: np.ndarray) -> np.ndarray:
    """Return (N,) depth of 1 / z, NaN where that is 0."""
    depth = np.full(inverse.shape, np.nan)
    return np.divide(1.0, inverse, out=depth, where=inverse > 0)


def clip_near(triangles_cam: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut off what lies nearer than the plane z = near.

    Args:
        triangles_cam: (T, 3, 3) float64, camera axes.
        near: same unit as the triangles.

    Returns:
        (C, 3, 3) float64 triangles in front of the plane, and (C,) int64, the number of the triangle each comes from.
    """
    inside = triangles_cam[..., 2] >= near
    number = np.arange(len(triangles_cam))
    if inside.all():
        return triangles_cam, number
    count = inside.sum(axis=1)

    one = number[count == 1]
    first, second, third = _corners_from(triangles_cam[one], inside[one].argmax(axis=1))
    tips = np.stack([first, _cut(first, second, near), _cut(first, third, near)], axis=1)

    two = number[count == 2]
    outer, left, right = _corners_from(triangles_cam[two], inside[two].argmin(axis=1))
    cut_left, cut_right = _cut(left, outer, near), _cut(right, outer, near)
    halves = [np.stack([cut_left, left, right], axis=1), np.stack([cut_left, right, cut_right], axis=1)]

    whole = number[count == 3]
    return np.concatenate([triangles_cam[whole], tips, *halves]), np.concatenate([whole, one, two, two])


def _corners_from(triangles: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three (T, 3) corners of each triangle in their order, beginning with corner ``start``."""
    order = (start[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(triangles, order[..., None], axis=1)
    return turned[:, 0], turned[:, 1], turned[:, 2]


def _cut(inner: np.ndarray, outer: np.ndarray, near: float) -> np.ndarray:
    """Return (T, 3), where the edges from ``inner`` to ``outer`` cross the near plane."""
    share = (inner[:, 2] - near) / (inner[:, 2] - outer[:, 2])
    cut = inner + share[:, None] * (outer - inner)
    cut[:, 2] = near
    return cut


def _inverse_depth_planes(
    triangles_cam: np.ndarray, corners_px: np.ndarray, camera: Camera, only_outside: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, 3) a, b, c with 1 / z = a x_px + b y_px + c, and (T,) bool, whether the triangle shows any area."""
    sides = triangles_cam[:, 1:] - triangles_cam[:, :1]
    normal = np.cross(sides[:, 0], sides[:, 1])
    offset = np.einsum("ij,ij->i", normal, triangles_cam[:, 0])
    sides_px = corners_px[:, 1:] - corners_px[:, :1]
    area_px = sides_px[:, 0, 0] * sides_px[:, 1, 1] - sides_px[:, 0, 1] * sides_px[:, 1, 0]
    visible = (np.abs(area_px) > 1e-9) & (offset < 0 if only_outside else offset != 0)
    normal = normal / np.where(visible, offset, 1)[:, None]
    a, b = normal[:, 0] / camera.fx, normal[:, 1] / camera.fy
    return np.stack([a, b, normal[:, 2] - a * camera.cx - b * camera.cy], axis=1), visible


def _spans(corners_px: np.ndarray, camera: Camera) -> _Spans:
    """Return the runs of pixel centres inside each triangle; triangles that share an edge share no pixel along it."""
    top, bottom = corners_px[..., 1].min(axis=1), corners_px[..., 1].max(axis=1)
    first = np.ceil(np.clip(top, 0, camera.height) - 0.5).astype(np.int64)
    rows = np.maximum(np.ceil(np.clip(bottom, 0, camera.height) - 0.5).astype(np.int64) - first, 0)
    triangle = np.repeat(np.arange(len(corners_px)), rows)
    row = np.arange(len(triangle)) - np.repeat(np.cumsum(rows) - rows - first, rows)

    (x0, y0), (x1, y1) = corners_px.transpose(2, 1, 0), np.roll(corners_px, -1, axis=1).transpose(2, 1, 0)
    # The half-plane a x + b y + c >= 0 of each edge, with signs such that the triangle lies inside. Both neighbours of
    # an edge compute exactly opposite values, so they cross a row at the same x, and no pixel falls between them.
    a, b, c = y0 - y1, x1 - x0, x0 * y1 - x1 * y0
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (-b / a)[:, triangle] * (row + 0.5) + (-c / a)[:, triangle]
    side = np.sign(c.sum(axis=0) * a)[:, triangle]
    left = np.where(side > 0, x, -np.inf).max(axis=0)
    right = np.where(side < 0, x, np.inf).min(axis=0)
    start = np.ceil(np.clip(left, 0, camera.width) - 0.5).astype(np.int64)
    length = np.ceil(np.clip(right, 0, camera.width) - 0.5).astype(np.int64) - start
    some = length > 0
    return _Spans(triangle[some], row[some], start[some], length[some])


def _in_chunks(spans: _Spans) -> list[_Spans]:
    """Return the spans in parts of about ``FRAGMENTS_AT_ONCE`` pixels."""
    total = np.cumsum(spans.length)
    if not len(total):
        return []
    cuts = np.searchsorted(total, np.arange(FRAGMENTS_AT_ONCE, total[-1], FRAGMENTS_AT_ONCE))
    fields = (spans.triangle, spans.row, spans.start, spans.length)
    return [_Spans(*parts) for parts in zip(*(np.split(field, cuts) for field in fields), strict=True)]
