import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MaterialUnusable, OutputExists, OutputUnwritable, UsageError, WorkerLost
from blockout.inference.training.compose import compose
from blockout.inference.training.compose_material import list_pictures
from blockout.inference.training.compose_pictures import Composer
from blockout.inference.training.compose_plan import LAYOUTS, Recipe, plan
from blockout.inference.training.shards import read_shard
from disks import mounted
from PIL import Image

each_layout = pytest.mark.parametrize("layout", LAYOUTS)


class Interrupted(Exception):
    pass


def interrupt_after(samples: int):
    def progress(stage: str, fraction: float) -> None:
        if stage.startswith(f"{samples} of"):
            raise Interrupted

    return progress


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_shards_hold_overlay_mask_and_record_of_each_sample(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    composer = Composer(recipe)
    samples = [sample for path in sorted((tmp_path / "set").glob("shard-*.tar")) for sample in read_shard(path)]
    assert [key for key, _ in samples] == [f"{number:09d}" for number in range(24)]
    for number, (_, members) in enumerate(samples):
        assert list(members) == ["overlay.jpg", "mask.png", "json"]
        drawn, record = composer.draw(number), json.loads(members["json"])
        assert record["box"] == list(drawn.box)
        assert (record["number"], record["background"]) == (number, drawn.sample.background + 1)
        (tmp_path / "mask.png").write_bytes(members["mask.png"])
        np.testing.assert_array_equal(read_picture(tmp_path / "mask.png"), drawn.mask)
        (tmp_path / "overlay.jpg").write_bytes(members["overlay.jpg"])
        seen = read_picture(tmp_path / "overlay.jpg").astype(int)
        assert np.abs(seen - drawn.overlay_bgr[..., ::-1]).mean() < 6
    assert sorted(path.name for path in (tmp_path / "set" / "backgrounds").iterdir()) == ["bg001.jpg", "bg002.jpg"]


def test_a_shard_is_a_tar_file_that_others_read(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    with tarfile.open(tmp_path / "set" / "shard-000000.tar") as shard:
        assert len(shard.getnames()) == 15
        assert all(entry.isfile() and entry.mtime == 0 for entry in shard)


def test_the_tree_holds_a_folder_for_each_pair(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, layout="tree"), tmp_path / "set")
    found = {str(path.relative_to(tmp_path / "set")) for path in (tmp_path / "set").rglob("*.jpg")}
    expected = {
        f"bg_{b}/fg_{f}/{kind}/{k}.jpg"
        for b in (1, 2)
        for f in (1, 2)
        for kind in ("overlay", "mask")
        for k in range(1, 7)
    }
    assert found == expected | {"bg_1/background.jpg", "bg_2/background.jpg"}
    records = [json.loads(line) for line in (tmp_path / "set" / "samples.jsonl").read_text().splitlines()]
    assert [record["number"] for record in records] == list(range(24))


def test_the_flat_layout_has_names_map_and_boxes_as_published(recipe: Recipe, tmp_path: Path, material: Path) -> None:
    depths = material / "depths"
    depths.mkdir()
    for index in range(2):
        np.save(depths / f"ramp{index}.npy", np.full((72, 96), 5, np.float32))
    recipe = replace(recipe, layout="flat", background_depths=str(depths))
    compose(recipe, tmp_path / "set")
    rows = [line.split("\t") for line in (tmp_path / "set" / "file_map.txt").read_text().splitlines()]
    assert rows[0] == ["bg001", "bg001_fg001_01", "bg001_fg001_01_mask", "bg001_fg001_01_depth_map"]
    assert len(rows) == 24
    for row in rows:
        for folder, stem in zip(("bg", "bg_fg", "bg_fg_mask", "bg_fg_depth_map"), row, strict=True):
            assert read_picture(tmp_path / "set" / folder / f"{stem}.jpeg").shape[:2] == (48, 64)
    boxes = [line.split("\t") for line in (tmp_path / "set" / "bbox.txt").read_text().splitlines()]
    composer = Composer(recipe)
    assert boxes[9] == ["bg001_fg002_04.jpeg", *map(str, composer.draw(9).box)]
    assert sorted(path.name for path in (tmp_path / "set" / "fg_mask").iterdir()) == [
        "fg001_mask.png",
        "fg002_mask.png",
    ]
    assert (read_picture(tmp_path / "set" / "bg_fg_depth_map" / f"{rows[0][3]}.jpeg") == 128).all()  # 5 of 10 m


def test_depth_in_shards_is_in_millimetres(recipe: Recipe, tmp_path: Path, material: Path) -> None:
    depths = material / "depths"
    depths.mkdir()
    far = np.full((72, 96), 2.5, np.float32)
    far[:36] = 70
    for index in range(2):
        np.save(depths / f"ramp{index}.npy", far)
    compose(replace(recipe, background_depths=str(depths)), tmp_path / "set")
    _, members = next(read_shard(tmp_path / "set" / "shard-000000.tar"))
    (tmp_path / "depth.png").write_bytes(members["depth.png"])
    assert set(np.unique(read_picture(tmp_path / "depth.png"))) == {0, 2500}  # 0 is unknown, or beyond 65 m


@each_layout
def test_two_workers_write_the_same_bytes_as_one(recipe: Recipe, tmp_path: Path, layout: str) -> None:
    recipe = replace(recipe, layout=layout)
    compose(recipe, tmp_path / "one")
    compose(recipe, tmp_path / "two", workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_cluster_writes_the_same_bytes(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the extra blockout[ray] is not installed")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    compose(recipe, tmp_path / "one")
    compose(recipe, tmp_path / "ray", ray_address="local")
    assert digests(tmp_path / "one") == digests(tmp_path / "ray")


def test_another_seed_gives_another_data_set(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "a")
    compose(replace(recipe, seed=1), tmp_path / "b")
    assert digests(tmp_path / "a")["shard-000000.tar"] != digests(tmp_path / "b")["shard-000000.tar"]


@each_layout
@pytest.mark.parametrize("stop", [1, 5, 13, 24])
def test_an_interruption_neither_loses_nor_repeats_a_sample(
    recipe: Recipe, tmp_path: Path, layout: str, stop: int
) -> None:
    recipe = replace(recipe, layout=layout)
    compose(recipe, tmp_path / "whole")
    with pytest.raises(Interrupted):
        compose(recipe, tmp_path / "cut", progress=interrupt_after(stop))
    assert compose(recipe, tmp_path / "cut").resumed == stop
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")
    assert compose(recipe, tmp_path / "cut").resumed == 24  # complete: nothing to do


@each_layout
@pytest.mark.parametrize("lost", [1, 40, 700, 5000])
def test_what_was_cut_off_in_the_middle_is_written_anew(recipe: Recipe, tmp_path: Path, layout: str, lost: int) -> None:
    recipe = replace(recipe, layout=layout)
    compose(recipe, tmp_path / "whole")
    with pytest.raises(Interrupted):
        compose(recipe, tmp_path / "cut", progress=interrupt_after(4))
    part = next((tmp_path / "cut").rglob(".*.part"), tmp_path / "cut" / ".compose" / "000000.jsonl")
    os.truncate(part, max(0, part.stat().st_size - lost))
    assert compose(recipe, tmp_path / "cut").resumed < 4
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")


@each_layout
def test_a_killed_worker_is_told_and_the_rest_follows(recipe: Recipe, tmp_path: Path, layout: str) -> None:
    recipe = replace(recipe, layout=layout, placements=200, chunk=50)
    killed: list[int] = []

    def kill_one(stage: str, fraction: float) -> None:
        if fraction > 0 and not killed:
            pid = multiprocessing.active_children()[0].pid
            assert pid
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(WorkerLost, match=r"a worker was killed after [\d,]+ composites.*goes on from there"):
        compose(recipe, tmp_path / "cut", workers=2, progress=kill_one)
    assert compose(recipe, tmp_path / "cut", workers=2).resumed > 0
    compose(recipe, tmp_path / "whole")
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")


@pytest.mark.parametrize("layout", ["shards", "flat"])
def test_a_full_disk_is_told_and_the_rest_follows(recipe: Recipe, tmp_path: Path, layout: str) -> None:
    recipe = replace(recipe, layout=layout, placements=20)
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", "size=160k") as disk:
        with pytest.raises(OutputUnwritable, match=r"no space left.*make room.*goes on from there"):
            compose(recipe, disk / "set", workers=2)
        shutil.copytree(disk / "set", tmp_path / "cut")
    compose(recipe, tmp_path / "whole")
    compose(recipe, tmp_path / "cut")
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")


def test_a_broken_picture_among_many_is_an_error(recipe: Recipe, tmp_path: Path) -> None:
    broken = Path(recipe.foregrounds[1])
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(Exception, match=r"disk\.png: the foreground is damaged"):
        compose(recipe, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_broken_pictures_are_skipped_named_and_counted_when_asked(recipe: Recipe, tmp_path: Path) -> None:
    broken = Path(recipe.foregrounds[1])
    broken.write_bytes(broken.read_bytes()[:100])
    done = compose(recipe, tmp_path / "set", keep_going=True)
    assert len(done.skipped) == 1
    assert "disk.png" in done.skipped[0]
    assert done.recipe.samples == 12
    description = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert description["foregrounds"] == ["bar.png"]
    assert "disk.png" in description["skipped"][0]


def test_that_no_picture_serves_is_an_error_even_when_going_on(recipe: Recipe, tmp_path: Path) -> None:
    for path in recipe.foregrounds:
        Image.new("RGB", (20, 20)).save(path)
    with pytest.raises(MaterialUnusable, match=r"none of 2 pictures can serve; the first: .*no alpha"):
        compose(recipe, tmp_path / "set", keep_going=True)


@pytest.mark.parametrize("missing", [True, False])
def test_a_folder_without_pictures_is_named(tmp_path: Path, missing: bool) -> None:
    folder = tmp_path / "nothing"
    if not missing:
        folder.mkdir()
        (folder / "notes.txt").write_text("no picture")
    with pytest.raises(MaterialUnusable, match=r"nothing(: there is no such folder| holds no picture)"):
        list_pictures(folder, "foregrounds")


def test_another_data_set_or_other_files_are_not_touched(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    before = digests(tmp_path / "set")
    with pytest.raises(OutputExists, match=r"another data set \(seed 0 instead of 3\)"):
        compose(replace(recipe, seed=3), tmp_path / "set")
    Image.new("RGBA", (9, 9), (0, 0, 0, 255)).save(recipe.foregrounds[0])
    with pytest.raises(OutputExists, match=r"another data set \(material"):
        compose(recipe, tmp_path / "set")
    assert digests(tmp_path / "set") == before
    with pytest.raises(OutputExists, match="holds other files already"):
        compose(recipe, Path(recipe.foregrounds[0]).parent)


def test_an_address_without_a_cluster_is_a_wrong_option(recipe: Recipe, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra blockout[ray] is not installed")
    with pytest.raises(UsageError, match=r"--ray nonsense: no cluster answers there"):
        compose(recipe, tmp_path / "set", ray_address="nonsense")


def test_numbers_name_the_same_sample_in_file_and_plan(recipe: Recipe) -> None:
    assert plan(recipe, 3) == plan(recipe, 3)
    assert plan(recipe, 3) != plan(replace(recipe, seed=9), 3)
