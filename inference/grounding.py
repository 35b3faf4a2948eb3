"""A network's depth -> a flat ground with all else standing on it, where the network agrees: that errs less."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .agreement import agree
from .fronts import straighten_fronts
from .headings import find_slants
from .layout import are, height_over_horizon, measure_layout
from .open_sky import bring_under_sky
from .prediction import Camera, DepthMap, Kind, SegmentMap
from .regions import boxes_of, keep_connected, medians_of, most_common
from .resample import nearest_pixels
from .standing import CAMERA_HEIGHT_M, depth_from_planes, level_axes, stand_on_ground

LEAST_GROUND = 0.05  # of the photo: less does not tell the plane of the ground
GRAVITY_WEIGHT = 3.0  # of gravity as known before, against what the depth of the ground tells
OPEN_GRAVITY_WEIGHT = 30.0  # the same under open sky, where ground goes on to where a network's depth does not reach
ROLL_WEIGHT = 100.0  # of its roll, likewise: upright lines tell that, and depth hardly
FEET_WEIGHT = 0.3  # of what the depth of things tells where their feet meet the ground, likewise
FLAT, FITS = 0.02, 8  # relative error of depth that counts in full for the ground; rounds of weighted least squares
MOST_APART = 0.3  # in log depth: a segment does not stand nearer or further off than that from where the network has it
NO_FOOT = 0.8  # in log depth: where the network has it so far off its foot, or more, that is none of its own
STRANGE = 0.45  # in log depth: so far from the network's, a plane is another thing's, and its slant tells nothing
POLE = 4.0  # times its width: what is higher stands upright, for depth at its edges is that of what is behind
SAME_PLANE_DIGITS = 9  # of planes, in 1/m: storeys on one differ by rounding errors
SHRUNK, MOST_ANGLE = 2.0, np.radians(80)  # normals of a network face the camera more than surfaces do: by so many times
RELIEF = 0.5  # of the network's depth within a segment, which is bent by errors as well


def ground_depth(
    depth: DepthMap,
    segments: SegmentMap,
    lines: np.ndarray,
    camera: Camera,
    down_cam: np.ndarray,
    sky: np.ndarray,
    normal: np.ndarray | None = None,
) -> tuple[DepthMap, np.ndarray]:
    """Lay the ground on one plane, move every other segment to where its foot meets it, and straighten fronts.

    Args:
        depth: (H, W), of the photo's aspect ratio, stepping where the photo does.
        segments: of any size, with kinds.
        lines: the straight lines of the photo at the depth's size, as of ``detect_lines``.
        camera: the photo's intrinsics; gravity stays as it is where the camera has it.
        down_cam: (3,) unit vector along gravity, camera axes, as known without the depth.
        sky: (h', w') bool, open sky.
        normal: (3, h', w'), of surfaces as a network has them, towards the camera, camera axes.

    Returns:
        The depth, in which the sky stays as it is; and gravity as the ground agrees with it.
        Where hardly any ground is seen both are as before.
    """
    camera = camera.resized(*depth.z.shape)
    given = nearest_pixels(segments.ids, depth.z.shape)
    ids = keep_connected(given, 1)
    names = {row.id: row.kind for row in segments.segments}
    kinds: list[Kind] = [names.get(i, "object") for i in most_common(ids, given).tolist()]
    ground = are(kinds, "ground")[ids]
    if ground.mean() < LEAST_GROUND:
        return depth, down_cam
    if camera.down_cam is None:
        weight = OPEN_GRAVITY_WEIGHT if sky.any() else GRAVITY_WEIGHT
        down_cam = bring_under_sky(_fit_ground(depth.z, ids, kinds, camera, down_cam, weight), camera, sky)
    expected = np.zeros(len(kinds)) if normal is None else _expect_angles(normal, ids, len(kinds), down_cam)
    slants = find_slants(lines, ids, kinds, camera, down_cam, expected)
    planes, apart, scale = _place(depth.z, ids, kinds, camera, down_cam, slants)
    groups, kinds_of_groups = _group_storeys(planes, kinds, apart, ids)
    moved = np.log(depth.z) + (move := _find_moves(apart, ids, groups, kinds))
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = moved - scale + np.log(-height_over_horizon(camera, down_cam) / CAMERA_HEIGHT_M)
    moved += agree(move, beyond, groups[ids], kinds_of_groups)[groups][ids]
    fronts = np.flatnonzero(are(kinds_of_groups, "structure"))
    slants_of_groups = slants[np.unique(groups, return_index=True)[1]]
    z = np.exp(straighten_fronts(moved, groups[ids], fronts, camera, down_cam, depth.error, slants_of_groups))
    return replace(depth, z=np.where(np.isfinite(z), z, depth.z).astype(np.float32)), down_cam


def _expect_angles(normal: np.ndarray, ids: np.ndarray, count: int, down_cam: np.ndarray) -> np.ndarray:
    """Return (count,) radians, by how much each segment faces to the left, as far as normals tell."""
    ahead, right = level_axes(down_cam)
    large = [cv2.resize(part, ids.shape[::-1], interpolation=cv2.INTER_LINEAR) for part in normal]
    forward, aside = (sum(large[i] * -axis[i] for i in range(3)) for axis in (ahead, right))
    shown = np.arctan2(medians_of(aside, ids, count), np.maximum(medians_of(forward, ids, count), 1e-6))
    return np.asarray(np.clip(SHRUNK * shown, -MOST_ANGLE, MOST_ANGLE))


def _place(
    z: np.ndarray,
    ids: np.ndarray,
    kinds: list[Kind],
    camera: Camera,
    down_cam: np.ndarray,
    slants: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return planes on the ground, of which none leads far away by a slant that only a foot tells.

    Returns:
        (N, 3) planes; (H, W), how far log depth is beyond them, NaN where there is none; and the scale, of the ground.
    """
    planes = stand_on_ground(measure_layout(ids, camera, down_cam), kinds, camera, down_cam, slants)
    ground, strange = are(kinds, "ground")[ids], np.zeros(len(kinds), bool)
    for _ in range(2):
        planes = np.where(strange[:, None], _face_camera(planes, down_cam), planes)
        apart = np.log(z) - np.log(depth_from_planes(ids, planes, camera))
        scale = float(np.median(apart[ground]))
        strange = (np.abs(medians_of(apart - scale, ids, len(kinds))) > STRANGE) & are(kinds, "structure", "object")
        strange &= np.isnan(slants)
        if not strange.any():
            break
    return planes, apart - scale, scale


def _face_camera(planes: np.ndarray, down_cam: np.ndarray) -> np.ndarray:
    """Return (N, 3) upright planes as far straight ahead as given ones, and slanted to neither side."""
    ahead = level_axes(down_cam)[0]
    return np.asarray((planes @ ahead)[:, None] * ahead)


def _group_storeys(
    planes: np.ndarray, kinds: list[Kind], apart: np.ndarray, ids: np.ndarray
) -> tuple[np.ndarray, list[Kind]]:
    """Return the group of each segment, and the kind of each group: structures on one plane, or a segment alone.

    What the network has much nearer or further off than the rest, ``apart`` from the plane, is not of that building.
    """
    numbers = np.arange(len(kinds)) + 1
    alone = np.where(are(kinds, "structure"), 0, numbers)
    keys = np.column_stack([np.nan_to_num(planes).round(SAME_PLANE_DIGITS), alone])
    group = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    off = medians_of(apart, ids, len(kinds)) - medians_of(apart, group[ids], len(kinds))[group]
    _, first, group = np.unique(
        np.where(np.abs(off) > MOST_APART, -numbers, group), return_index=True, return_inverse=True
    )
    return group.ravel(), [kinds[i] for i in first]


def _find_moves(apart: np.ndarray, ids: np.ndarray, groups: np.ndarray, kinds: list[Kind]) -> np.ndarray:
    """Return (H, W), to be added to log depth that is so far ``apart`` from the planes, NaN where there is none."""
    is_upright = are(kinds, "structure", "object")
    moved = medians_of(apart, groups[ids], len(kinds))[groups]
    size = np.abs(moved)
    taken = np.minimum(size, MOST_APART) * np.clip((NO_FOOT - size) / (NO_FOOT - MOST_APART), 0, 1)
    kept = np.where(is_upright, np.sign(moved) * (size - taken), 0)
    top, left, bottom, right = boxes_of(ids).T
    bends = is_upright & (bottom - top < POLE * (right - left))
    relief = np.where(bends[ids], RELIEF * (apart - medians_of(apart, ids, len(kinds))[ids]), 0)
    return np.asarray(kept[ids] + relief - apart)


def _fit_ground(
    z: np.ndarray, ids: np.ndarray, kinds: list[Kind], camera: Camera, down_cam: np.ndarray, weight_known: float
) -> np.ndarray:
    """Return (3,) the unit normal, downwards, of the plane nearest to gravity and to what depth tells of the ground.

    It tells that of what is seen of the ground, and of where it goes on below the feet of things.
    """
    ground = are(kinds, "ground")[ids]
    seen = np.argwhere(ground)
    feet = np.argwhere(are(kinds, "structure", "object")[ids[:-1]] & ground[1:])
    rays = _rays(np.concatenate([seen, feet + np.array([1, 0])]), camera)
    things = np.exp(medians_of(np.log(z), ids, len(kinds)))[ids[feet[:, 0], feet[:, 1]]]
    depth = np.append(z[seen[:, 0], seen[:, 1]], things).astype(np.float64)
    fall = float(np.median((depth * (rays @ down_cam))[: len(seen)]))
    if fall <= 0:
        return down_cam
    share = np.repeat([1.0, FEET_WEIGHT * len(seen) / max(len(feet), 1)], [len(seen), len(feet)])
    held = np.sqrt(np.array([weight_known, weight_known, ROLL_WEIGHT]) * len(seen))
    # The plane is w . P = 1, about down_cam / fall.
    known = np.stack([down_cam, *level_axes(down_cam)]) * held[:, None] * fall
    weight, plane = np.sqrt(share), down_cam
    for _ in range(FITS):
        rows = rays * (weight * depth)[:, None]
        # What is known makes these equations well-conditioned, whatever is seen.
        plane = np.linalg.solve(rows.T @ rows + known.T @ known, weight @ rows + known.T @ (known @ down_cam) / fall)
        weight = np.sqrt(share / np.maximum(np.abs(depth * (rays @ plane) - 1), FLAT))
    return np.asarray(plane / max(float(np.linalg.norm(plane)), 1e-9))


def _rays(places: np.ndarray, camera: Camera) -> np.ndarray:
    row, column = places.T + 0.5
    return np.column_stack([(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, np.ones(len(places))])
