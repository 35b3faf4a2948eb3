"""Prediction and Scene -> one contact sheet: photo, segments, depth and three views of the blockout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..inference.prediction import DepthMap, Photo, Prediction, SegmentMap
from .scene import Scene
from .shading import gather_faces
from .views import points_seen, view_from_beside, view_from_camera, view_from_top, without_ceilings

TILE_PIXELS = 640 * 400  # every tile has about this area, so portraits and panoramas are as readable as the others
TALLEST_PX, WIDEST_PX = 540, 1100
MARGIN_PX, GAP_PX, CAPTION_PX = 16, 8, 34
PAPER, INK, FAINT_INK = (23, 24, 27), (236, 236, 238), (150, 152, 158)  # sRGB
UNKNOWN_GREYS = (96, 80)
WIDEST_BAR = 0.5  # of the plan's width: at least a twentieth is left by powers of ten
BAR_MARGIN_PX = 14

Tile = tuple[np.ndarray, str, str]  # picture, title, remark


def render_preview(prediction: Prediction, scene: Scene, photo_texture: bool = False) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, six tiles with captions: what was known above, what was built of it below.

    Args:
        prediction: the photo and its maps.
        scene: what was made of them.
        photo_texture: whether the views from elsewhere show the photo on the fronts of the solids.
    """
    return lay_out(make_tiles(prediction, scene, photo_texture))


def make_tiles(prediction: Prediction, scene: Scene, photo_texture: bool = False) -> list[list[Tile]]:
    """Return two rows of three tiles: photo, segments, depth; the photo's view, the one from beside, the plan."""
    photo = prediction.photo
    size = choose_tile_size(photo.size)
    height, width = photo.original_size or photo.size
    faces = gather_faces(scene.solids(), scene.world_from_camera)
    solids = sum(1 for _ in scene.solids())
    room = without_ceilings(scene, faces)
    seen = points_seen(scene, room)
    beside = view_from_beside(scene, room, seen, size, photo_texture)
    plan, plan_scale_px = view_from_top(scene, room, seen, size, photo_texture)
    bar_m = draw_scale_bar(plan, plan_scale_px)
    known = [
        (_shrink(photo.rgb, size), "Photo", f"{width} x {height}"),
        (draw_segments(photo, prediction.segments, size), "Segments", str(len(prediction.segments.segments))),
        (draw_depth(prediction.depth, size), "Depth", _describe_range(prediction.depth, scene)),
    ]
    built = [
        (view_from_camera(scene, faces, size), "Photo's camera", f"{solids} solid{'s' * (solids != 1)}"),
        (beside, "Three-quarter view", "from beside and above"),
        (plan, "Top view", f"the bar is {bar_m:g} m" + _describe_scale(scene)),
    ]
    return [known, built]


def write_preview(image: np.ndarray, path: Path) -> None:
    """Write (h, w, 3) uint8 sRGB as a PNG; the same picture gives the same bytes."""
    # Level 6 takes two and a half times as long for a tenth less.
    Image.fromarray(image).save(path, format="PNG", optimize=False, compress_level=3)


def choose_tile_size(photo_size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) px of a tile for a photo of some (height, width)."""
    aspect = photo_size[1] / photo_size[0]
    height = min((TILE_PIXELS / aspect) ** 0.5, TALLEST_PX, WIDEST_PX / aspect)
    return max(round(height), 2), max(round(height * aspect), 2)


def draw_segments(photo: Photo, segments: SegmentMap, size: tuple[int, int]) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, each segment in a colour of its own over the grey photo, named where it fits."""
    height, width = size
    ids = cv2.resize(segments.ids.astype(np.int32), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    known = np.array([0, *(segment.id for segment in segments.segments)])  # number 0 is what no segment has
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, ids, sorter=order).clip(max=len(known) - 1)
    number = np.where(known[order][place] == ids, order[place], 0)
    grey = cv2.cvtColor(_shrink(photo.rgb, size), cv2.COLOR_RGB2GRAY)[..., None] / 255
    tint = _distinct_colours(len(segments.segments))[number]
    picture = tint * (0.45 + 0.75 * grey)
    border = np.zeros(size, bool)
    border[:, :-1] |= number[:, :-1] != number[:, 1:]
    border[:-1] |= number[:-1] != number[1:]
    picture[border] = 0.06
    image = Image.fromarray(np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8))
    _write_labels(image, number, border, [segment.label for segment in segments.segments])
    return np.asarray(image)


def draw_depth(depth: DepthMap, size: tuple[int, int]) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB, near warm and far cold by the logarithm; a checkerboard where depth is unknown."""
    height, width = size
    z = cv2.resize(depth.z, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    known = np.isfinite(z) & (z > 0)
    rows, columns = np.indices(size)
    picture = np.repeat(np.where((rows // 8 + columns // 8) % 2, *UNKNOWN_GREYS)[..., None], 3, axis=2).astype(np.uint8)
    if known.any():
        near, far = np.log(_depth_range(depth))
        nearness = (far - np.log(np.where(known, z, 1))) / max(far - near, 1e-6)
        level = np.rint(255 * np.clip(nearness, 0, 1)).astype(np.uint8)
        picture[known] = cv2.applyColorMap(level, cv2.COLORMAP_TURBO)[..., ::-1][known]
    return picture


def _depth_range(depth: DepthMap) -> tuple[float, float]:
    """Return the nearest and the furthest depth, outliers left out."""
    step = max(1, round((depth.z.size / TILE_PIXELS) ** 0.5))  # as many pixels as the tile shows
    z = depth.z[::step, ::step]
    known = z[np.isfinite(z) & (z > 0)]
    if not len(known):
        known = depth.z[np.isfinite(depth.z) & (depth.z > 0)]
    near, far = np.quantile(known, [0.01, 0.99])
    return float(near), float(far)


def _describe_range(depth: DepthMap, scene: Scene) -> str:
    near, far = (f"{scene.scale.factor * value:.3g}" for value in _depth_range(depth))
    return f"{near} to {far} m" + _describe_scale(scene)


def _describe_scale(scene: Scene) -> str:
    return "" if scene.scale.is_metric else ", scale assumed"


def _shrink(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(rgb), (size[1], size[0]), interpolation=cv2.INTER_AREA)


def _distinct_colours(count: int) -> np.ndarray:
    """Return (count + 1, 3) float64 sRGB 0..1; grey, then hues a golden section apart so that neighbours differ."""
    number = np.arange(count)
    hue = (0.08 + number * 0.6180339887) % 1
    saturation, value = np.array([0.62, 0.45, 0.75])[number % 3], np.array([0.95, 0.85, 0.75])[number // 3 % 3]
    ramp = np.abs((hue[:, None] * 6 + [0, 4, 2]) % 6 - 3) - 1
    colours = value[:, None] * (1 - saturation[:, None] * (1 - np.clip(ramp, 0, 1)))
    return np.concatenate([[[0.45, 0.45, 0.45]], colours])


def _write_labels(image: Image.Image, number: np.ndarray, border: np.ndarray, labels: list[str]) -> None:
    """Write each label at the place furthest from its segment's border, where there is room for it."""
    open_area = np.pad((~border).astype(np.uint8), 1)  # the picture's frame is a border too
    every_other = np.s_[1:-1:2, 1:-1:2]
    room = cv2.distanceTransform(open_area, cv2.DIST_L2, 5)[every_other].ravel()
    order = np.argsort(room, kind="stable")
    widest = np.full(len(labels) + 1, -1)
    widest[number[::2, ::2].ravel()[order]] = order  # the last one written has the most room
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=13)
    for label, place in zip(labels, widest[1:], strict=True):
        if place < 0:
            continue
        y, x = (2 * value for value in divmod(int(place), (number.shape[1] + 1) // 2))
        left, top, right, bottom = draw.textbbox((x, y), label, font=font, anchor="mm")
        if room[place] > 0.42 * (right - left) and room[place] > 0.6 * (bottom - top):
            draw.text(
                (x, y), label, font=font, anchor="mm", fill=(255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0)
            )


def draw_scale_bar(picture: np.ndarray, scale_px: float) -> float:
    """Draw a bar into the lower left corner of (h, w, 3) uint8 sRGB; return its length, 1 m or another power of ten.

    Args:
        picture: receives it.
        scale_px: pixels per metre.
    """
    height, width = picture.shape[:2]
    bar_m = 10.0 ** np.floor(np.log10(WIDEST_BAR * width / scale_px))
    left, bottom = BAR_MARGIN_PX, height - BAR_MARGIN_PX
    right = left + max(round(bar_m * scale_px), 1)
    corners = np.array([(left, bottom - 6), (left, bottom), (right, bottom), (right, bottom - 6)], np.int32)
    for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 2)):
        cv2.polylines(picture, [corners], False, colour, thickness, cv2.LINE_AA)
    return float(bar_m)


def lay_out(rows: list[list[Tile]]) -> np.ndarray:
    """Return rows of equal tiles, each with a title and a remark below it."""
    height, width = rows[0][0][0].shape[:2]
    sheet_size = (
        2 * MARGIN_PX + max(len(row) for row in rows) * (width + GAP_PX) - GAP_PX,
        MARGIN_PX + len(rows) * (height + CAPTION_PX),
    )
    sheet = Image.new("RGB", sheet_size, PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    for number, row in enumerate(rows):
        y = MARGIN_PX + number * (height + CAPTION_PX)
        for column, (picture, title, remark) in enumerate(row):
            x = MARGIN_PX + column * (width + GAP_PX)
            sheet.paste(Image.fromarray(picture), (x, y))
            baseline = y + height + CAPTION_PX - 12
            draw.text((x, baseline), title, font=font, fill=INK, anchor="ls")
            start = x + draw.textlength(title + "  ", font=font)
            draw.text((start, baseline), remark, font=font, fill=FAINT_INK, anchor="ls")
    return np.asarray(sheet)
