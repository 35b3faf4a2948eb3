import io
import threading
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.errors import PhotoNotFound, PhotoSizeUnusable, PhotoUnreadable
from blockout.inference import files, photo
from blockout.inference.photo import read_photo, shows_as_it_is
from PIL import Image, ImageCms

ORIENTATION, FOCAL_LENGTH, FOCAL_35MM, EXIF_IFD = 0x0112, 0x920A, 0xA405, 0x8769
PLANE_X, PLANE_UNIT, PIXELS_X, PIXELS_Y = 0xA20E, 0xA210, 0xA002, 0xA003


def ramp(height: int = 40, width: int = 60) -> np.ndarray:
    """Return a picture whose red tells the column, green the row: no two turns of it are alike."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([columns * 255 // (width - 1), rows * 255 // (height - 1), rows * 0 + 90], axis=-1).astype(np.uint8)


def exif(orientation: int = 1, **tags: float) -> Image.Exif:
    made = Image.Exif()
    made[ORIENTATION] = orientation
    if tags:
        made[EXIF_IFD] = {globals()[name]: value for name, value in tags.items()}
    return made


def save(folder: Path, name: str, picture: Image.Image, **options: object) -> Path:
    picture.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_up_whatever_its_exif_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored_from_upright = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    stored = Image.fromarray(np.ascontiguousarray(stored_from_upright(ramp())))
    options = {"lossless": True} if suffix == "webp" else {}
    read = read_photo(save(tmp_path, f"turned.{suffix}", stored, exif=exif(orientation), **options))
    assert read.size == read.original_size == (40, 60)
    np.testing.assert_array_equal(read.rgb, ramp())


def test_a_plain_jpeg_comes_as_pillow_decodes_it(tmp_path: Path) -> None:
    path = save(tmp_path, "plain.jpg", Image.fromarray(ramp()))
    read = read_photo(path)
    assert (read.rgb.shape, read.rgb.dtype, read.focal_px, read.path) == ((40, 60, 3), np.uint8, None, path)
    np.testing.assert_array_equal(read.rgb, np.asarray(Image.open(path)))


def test_the_35_mm_equivalent_is_counted_over_the_diagonal(tmp_path: Path) -> None:
    path = save(tmp_path, "phone.jpg", Image.fromarray(ramp(30, 40)), exif=exif(FOCAL_35MM=26))
    assert read_photo(path).focal_px == pytest.approx(26 * 50 / np.hypot(36, 24))


def test_a_portrait_photo_has_the_focal_length_of_the_landscape_one(tmp_path: Path) -> None:
    picture = Image.fromarray(ramp(30, 40))
    flat = read_photo(save(tmp_path, "flat.jpg", picture, exif=exif(1, FOCAL_35MM=26)))
    upright = read_photo(save(tmp_path, "upright.jpg", picture, exif=exif(6, FOCAL_35MM=26)))
    assert upright.size == (40, 30)
    assert upright.focal_px == flat.focal_px


def test_the_focal_length_follows_from_the_sensor_without_an_equivalent(tmp_path: Path) -> None:
    # 120 pixels on a sensor 24 mm wide are 50 a centimetre; the file was halved since
    tags = exif(FOCAL_LENGTH=18.0, FOCAL_35MM=0, PLANE_X=50.0, PLANE_UNIT=3, PIXELS_X=120, PIXELS_Y=80)
    path = save(tmp_path, "reflex.jpg", Image.fromarray(ramp()), exif=tags)
    assert read_photo(path).focal_px == pytest.approx(18 * 5 / 2)


def test_a_focal_length_that_no_lens_has_is_left_aside(tmp_path: Path) -> None:
    path = save(tmp_path, "typo.jpg", Image.fromarray(ramp()), exif=exif(FOCAL_35MM=26000))
    assert read_photo(path).focal_px is None


def test_a_damaged_exif_block_is_left_aside(tmp_path: Path) -> None:
    path = save(tmp_path, "damaged.jpg", Image.fromarray(ramp()), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09broken")
    assert read_photo(path).focal_px is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "YCbCr", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    halves = np.zeros((32, 32, 3), np.uint8)
    halves[:, 16:] = 255
    suffix = "jpg" if mode in ("YCbCr", "CMYK") else "png"
    rgb = read_photo(save(tmp_path, f"picture.{suffix}", Image.fromarray(halves).convert(mode))).rgb
    assert np.abs(rgb.astype(int) - halves).max() <= 3


def test_a_lab_tiff_becomes_srgb(tmp_path: Path) -> None:
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.new("RGB", (20, 20), (200, 90, 40)), transform)
    rgb = read_photo(save(tmp_path, "lab.tiff", lab)).rgb
    assert np.abs(rgb.astype(int) - (200, 90, 40)).max() <= 3


def test_16_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    for name in ("deep.png", "deep.tiff"):
        rgb = read_photo(save(tmp_path, name, Image.fromarray(grey))).rgb
        np.testing.assert_array_equal(rgb, np.repeat((grey >> 8)[..., None], 3, axis=-1))


def test_16_bit_colour_is_brought_to_8_bits(tmp_path: Path) -> None:
    bgr = np.full((20, 20, 3), (0x10FF, 0x80FF, 0xF0FF), np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), bgr)
    assert read_photo(tmp_path / "deep.png").rgb[0, 0].tolist() == [0xF0, 0x80, 0x10]


def test_a_float_picture_is_refused_with_its_range(tmp_path: Path) -> None:
    path = save(tmp_path, "float.tiff", Image.fromarray(np.full((20, 20), 0.5, np.float32)))
    with pytest.raises(PhotoUnreadable, match=r"float.tiff: the samples are float32 from 0\.5 to 0\.5"):
        read_photo(path)


def test_what_is_transparent_shows_white(tmp_path: Path) -> None:
    rgba = np.full((20, 20, 4), (200, 0, 0, 255), np.uint8)
    rgba[:10, :, 3] = 0
    rgba[10, :, 3] = 128
    rgb = read_photo(save(tmp_path, "cut-out.png", Image.fromarray(rgba))).rgb
    assert rgb[0, 0].tolist() == [255, 255, 255]
    assert np.abs(rgb[10, 0].astype(int) - (227, 127, 127)).max() <= 1
    assert rgb[19, 0].tolist() == [200, 0, 0]


def test_a_transparent_palette_colour_shows_white(tmp_path: Path) -> None:
    indices = np.zeros((20, 20), np.uint8)
    indices[:10] = 1
    picture = Image.frombytes("P", (20, 20), indices.tobytes())
    picture.putpalette([10, 20, 30, 40, 50, 60])
    rgb = read_photo(save(tmp_path, "palette.png", picture, transparency=1)).rgb
    assert (rgb[0, 0].tolist(), rgb[19, 0].tolist()) == ([255, 255, 255], [10, 20, 30])


def test_a_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")  # its red is blue
    picture = Image.new("RGB", (20, 20), (250, 120, 10))
    rgb = read_photo(save(tmp_path, "swapped.png", picture, icc_profile=swapped)).rgb
    assert np.abs(rgb.astype(int) - (10, 120, 250)).max() <= 1


def test_an_srgb_profile_changes_no_value(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgb = read_photo(save(tmp_path, "srgb.png", Image.fromarray(ramp()), icc_profile=srgb)).rgb
    np.testing.assert_array_equal(rgb, ramp())


def test_a_broken_colour_profile_is_ignored(tmp_path: Path) -> None:
    rgb = read_photo(save(tmp_path, "broken.png", Image.fromarray(ramp()), icc_profile=b"no profile at all")).rgb
    np.testing.assert_array_equal(rgb, ramp())


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_the_first_frame_of_an_animation_is_read(tmp_path: Path, suffix: str) -> None:
    first, second = (Image.new("RGB", (20, 20), colour) for colour in ((250, 0, 0), (0, 0, 250)))
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path, f"moving.{suffix}", first, save_all=True, append_images=[second], duration=100, **options)
    assert read_photo(path).rgb[10, 10].tolist() == [250, 0, 0]


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_large_photo_is_worked_on_reduced(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo, "WORK_PIXELS", 100 * 150 + 50)
    picture = Image.fromarray(ramp(200, 300))
    path = save(tmp_path, f"large.{suffix}", picture, exif=exif(6, FOCAL_35MM=26))
    read = read_photo(path)
    assert (read.size, read.original_size) == ((150, 100), (300, 200))
    assert read.focal_px == pytest.approx(26 * np.hypot(150, 100) / np.hypot(36, 24))
    means = np.rot90(ramp(200, 300).reshape(100, 2, 150, 2, 3).mean(axis=(1, 3)), -1)
    assert np.abs(read.rgb - means).mean() < 2


def test_more_than_100_megapixels_are_refused_by_the_header(tmp_path: Path) -> None:
    header = io.BytesIO()
    Image.new("L", (20, 20)).save(header, "BMP")
    bmp = bytearray(header.getvalue())
    bmp[18:26] = (20000).to_bytes(4, "little") + (5001).to_bytes(4, "little")
    (tmp_path / "huge.bmp").write_bytes(bmp)  # 20 x 20 pixels of data: decoding it would fail otherwise
    with pytest.raises(PhotoSizeUnusable, match=r"huge.bmp: 20000 x 5001 are 100 megapixels, more than the 100"):
        read_photo(tmp_path / "huge.bmp")


@pytest.mark.parametrize("size", [(1, 1), (15, 200), (200, 15)])
def test_a_photo_of_a_few_pixels_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save(tmp_path, "tiny.png", Image.new("RGB", size))
    with pytest.raises(PhotoSizeUnusable, match=rf"tiny.png: the photo is {size[0]} x {size[1]} px.*at least 16"):
        read_photo(path)


def test_pillows_own_pixel_limit_does_not_interfere_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    filters = list(warnings.filters)
    path = save(tmp_path, "above.png", Image.fromarray(ramp()))
    read_photo(path)
    with pytest.raises(PhotoUnreadable):
        path.write_bytes(path.read_bytes()[:-40])
        read_photo(path)
    assert Image.MAX_IMAGE_PIXELS == 100
    assert warnings.filters == filters


def test_threads_that_read_at_once_leave_pillow_as_it_was(tmp_path: Path) -> None:
    path = save(tmp_path, "shared.png", Image.fromarray(ramp()))
    limit, filters, sizes = Image.MAX_IMAGE_PIXELS, list(warnings.filters), []
    threads = [threading.Thread(target=lambda: sizes.append(read_photo(path).size)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [(40, 60)] * 8
    assert (Image.MAX_IMAGE_PIXELS, warnings.filters) == (limit, filters)


def test_a_missing_photo_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(PhotoNotFound, match=r"nowhere.jpg: there is no such file"):
        read_photo(tmp_path / "nowhere.jpg")


def test_a_folder_is_refused_as_a_photo(tmp_path: Path) -> None:
    with pytest.raises(PhotoUnreadable, match="this is a folder"):
        read_photo(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "gif"])
def test_a_truncated_photo_is_refused_with_its_name(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path, f"cut.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoUnreadable, match=rf"cut.{suffix}: .*; \w+"):
        read_photo(path)


def test_an_empty_photo_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(PhotoUnreadable, match=r"empty.jpg: the photo is empty \(0 bytes\)"):
        read_photo(tmp_path / "empty.jpg")


def test_text_is_refused_as_a_photo(tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear photo,\n")
    with pytest.raises(PhotoUnreadable, match=r"letter.png: this is not a picture.*save it as PNG"):
        read_photo(tmp_path / "letter.png")


def test_a_photo_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, "secret.png", Image.fromarray(ramp()))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files.Path, "open", refuse)  # chmod does not stop root, who runs many test machines
    with pytest.raises(PhotoUnreadable, match=r"secret.png: the photo may not be read \(Permission denied\)"):
        read_photo(path)


@pytest.mark.parametrize("name", ["nyc/nyc.jpg", "school/school.jpg"])
def test_real_photographs_are_read(shared: Path, name: str) -> None:
    read = read_photo(shared / "photos" / name)
    assert read.size == read.original_size == ((1152, 2048) if "nyc" in name else (398, 600))
    assert read.rgb.std() > 20


@pytest.mark.parametrize(
    ("name", "mode", "orientation", "expected"),
    [
        ("plain.jpg", "RGB", 1, True),
        ("plain.png", "RGB", 1, True),
        ("turned.jpg", "RGB", 6, False),
        ("plain.tiff", "RGB", 1, False),
        ("ink.jpg", "CMYK", 1, False),
        ("clear.png", "RGBA", 1, False),
    ],
)
def test_only_plain_upright_pictures_show_as_they_are(
    tmp_path: Path, name: str, mode: str, orientation: int, expected: bool
) -> None:
    path = save(tmp_path, name, Image.fromarray(ramp()).convert(mode), exif=exif(orientation))
    assert shows_as_it_is(path) is expected


def test_a_picture_with_a_colour_profile_does_not_show_as_it_is(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert not shows_as_it_is(save(tmp_path, "tagged.jpg", Image.fromarray(ramp()), icc_profile=profile))
