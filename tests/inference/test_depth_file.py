from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from blockout.errors import DepthUnusable, MapNotFound, MapUnreadable
from blockout.inference.depth_file import read_depth, write_depth
from blockout.inference.prediction import DepthMap
from PIL import Image

Z = np.array([[1.0, 2.5, 4.0], [0.5, 8.0, 100.0]], np.float32)


def save_exr(path: Path, channels: dict[str, np.ndarray], **header: object) -> Path:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage} | header
    OpenEXR.File(header, channels).write(str(path))
    return path


def save_npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.int64, np.uint8])
def test_an_npy_holds_metres(tmp_path: Path, dtype: str) -> None:
    depth = read_depth(save_npy(tmp_path / "depth.npy", np.array([[1, 2], [3, 4]], dtype)))
    assert (depth.z.dtype, depth.is_metric) == (np.float32, True)
    np.testing.assert_array_equal(depth.z, [[1, 2], [3, 4]])


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (1, 2, 3)])
def test_one_plane_may_have_an_axis_of_length_one(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(read_depth(save_npy(tmp_path / "d.npy", Z.reshape(shape))).z, Z)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 3), (2, 1, 1, 3), (0, 3), ()])
def test_other_shapes_are_refused_with_the_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(MapUnreadable, match=r"d\.npy: the array has shape \("):
        read_depth(save_npy(tmp_path / "d.npy", np.ones(shape)))


@pytest.mark.parametrize("dtype", [bool, complex, "U3", "M8[s]"])
def test_other_types_are_refused_with_the_type(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(MapUnreadable, match=r"d\.npy: the values are .*float32"):
        read_depth(save_npy(tmp_path / "d.npy", np.zeros((2, 2), dtype)))


def test_what_cannot_be_a_depth_is_unknown(tmp_path: Path) -> None:
    bad = np.array([[0, -1, np.nan, np.inf], [-np.inf, 65504, 1e10, 1e300]])
    depth = read_depth(save_npy(tmp_path / "d.npy", np.concatenate([bad, np.full((1, 4), 3.0)])))
    assert np.isnan(depth.z[:2]).all()
    assert (depth.z[2] == 3).all()


@pytest.mark.parametrize("value", [np.nan, 0, -2, np.inf])
def test_a_map_without_any_depth_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(DepthUnusable, match=r"d\.npy: none of the 6 pixels has a depth"):
        read_depth(save_npy(tmp_path / "d.npy", np.full((2, 3), value)))


def test_a_constant_depth_is_read(tmp_path: Path) -> None:
    assert (read_depth(save_npy(tmp_path / "d.npy", np.full((2, 3), 7))).z == 7).all()


@pytest.mark.parametrize("name", ["nowhere.npy", "nowhere.png", "nowhere.exr"])
def test_a_missing_map_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(MapNotFound, match=rf"{name}: there is no such file"):
        read_depth(tmp_path / name)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".exr"])
@pytest.mark.parametrize("content", [b"", b"no map at all, by no means"])
def test_other_content_is_refused_with_the_name(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"bad{suffix}").write_bytes(content)
    with pytest.raises(MapUnreadable, match=rf"bad\{suffix}: .*; \w+"):
        read_depth(tmp_path / f"bad{suffix}")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".exr"])
def test_a_truncated_map_is_refused_with_its_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    noise = np.random.default_rng(0).integers(1, 60000, (200, 200)).astype(np.uint16)
    if suffix == ".exr":
        save_exr(path, {"Z": noise.astype(np.float32)})
    elif suffix == ".png":
        Image.fromarray(noise).save(path)
    else:
        np.savez(path, depth=noise) if suffix == ".npz" else np.save(path, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MapUnreadable, match=rf"cut\{suffix}: .*; \w+"):
        read_depth(path)


def test_another_suffix_is_refused_with_those_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "depth.tiff").write_bytes(b"II*\0")
    with pytest.raises(MapUnreadable, match=r"depth\.tiff: \.tiff is not read as depth; use \.npy, \.npz, \.png or"):
        read_depth(tmp_path / "depth.tiff")


def test_a_pickle_is_refused_unopened(tmp_path: Path) -> None:
    save_npy(tmp_path / "d.npy", np.array({"depth": Z}, object))
    with pytest.raises(MapUnreadable, match=r"d\.npy: this is no complete \.npy file of numbers"):
        read_depth(tmp_path / "d.npy")


def test_an_npz_says_by_its_key_what_it_holds(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "z.npz", depth=Z, other=Z * 2)
    np.savez(tmp_path / "d.npz", disparity=1 / Z)
    metric, relative = read_depth(tmp_path / "z.npz"), read_depth(tmp_path / "d.npz")
    assert (metric.is_metric, relative.is_metric) == (True, False)
    np.testing.assert_array_equal(metric.z, Z)
    np.testing.assert_allclose(relative.z.ravel()[:5], Z.ravel()[:5], rtol=1e-6)


def test_the_keys_of_an_npz_without_depth_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz", left=Z, right=Z)
    with pytest.raises(MapUnreadable, match=r"z\.npz: the file holds left, right, where a key depth or disparity"):
        read_depth(tmp_path / "z.npz")


def test_the_kind_goes_before_what_the_file_says(tmp_path: Path) -> None:
    np.savez(tmp_path / "both.npz", depth=Z, disparity=np.full((2, 3), 0.25))
    assert (read_depth(tmp_path / "both.npz", kind="disparity").z == 4).all()
    np.savez(tmp_path / "named.npz", disparity=Z)
    named = read_depth(tmp_path / "named.npz", kind="depth")
    np.testing.assert_array_equal(named.z, Z)
    assert named.is_metric
    disparity = read_depth(save_npy(tmp_path / "d.npy", np.full((2, 2), 0.5)), kind="disparity")
    assert ((disparity.z == 2).all(), disparity.is_metric) == (True, False)


def test_disparity_that_is_not_above_0_is_unknown(tmp_path: Path) -> None:
    disparity = np.array([[0, -0.1, np.nan], [0.5, 0.25, 1.0]])
    z = read_depth(save_npy(tmp_path / "d.npy", disparity), kind="disparity").z
    np.testing.assert_array_equal(z, [[np.nan] * 3, [2, 4, 1]])


def test_disparity_near_0_goes_no_further_than_100_times_the_near_depth(tmp_path: Path) -> None:
    disparity = np.full((10, 10), 0.5)
    disparity[0] = 1e-9
    z = read_depth(save_npy(tmp_path / "d.npy", disparity), kind="disparity").z
    np.testing.assert_allclose(z[0], 200, rtol=1e-6)
    assert (z[1:] == 2).all()


@pytest.mark.parametrize(("scale_m", "metres"), [(0.001, 1.5), (1 / 256, 1500 / 256)])
def test_a_16_bit_png_counts_a_unit_and_0_is_unknown(tmp_path: Path, scale_m: float, metres: float) -> None:
    Image.fromarray(np.array([[1500, 0], [65535, 1500]], np.uint16)).save(tmp_path / "d.png")
    depth = read_depth(tmp_path / "d.png", scale_m=scale_m)
    assert depth.is_metric
    np.testing.assert_allclose(depth.z, [[metres, np.nan], [65535 * scale_m, metres]], rtol=1e-6)


def test_16_bit_integers_of_an_npy_count_the_same_unit(tmp_path: Path) -> None:
    depth = read_depth(save_npy(tmp_path / "d.npy", np.array([[1500, 0]], np.uint16)))
    np.testing.assert_allclose(depth.z, [[1.5, np.nan]])


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_png_without_16_bits_is_refused_with_its_mode(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (4, 4), 3).save(tmp_path / "d.png")
    with pytest.raises(MapUnreadable, match=rf"d\.png: the PNG's mode is {mode}, where depth needs 16-bit grey"):
        read_depth(tmp_path / "d.png")


def test_an_8_bit_png_may_hold_disparity(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 50).save(tmp_path / "d.png")
    depth = read_depth(tmp_path / "d.png", kind="disparity")
    np.testing.assert_allclose(depth.z, 1 / 50)


@pytest.mark.parametrize(
    "name", ["Z", "Y", "R", "V", "depth.V", "Depth.Z", "ViewLayer.Depth.Z", "View Layer.Depth.V", "depth", "anything"]
)
def test_an_exr_may_call_its_depth_so(tmp_path: Path, name: str) -> None:
    depth = read_depth(save_exr(tmp_path / "d.exr", {name: Z}))
    np.testing.assert_array_equal(depth.z, Z)
    assert depth.is_metric


def test_depth_is_found_among_the_channels_of_a_renderer(tmp_path: Path) -> None:
    names = ["ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Normal.X", "ViewLayer.Normal.Z"]
    channels = {name: np.full((2, 3), 9, np.float32) for name in names} | {"ViewLayer.Depth.Z": Z}
    np.testing.assert_array_equal(read_depth(save_exr(tmp_path / "d.exr", channels)).z, Z)


def test_an_exr_of_half_floats_and_a_background_is_read(tmp_path: Path) -> None:
    half = np.array([[2, 65504]], np.float16)
    np.testing.assert_array_equal(read_depth(save_exr(tmp_path / "d.exr", {"Z": half})).z, [[2, np.nan]])


def test_an_exr_may_hold_disparity(tmp_path: Path) -> None:
    depth = read_depth(save_exr(tmp_path / "d.exr", {"disparity": np.full((2, 3), 0.5, np.float32)}))
    assert ((depth.z == 2).all(), depth.is_metric) == (True, False)


def test_an_exr_that_stores_a_part_of_its_picture_keeps_its_place(tmp_path: Path) -> None:
    window = (np.array([1, 2], np.int32), np.array([3, 3], np.int32))
    whole = (np.array([0, 0], np.int32), np.array([4, 5], np.int32))
    z = read_depth(save_exr(tmp_path / "d.exr", {"Z": Z}, dataWindow=window, displayWindow=whole)).z
    assert z.shape == (6, 5)
    np.testing.assert_array_equal(z[2:4, 1:4], Z)
    assert np.isnan(z).sum() == 30 - 6


def test_the_channels_of_an_exr_without_depth_are_named(tmp_path: Path) -> None:
    with pytest.raises(MapUnreadable, match=r"d\.exr: none of the channels Normal\.X, Normal\.Z is depth; name it Z"):
        read_depth(save_exr(tmp_path / "d.exr", {"Normal.X": Z, "Normal.Z": Z}))


@pytest.mark.parametrize("is_metric", [True, False])
def test_a_written_map_comes_back_with_its_unit(tmp_path: Path, is_metric: bool) -> None:
    z = Z.copy()
    z[0, 0] = np.nan
    z[1, 2] = 1e6 if not is_metric else 100
    write_depth(DepthMap(z, is_metric), tmp_path / "depth.npy")
    read = read_depth(tmp_path / "depth.npy")
    np.testing.assert_array_equal(read.z, z)
    assert read.is_metric == is_metric


def test_a_side_file_that_is_damaged_is_not_passed_over(tmp_path: Path) -> None:
    save_npy(tmp_path / "depth.npy", Z)
    (tmp_path / "depth.json").write_text('{"is_metric": fal')
    with pytest.raises(MapUnreadable, match=r"depth\.json: this is not readable JSON"):
        read_depth(tmp_path / "depth.npy")


def test_measured_and_estimated_depths_are_read(shared: Path) -> None:
    measured = read_depth(shared / "photos/rgbd/kitti_m3d_005/depth.npz")
    assert measured.is_metric
    assert 0 < np.isfinite(measured.z).mean() < 0.3  # a lidar's points
    assert 60 < np.nanmax(measured.z) < 90
    estimated = read_depth(shared / "photos/school/school_depth_array.npy", kind="disparity")
    assert not estimated.is_metric
    assert np.nanmax(estimated.z) / np.nanmin(estimated.z) < 200
