"""What things are: sky, ground, structures and objects, from position, colour and texture."""

from __future__ import annotations

import cv2
import numpy as np

from .layout import Regions, contrast_to, find_smooth, share_of_border
from .prediction import Kind

SKY_SCORE, GROUND_SCORE = 0.5, 0.5  # least score that makes a region sky or ground
PATCH_AREA, PATCH_CONTRAST = 0.015, 14.0  # smaller or more alike than this, a patch of ground joins the largest
LYING_AREA, LYING_BORDER = 0.03, 0.85  # of the picture, and of its border: a slanted patch in the ground lies on it
ABOVE = 0.1  # of its upper border: an upright patch with less ground above it stands at the ground's end
LEAST_OVER = 0.01  # of the picture's height: ground that reaches further over the horizon is none there
LEAST_KNOWN = 0.2  # of the picture's width, in which the ground ends below the horizon
AROUND = 0.12  # of that width, to both sides: what the ground's end is taken from elsewhere
STRUCTURE_AREA = 0.03  # of the picture: a region above the horizon that is smaller counts as an object


def score_sky(regions: Regions, known: np.ndarray | None = None) -> np.ndarray:
    """Return (N + 1,) float64 0..1: high for what is smooth, over the horizon, reaches the top, and is blue or light.

    Light means lighter than what stands directly under it: a white ceiling is smooth and reaches the top as well, and
    is told from an overcast sky only by the light wall below.

    Args:
        known: (N + 1,) bool, what is sky for certain.
    """
    r = regions
    light = r.lab[:, 0]
    under = r.rests_on * (r.top > 1)
    rest = np.where(under.any(axis=1), (under @ light) / np.maximum(under.sum(axis=1), 1), light)
    broad = np.clip((r.right - r.left + 1) / (0.25 * r.ids.shape[1]), 0, 1)  # a bright slit is a lamp or a curtain
    lighter = np.clip((light - rest) / 28, 0, 1)
    bluer = np.clip(r.blue / 40, 0, 1) * np.clip(light / 24, 0, 1)
    over = np.clip(1 - 12 * r.below, 0, 1)
    looks = np.clip(0.75 * np.maximum(lighter, bluer) + 0.35 * np.minimum(lighter, bluer), 0, 1)
    looks *= find_smooth(r) * over
    looks[0] = 0
    score = np.where(r.top <= 1, looks * np.where(lighter > bluer, broad, 1) * np.clip(r.area / 0.01, 0, 1), 0.0)
    if known is not None:
        score[known] = 1.0
    for _ in range(len(looks)):  # clouds and gaps that hang on a piece of sky
        beside = share_of_border(r, score >= SKY_SCORE)
        grown = np.where(beside > 0, np.clip(looks + 0.3 * beside * (looks > 0.2), 0, 1), 0.0)
        if (np.maximum(grown, score) == score).all():
            break
        score = np.maximum(grown, score)
    return score


def score_ground(regions: Regions, is_sky: np.ndarray) -> np.ndarray:
    """Return (N + 1,) float64 0..1: high for what lies at the picture's bottom, and for what continues it.

    The region with most of the bottom edge is the ground if it lies below the horizon; its neighbours join it when
    they have its colour, or when they are flat bands that it surrounds.
    """
    r = regions
    at_bottom = np.bincount(r.ids[-1], minlength=len(r.area)) / r.ids.shape[1]
    flatness = (r.right - r.left + 1) / (r.bottom - r.top + 1)
    low = np.clip((r.below - 0.75) / 0.2, 0, 1) * ~is_sky
    low[0] = 0
    seed = int(np.argmax(at_bottom * low))
    score = np.zeros(len(r.area))
    if at_bottom[seed] * low[seed] < 0.15:
        return score
    score[seed] = low[seed] * np.clip(0.5 + at_bottom[seed], 0, 1)
    seen_over = np.clip((1 - float(r.area @ r.below)) / 0.3, 0, 1)  # looking down at a desk, all is below the horizon
    plain = np.clip(r.area / 0.1, 0, 1) * np.clip(flatness / 2.5, 0, 1) * seen_over
    band = np.maximum(np.clip(at_bottom / 0.4, 0, 1) * np.clip(flatness / 1.5, 0, 1), plain)
    alike = np.clip(1.5 - contrast_to(r, seed) / 14, 0, 1) * np.clip(2 * flatness, 0, 1)
    for _ in range(len(score)):
        touching = share_of_border(r, score >= GROUND_SCORE)
        flat = np.clip(flatness / 4, 0, 1) * np.clip(2 * touching, 0, 1) * np.maximum(seen_over, r.area < PATCH_AREA)
        continued = np.where((touching > 0.1) | (at_bottom > 0.02) | (seen_over == 1), alike, 0)
        lying = r.slant * np.clip((touching - LYING_BORDER) / 0.1, 0, 1) * (r.area < LYING_AREA)
        lies = low * ~is_plinth(r, score >= GROUND_SCORE)
        grown = np.maximum(score, lies * np.max([continued, flat, band, lying], axis=0))
        if (grown == score).all():
            break
        score = grown
    return score


def is_plinth(regions: Regions, is_ground: np.ndarray) -> np.ndarray:
    """Return (N + 1,) bool: small regions between upright sides with hardly any ground above stand at its end.

    Args:
        is_ground: (N + 1,) bool, what may be ground.
    """
    r = regions
    above = r.rests_on[is_ground].sum(axis=0) / np.maximum(r.rests_on.sum(axis=0), 1)
    return np.asarray(r.is_upright & (r.area < PATCH_AREA) & (above < ABOVE))


def name_regions(regions: Regions) -> tuple[list[Kind], np.ndarray]:
    """Return the kind of each region and (N + 1,) float64 scores 0..1; entry 0 is unused."""
    r = regions
    sky = score_sky(r)
    is_sky = sky >= SKY_SCORE
    if r.area[is_sky].sum() > 0.95:  # nothing stands under it: a plain wall, or a picture of nothing
        sky, is_sky = np.zeros_like(sky), np.zeros_like(is_sky)
    ground = score_ground(r, is_sky)
    is_ground = (ground >= GROUND_SCORE) & ~is_sky
    upright = np.clip(r.area / STRUCTURE_AREA, 0, 1) * np.clip((1 - r.below) / 0.15, 0, 1)
    kinds: list[Kind] = []
    scores = np.zeros(len(r.area))
    for i in range(len(r.area)):
        if is_sky[i]:
            kinds.append("sky")
            scores[i] = sky[i]
        elif is_ground[i]:
            kinds.append("ground")
            scores[i] = ground[i]
        else:
            kinds.append("structure" if upright[i] >= 0.5 else "object")
            doubt = max(sky[i] / SKY_SCORE, ground[i] / GROUND_SCORE)
            scores[i] = max(upright[i], 1 - upright[i]) * (1 - 0.5 * min(doubt, 1))
    return kinds, scores


def join_sky_and_ground(regions: Regions, kinds: list[Kind]) -> np.ndarray:
    """Return (H, W) int32, ids in which the sky is one, and the ground too but for large patches of another colour."""
    r = regions
    target = np.arange(len(r.area), dtype=np.int32)
    for kind in ("sky", "ground"):
        members = np.array([i for i in range(1, len(kinds)) if kinds[i] == kind], np.int64)
        if len(members):
            largest = members[np.argmax(r.area[members])]
            joined = (r.area[members] < PATCH_AREA) | (contrast_to(r, largest)[members] < PATCH_CONTRAST)
            target[members[joined | (kind == "sky")]] = largest
    return target[r.ids]


def cut_ground_at_horizon(
    ids: np.ndarray, kinds: list[Kind], over_horizon: np.ndarray
) -> tuple[np.ndarray, list[Kind]]:
    """Part what reaches over the horizon from the ground: a tower whose foot looks like the water before it.

    Where ground reaches over the horizon, it ends where it ends on both sides of there.

    Args:
        ids: (H, W) int32, 1..N.
        kinds: (N + 1) of the regions.
        over_horizon: (H, W) bool.

    Returns:
        The same with further regions, of the kind structure.
    """
    ground = np.isin(ids, [i for i, kind in enumerate(kinds) if kind == "ground" and i])
    top = np.where(ground.any(axis=0), ground.argmax(axis=0), len(ids))
    reaches = (ground & over_horizon).sum(axis=0) > LEAST_OVER * len(ids)
    known = np.flatnonzero(~reaches & (top < len(ids)))
    if not reaches.any() or len(known) < LEAST_KNOWN * ids.shape[1]:
        return ids, kinds
    around = round(AROUND * ids.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(top[known], around, mode="edge"), 2 * around + 1)
    end = np.interp(np.arange(ids.shape[1]), known, np.median(windows, axis=1))
    above = ground & (np.arange(len(ids))[:, None] < end)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(above.view(np.uint8), connectivity=4)
    ids, kinds = ids.copy(), list(kinds)
    for part in range(1, count):
        left, width = stats[part, cv2.CC_STAT_LEFT], stats[part, cv2.CC_STAT_WIDTH]
        if reaches[left : left + width].any():
            ids[parts == part] = len(kinds)
            kinds.append("structure")
    return ids, kinds
