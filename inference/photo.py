"""Read a photograph: upright, in sRGB, at a size that is worked on, with the focal length that its EXIF tells."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms

from ..errors import PhotoNotFound, PhotoSizeUnusable, PhotoUnreadable
from .camera import MAX_FOV_DEG, MIN_FOV_DEG
from .files import BROKEN_FILE, open_picture, require_file
from .prediction import Photo

WORK_PIXELS = 24_000_000
MIN_SIDE_PX = 16
FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "GIF", "BMP", "PPM", "PSD")
DIAGONAL_35MM = math.hypot(36, 24)
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # EXIF FocalPlaneResolutionUnit; 4 and 5 are common extensions
_UPRIGHT = {  # EXIF Orientation -> what brings the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_photo(path: Path) -> Photo:
    """Read the first frame of a picture file as an upright sRGB photo.

    The colour profile is converted to sRGB and 16-bit samples are brought to 8 bits. What is transparent shows white,
    as on paper: the colours stored below transparency are leftovers that nobody has seen. Up to 100 megapixels are
    read; above 24 the photo is worked on at a reduced size (each pixel the mean of the area that it covers), and
    ``Photo.original_size`` keeps the file's.

    The focal length follows from the EXIF 35 mm equivalent over the *diagonal* (CIPA DCG-001), which is what cameras
    and phones write: a 4:3 sensor's equivalent over the width would be 4 % off. Without it, from the focal length and
    the focal plane's resolution.

    Args:
        path: a file in one of ``FORMATS``.

    Returns:
        The photo; ``rgb`` is read-only.

    Raises:
        PhotoNotFound: nothing is there.
        PhotoUnreadable: a folder, empty, truncated, not a picture, or not allowed to be read.
        PhotoSizeUnusable: a side is under 16 px, or there are more than 100 megapixels.
    """
    path = Path(path)
    require_file(path, "photo", PhotoNotFound, PhotoUnreadable)
    with open_picture(path, "photo", FORMATS, PhotoUnreadable, PhotoSizeUnusable) as picture:
        _require_sides(path, picture.size)
        width, height = _load(picture)
        exif, exif_ifd = _read_exif(picture)
        upright = _to_srgb(picture, path)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    original_size = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
    rgb = _reduce(np.asarray(upright))
    return Photo(rgb, _focal_px(exif_ifd, rgb.shape[:2], original_size), path, original_size)


def shows_as_it_is(path: Path) -> bool:
    """Tell whether programs that know no orientation and no colour profiles show a photo as ``read_photo`` reads it.

    Raises:
        PhotoUnreadable, PhotoSizeUnusable: as of ``read_photo``.
    """
    with open_picture(path, "photo", FORMATS, PhotoUnreadable, PhotoSizeUnusable) as picture:
        is_upright = picture.getexif().get(ExifTags.Base.Orientation, 1) == 1
        is_plain = picture.format in ("JPEG", "PNG") and picture.mode == "RGB" and "icc_profile" not in picture.info
    return is_upright and is_plain


def _require_sides(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if min(size) < MIN_SIDE_PX:
        raise PhotoSizeUnusable(
            f"{path}: the photo is {width} x {height} px, and a side needs at least {MIN_SIDE_PX}; give a larger one"
        )


def _load(picture: Image.Image) -> tuple[int, int]:
    """Decode the first frame; return the file's (width, height), also when a JPEG was decoded at a part of it."""
    width, height = picture.size
    excess = math.sqrt(width * height / WORK_PIXELS)
    drafted = excess > 1 and picture.format in ("JPEG", "MPO")
    if drafted:  # the decoder averages 2 x 2 pixels or more by itself, at a fraction of the time and memory
        picture.draft(picture.mode, (math.floor(width / excess), math.floor(height / excess)))
    picture.load()
    return (width, height) if drafted else picture.size


def _read_exif(picture: Image.Image) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return the base and the Exif directory; a damaged one counts as empty, since the picture itself is fine."""
    try:
        exif = picture.getexif()  # after loading: by then Pillow has turned a TIFF upright and dropped its tag
        return dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))
    except BROKEN_FILE:
        return {}, {}


def _to_srgb(picture: Image.Image, path: Path) -> Image.Image:
    """Return a decoded picture of any mode as sRGB, mode "RGB"."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(np.asarray(picture), path).convert("RGB")
    profile = picture.info.get("icc_profile")
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
    if picture.mode not in ("L", "RGB", "CMYK", "LAB"):
        picture = picture.convert("RGB")
    rgb = _convert_colours(picture, profile)
    if alpha is None or alpha.getextrema()[0] == 255:
        return rgb
    page = Image.new("RGB", rgb.size, "white")
    page.paste(rgb, mask=alpha)
    return page


def _from_deep_grey(grey: np.ndarray, path: Path) -> Image.Image:
    """Return 16-bit grey as 8-bit grey; Pillow itself would clip it, while it brings 16-bit colour to 8 bits."""
    if grey.dtype.kind == "f" or grey.min() < 0 or grey.max() > 65535:
        raise PhotoUnreadable(
            f"{path}: the samples are {grey.dtype} from {grey.min():g} to {grey.max():g}; "
            "save the photo with 8 or 16 bits a channel"
        )
    return Image.fromarray((grey >> 8).astype(np.uint8))


def _convert_colours(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in sRGB; a profile that is broken or for another colour space is ignored, as viewers do."""
    if profile is None and picture.mode != "LAB":
        return picture.convert("RGB")
    try:
        if profile is None:
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if picture.mode == "RGB" and source.profile.xcolor_space.strip() == "GRAY":
            picture = picture.convert("L")
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        transform = ImageCms.buildTransform(source, srgb, picture.mode, "RGB")
        if picture.mode == "RGB" and _changes_nothing(transform):
            return picture
        return ImageCms.applyTransform(picture, transform) or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture.convert("RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Tell whether a colour transform keeps all colours to one level of 255: most profiles in the wild are sRGB."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(9, -1, 3)
    converted = np.asarray(ImageCms.applyTransform(Image.fromarray(probe), transform))
    return bool(np.abs(converted.astype(int) - probe).max() <= 1)


def _reduce(rgb: np.ndarray) -> np.ndarray:
    """Return the photo with at most ``WORK_PIXELS``, each the mean of the area that it covers."""
    height, width = rgb.shape[:2]
    scale = math.sqrt(WORK_PIXELS / (height * width))
    if scale >= 1:
        return rgb
    size = max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
    reduced = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    reduced.flags.writeable = False
    return reduced


def _focal_px(exif_ifd: dict[int, Any], size: tuple[int, ...], original_size: tuple[int, int]) -> float | None:
    """Return the focal length in pixels of the photo as it is worked on, None where EXIF has none that can be."""
    long_side = max(size)
    focal_px = _positive(exif_ifd, ExifTags.Base.FocalLengthIn35mmFilm) * math.hypot(*size) / DIAGONAL_35MM
    if not focal_px:
        per_unit = _positive(exif_ifd, ExifTags.Base.FocalPlaneXResolution)
        per_mm = per_unit / _MM_PER_UNIT.get(exif_ifd.get(ExifTags.Base.FocalPlaneResolutionUnit, 2), 25.4)
        sides = (_positive(exif_ifd, tag) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight))
        sensor_px = max(*sides, 0.0) or max(original_size)  # the resolution counts the pixels that the camera took
        focal_px = _positive(exif_ifd, ExifTags.Base.FocalLength) * per_mm * long_side / sensor_px
    fov_deg = math.degrees(2 * math.atan2(long_side / 2, focal_px))
    return focal_px if MIN_FOV_DEG < fov_deg < MAX_FOV_DEG else None


def _positive(exif_ifd: dict[int, Any], tag: int) -> float:
    """Return a tag's value, 0 where it is missing, not a number, or not above 0 (0 is EXIF's word for unknown)."""
    try:
        value = float(exif_ifd.get(tag, 0))
    except (TypeError, ValueError, ArithmeticError):
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0
