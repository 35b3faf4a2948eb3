"""Where things stand: the plane of each region, from where its foot meets the ground."""

from __future__ import annotations

import numpy as np

from .layout import Layout, are, height_over_horizon
from .prediction import Camera, Kind
from .regions import join_pairs

CAMERA_HEIGHT_M = 1.6  # eye level of a standing photographer; one photo alone does not tell it
FAR_M, NEAR_M = 60.0, 0.5  # depth is kept between these
NOWHERE_M = 15.0  # the distance of what touches nothing whose distance is known
WALL_WIDTH = 0.12  # of the picture: a narrower foot does not show which way a wall runs
LEAN_SHARE = 0.2  # of its border: a region without a foot stands with the neighbours met by then, from afar
STACK_SHARE = 0.35  # the same of what a structure rests on, which is its own lower storeys for the most part
ALIGN_SHARE = 0.4  # of a building's area: its front is as far as that share of it, from afar, seems to be
TOUCHING, SAME_BUILDING = 0.03, 1.6  # of a border, and times the distance: structures that share one, and stand alike
SLOPE_RANGE = 3.0  # times its distance: a slope that leads further over a region's width is not that region's
MOST_SLANT, SAME_SLANT = 8.0, 0.02  # times nearer at one end than at the other; of slants, apart
ALONG_FOOT = 0.6  # of the nearness that the foot of a front has, where it is known which way it runs
FOOT_GAP_PX = 3  # of the reduced picture: a region stands on what is this far below it, across the line of its shade
STRAIGHT_DOWN = 1 - 1e-9  # of gravity along the optical axis
FOOT_SEEN = 0.25  # of a region's width must meet the ground, or it leans on its neighbours
NEARER = 0.8  # quantile of where a region meets the ground that is its foot: where something hides it, it seems far off
FOOT_FROM = 0.7  # of its height, from above: ground that it meets there alone is ground in name


def stand_on_ground(
    regions: Layout, kinds: list[Kind], camera: Camera, down_cam: np.ndarray, slants: np.ndarray | None = None
) -> np.ndarray:
    """Give each region a plane: the ground, or upright through the region's foot, where it meets its support.

    Args:
        regions: as measured.
        kinds: of each region, from row 0.
        camera: of the picture.
        down_cam: (3,) unit vector along gravity, camera axes.
        slants: (N + 1,) as of ``find_slants``, where it is known which way a region runs; NaN elsewhere.

    Returns:
        (N + 1, 3) float64: p with 1 / z = p . ray for rays with z = 1, in camera axes, metres for the assumed camera
        height; NaN for sky and row 0.
    """
    r = regions
    ahead, right = level_axes(down_cam)
    forward = np.abs(height_over_horizon(camera, -ahead)).clip(1e-6)
    aside = height_over_horizon(camera, -right) / forward
    nearness = (-height_over_horizon(camera, down_cam) / forward / CAMERA_HEIGHT_M).clip(1 / FAR_M, 1 / NEAR_M)
    is_ground, is_upright = are(kinds, "ground"), are(kinds, "structure", "object")
    is_ground[0] = is_upright[0] = False
    walls = np.full((len(r.area), 2), np.nan)
    slants = np.full(len(r.area), np.nan) if slants is None else slants
    in_front = is_upright & np.isin(np.arange(len(r.area)), r.ids[-1]) & (r.below > 0.9)
    for i in np.flatnonzero(is_upright):
        hidden_by = in_front & (r.below[i] < 0.98)  # what rises over the horizon stands behind it, not on it
        hidden_by[i] = False
        walls[i] = _fit_foot(r, int(i), is_ground | hidden_by, nearness, aside, slants[i])
    is_structure = are(kinds, "structure") & is_upright
    _align(r, walls, is_structure, slants)
    _lean_on_neighbours(r, walls, is_upright, is_structure, aside, slants)
    walls[is_upright & np.isnan(walls[:, 0])] = [1 / NOWHERE_M, 0]
    planes = walls[:, :1] * ahead + walls[:, 1:] * right
    planes[is_ground] = down_cam / CAMERA_HEIGHT_M
    planes[~is_ground & ~is_upright] = np.nan
    return planes


def level_axes(down_cam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (3,) unit vectors in camera axes, at right angles to gravity: where the camera looks, and to its right.

    Of a camera that looks straight down, or up, the picture's top is ahead.
    """
    axis = np.array([0.0, 0.0, 1.0] if abs(down_cam[2]) < STRAIGHT_DOWN else [0.0, -1.0, 0.0])
    ahead = axis - (axis @ down_cam) * down_cam
    ahead /= np.linalg.norm(ahead)
    return ahead, np.cross(down_cam, ahead)


def may_run(slant: float, ends: np.ndarray) -> bool:
    """Return whether a front may run so between its ends, (2,) sideways over ahead: before the camera all along."""
    near = 1 + slant * ends
    return bool(near.min() > 0 and near.max() < MOST_SLANT * near.min())  # not so for NaN


def _fit_foot(
    r: Layout, i: int, is_support: np.ndarray, nearness: np.ndarray, aside: np.ndarray, slant: float
) -> tuple[float, float]:
    """Return how near a region's foot is, 1/m, and how that changes sideways; NaN when it touches no support."""
    top, left, width = r.top[i], r.left[i], r.right[i] - r.left[i] + 1
    last = min(r.bottom[i] + 1, len(r.ids) - FOOT_GAP_PX)
    own, below, support = (r.ids[top + k : last + k, left : left + width] for k in (0, 1, FOOT_GAP_PX))
    rows, columns = np.nonzero((own == i) & (below != i) & is_support[support])
    rows, columns = rows + top, columns + left
    at_edge = np.flatnonzero(r.ids[-1] == i)
    rows, columns = np.append(rows, np.full(len(at_edge), len(r.ids) - 1)), np.append(columns, at_edge)
    seen = len(np.unique(columns)) / width
    if len(rows) < 3 or seen < FOOT_SEEN or np.quantile(rows, NEARER) < top + FOOT_FROM * (r.bottom[i] - top):
        return np.nan, np.nan
    near = float(np.quantile(nearness[rows, columns], NEARER))
    if may_run(slant, aside[r.bottom[i], [r.left[i], r.right[i]]]):
        base = float(np.quantile(nearness[rows, columns] / (1 + slant * aside[rows, columns]), ALONG_FOOT))
        return base, base * slant
    if width < WALL_WIDTH * r.ids.shape[1] or seen < 0.6 or len(at_edge) > 0.2 * len(rows):
        return near, 0.0
    step = max(1, len(rows) // 100)
    base, slope = _fit_line(aside[rows, columns][::step], nearness[rows, columns][::step])
    ends = base + slope * aside[r.bottom[i], [r.left[i], r.right[i]]]
    if np.isnan(slope) or ends.min() < 1 / FAR_M or ends.max() > 1.5 * nearness[rows, columns].max():
        return near, 0.0
    return base, slope


def _fit_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return base and slope through (N,) points of which some are wrong, NaN where a level line fits about as well.

    Source: Theil and Sen's estimator, the median of the slopes between pairs of points that lie far apart.
    """
    run, rise = x[:, None] - x, y[:, None] - y
    far_apart = np.abs(run) > 0.2 * np.ptp(x)
    if not far_apart.any():
        return np.nan, np.nan
    slope = float(np.median(rise[far_apart] / run[far_apart]))
    base = float(np.median(y - slope * x))
    misfit, misfit_level = np.median(np.abs(y - slope * x - base)), np.median(np.abs(y - np.median(y)))
    return (base, slope) if misfit <= 0.5 * misfit_level else (np.nan, np.nan)


def _align(r: Layout, walls: np.ndarray, is_structure: np.ndarray, slants: np.ndarray) -> None:
    """Bring walls that touch, run alike and stand about as far, in place, to one distance: they are one building.

    Of them one of the farther counts: what stands before a building hides its foot. Which way a wall runs is known, or
    is level: those of which only their feet tell it stay where they are.
    """
    slant = walls[:, 1] / walls[:, 0]
    near = np.where(is_structure & ((slant == 0) | np.isfinite(slants)), walls[:, 0], np.nan)
    borders = r.borders.sum(axis=1)
    with np.errstate(invalid="ignore"):
        alike = np.abs(slant - slant[:, None]) < SAME_SLANT
        alike &= SAME_BUILDING * np.minimum(near, near[:, None]) >= np.maximum(near, near[:, None])
    together = alike & (r.borders >= TOUCHING * np.minimum(borders, borders[:, None]))
    group = join_pairs(zip(*np.nonzero(together), strict=True), len(near))
    for number in np.unique(group):
        members = np.flatnonzero((group == number) & np.isfinite(near))
        if len(members) < 2:
            continue
        from_afar = members[np.argsort(near[members], kind="stable")]
        share = np.cumsum(r.area[from_afar])
        walls[members, 0] = near[from_afar[np.searchsorted(share, ALIGN_SHARE * share[-1])]]
        walls[members, 1] = walls[members, 0] * slant[members]


def _lean_on_neighbours(
    r: Layout,
    walls: np.ndarray,
    waiting: np.ndarray,
    is_structure: np.ndarray,
    aside: np.ndarray,
    slants: np.ndarray,
) -> None:
    """Fill missing rows in place: from what a region rests on, else from what it borders on.

    Of several neighbours one of the farther counts: the nearer ones may stand before the region and hide its foot.
    """
    for links, share_of_structures in ((r.rests_on, STACK_SHARE), (r.borders, LEAN_SHARE)):
        shares = links / np.maximum(links.sum(axis=1, keepdims=True), 1)
        for _ in range(len(walls)):
            known = np.isfinite(walls[:, 0])
            settled = np.where(waiting & ~known, shares @ known, 0)
            i = int(np.argmax(settled))
            if settled[i] == 0:
                break
            nearness = walls @ [1, aside[(r.top[i] + r.bottom[i]) // 2, (r.left[i] + r.right[i]) // 2]]
            from_afar = np.argsort(nearness, kind="stable")  # NaN comes last
            share = share_of_structures if is_structure[i] else LEAN_SHARE
            chosen = np.searchsorted(np.cumsum((shares[i] * known)[from_afar]), share * settled[i])
            walls[i] = _continue(walls[from_afar[chosen]], nearness[from_afar[chosen]], r, i, aside, slants[i])


def _continue(wall: np.ndarray, near: float, r: Layout, i: int, aside: np.ndarray, slant: float) -> np.ndarray:
    """Return a region's wall as what it leans on continues: level where the slope leads far away over its width."""
    left, middle, right = aside[(r.top[i] + r.bottom[i]) // 2, [r.left[i], (r.left[i] + r.right[i]) // 2, r.right[i]]]
    if may_run(slant, np.array([left, right])):
        if abs(wall[1] - slant * wall[0]) < SAME_SLANT * wall[0]:
            return wall
        base = near / (1 + slant * middle)
        return np.array([base, base * slant])
    ends = wall @ [[1, 1], [left, right]]
    return np.array([near, 0.0]) if ends.min() < near / SLOPE_RANGE or ends.max() > near * SLOPE_RANGE else wall


def depth_from_planes(ids: np.ndarray, planes: np.ndarray, camera: Camera) -> np.ndarray:
    """Return (H, W) float32, z of each pixel on its segment's plane, between NEAR_M and FAR_M; NaN on sky.

    Args:
        ids: (H, W) int, rows of ``planes``.
        planes: (N, 3) float64: p with 1 / z = p . ray, NaN for sky.
        camera: the camera of ``ids``.
    """
    x = ((np.arange(camera.width) + 0.5 - camera.cx) / camera.fx).astype(np.float32)
    y = ((np.arange(camera.height) + 0.5 - camera.cy) / camera.fy).astype(np.float32)
    inverse_z = planes[:, 0].astype(np.float32)[ids] * x
    inverse_z += planes[:, 1].astype(np.float32)[ids] * y[:, None]
    inverse_z += planes[:, 2].astype(np.float32)[ids]
    return np.asarray(1 / inverse_z.clip(1 / FAR_M, 1 / NEAR_M), np.float32)
