from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.errors import DatasetUnusable, OutputUnwritable
from blockout.inference.training.compose import compose
from blockout.inference.training.compose_plan import LAYOUTS, Recipe
from blockout.inference.training.dataset_files import decode, open_dataset, read_portion
from blockout.inference.training.dataset_stats import describe_stats, measure_dataset
from blockout.inference.training.plots import write_picture


@pytest.fixture
def depths(material: Path) -> str:
    folder = material / "depths"
    folder.mkdir()
    for index in range(2):
        np.save(folder / f"ramp{index}.npy", np.linspace(1, 8, 72 * 96, dtype=np.float32).reshape(72, 96))
    return str(folder)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_pass_gives_what_all_pixels_at_once_give(recipe: Recipe, depths: str, tmp_path: Path, layout: str) -> None:
    compose(replace(recipe, layout=layout, background_depths=depths), tmp_path / "set")
    stats = measure_dataset(tmp_path / "set", threads=2)
    _, sources = open_dataset(tmp_path / "set")
    samples = [sample for source in sources for sample in read_portion(layout, source)]
    assert stats.samples == len(samples) == 24
    assert list(stats.kinds) == ["background", "overlay", "mask", "depth"]
    assert stats.kinds["background"].count == 2
    for kind in ("overlay", "mask", "depth"):
        values = np.stack([decode(sample.pictures[kind]) for sample in samples])
        unit = 1000 if values.dtype == np.uint16 else 255
        values = values.reshape(values[..., None].shape[0], 48, 64, -1) / unit
        np.testing.assert_allclose(stats.kinds[kind].mean, values.mean((0, 1, 2)), rtol=1e-6)
        np.testing.assert_allclose(stats.kinds[kind].deviation, values.std((0, 1, 2)), rtol=1e-6)
        assert stats.kinds[kind].sizes == {(48, 64): 24}
        assert stats.kinds[kind].unit == ("m" if unit == 1000 else "1")


def test_bytes_are_those_of_the_files(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, layout="tree"), tmp_path / "set")
    files = list((tmp_path / "set").glob("bg_*/fg_*/overlay/*"))
    assert measure_dataset(tmp_path / "set").kinds["overlay"].stored_bytes == sum(path.stat().st_size for path in files)


def test_unknown_depth_is_left_out(recipe: Recipe, depths: str, tmp_path: Path) -> None:
    for path in Path(depths).iterdir():
        z = np.full((72, 96), 3, np.float32)
        z[:36] = np.nan
        np.save(path, z)
    compose(replace(recipe, background_depths=depths), tmp_path / "set")
    assert measure_dataset(tmp_path / "set").kinds["depth"].mean == pytest.approx(3)


def test_the_table_has_a_line_for_each_kind(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    lines = describe_stats(measure_dataset(tmp_path / "set"))
    assert lines[0] == "24 samples, shards"
    assert [line.split()[0] for line in lines[1:]] == ["kind", "background", "overlay", "mask"]
    assert lines[3].split()[1:5] == ["24", "48", "x", "64"]


def test_the_sheet_shows_a_row_for_each_of_some_samples(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    stats = measure_dataset(tmp_path / "set")
    write_picture(stats.sheet, tmp_path / "sheet.png")
    sheet = np.asarray(cv2.imread(str(tmp_path / "sheet.png")))
    assert sheet.shape == (8 * 164 + 4, 3 * 164 + 4, 3)
    masks = sheet[:, 2 * 164 + 4 : -4]
    for row in range(8):
        mask = masks[4 + row * 164 :][:120]
        assert mask.min() == 0 and mask.max() == 255


def test_a_sheet_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match=r"sheet\.png could not be written"):
        write_picture(np.zeros((2, 2, 3), np.uint8), tmp_path / "nowhere" / "sheet.png")


def test_a_broken_member_is_named(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, layout="tree"), tmp_path / "set")
    path = tmp_path / "set" / "bg_1" / "fg_2" / "mask" / "3.jpg"
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(DatasetUnusable, match=r"bg_1/fg_2/3: the mask is broken.*verify"):
        measure_dataset(tmp_path / "set")


@pytest.mark.parametrize("there", [True, False])
def test_what_is_no_data_set_is_named(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "set").mkdir()
    with pytest.raises(DatasetUnusable, match=r"set(: there is no such folder| holds neither)"):
        measure_dataset(tmp_path / "set")
