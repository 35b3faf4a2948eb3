import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.errors import DatasetUnusable, WorkerLost
from blockout.inference.training import render_shade, synthesis
from blockout.inference.training.scene_data import ARRAYS, SceneShards, synthesize
from blockout.inference.training.synthesis import Scenes, Studio

SIZE = (64, 96)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(seed=4)


@pytest.fixture(scope="module")
def scenes(studio: Studio) -> Scenes:
    return studio.make(list(range(8)), SIZE)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_scene_is_the_same_in_any_batch(studio: Studio, threads: int) -> None:
    """Libraries share out large products and sums among threads, by their size."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        scenes, again = studio.make(list(range(8)), SIZE), studio.make([5, 2], SIZE)
    finally:
        torch.set_num_threads(before)
    for name in vars(scenes):
        value = getattr(scenes, name)
        assert torch.equal(getattr(again, name)[0], value[5]), name
        assert torch.equal(getattr(again, name)[1], value[2]), name


def test_truths_agree_with_each_other(scenes: Scenes) -> None:
    is_sky = scenes.kind == 0
    assert torch.equal(is_sky | scenes.depth.isinf(), is_sky | (scenes.depth > 999))
    assert (scenes.depth > 0).all()
    assert (scenes.ids[is_sky & scenes.depth.isinf()] == 0).all()
    length = scenes.normal.norm(dim=-1)
    assert torch.allclose(length[~is_sky], torch.ones(int((~is_sky).sum())), atol=1e-3)
    assert torch.allclose(scenes.down.norm(dim=1), torch.ones(8), atol=1e-5)
    assert len(torch.unique(scenes.kind)) >= 3


def test_the_ground_lies_at_the_camera_height_below(studio: Studio) -> None:
    """Depth, camera and gravity together: what has the ground's normal is no higher than the camera."""
    made = studio.make(list(range(16)), SIZE)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    checked = 0
    for i in range(16):
        focal = made.camera[i, 0].item()
        rays = np.stack([(x - SIZE[1] / 2) / focal, (y - SIZE[0] / 2) / focal, np.ones(SIZE)], -1)
        below_m = (rays @ made.down[i].numpy()) * made.depth[i].numpy()
        floor = (made.kind[i] == 1).numpy() & (made.normal[i].numpy() @ made.down[i].numpy() < -0.99999)  # no hill
        if floor.sum() > 50:
            assert (below_m[floor] > 0).all()
            checked += 1
    assert checked >= 12


def test_shards_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        made = synthesize(tmp_path / str(workers), 4, seed=3, workers=workers, shard=2)
        assert made == 2
    one, two = (SceneShards(tmp_path / name) for name in ("1", "2"))
    for a, b in zip(one.shards, two.shards, strict=True):
        for name in ARRAYS:
            np.testing.assert_array_equal(a[name], b[name])
    assert synthesize(tmp_path / "1", 4, seed=3, shard=2) == 0  # all is there


def test_a_killed_worker_is_told_and_the_rest_follows(tmp_path: Path) -> None:
    def kill_one(done: int, wanted: int) -> None:
        if done and (workers := multiprocessing.active_children()):
            os.kill(workers[0].pid, signal.SIGKILL)

    with pytest.raises(WorkerLost, match=r"a worker was killed after [\d,]+ scenes.*goes on from there"):
        synthesize(tmp_path, 64, seed=3, workers=2, shard=16, progress=kill_one)
    assert 1 <= synthesize(tmp_path, 64, seed=3, workers=2, shard=16) <= 4
    assert sum(SceneShards(tmp_path).lengths) == 64


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_ends_the_work_within_a_shard(tmp_path: Path, workers: int) -> None:
    def stop(done: int, wanted: int) -> None:
        assert wanted == 1024
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path, 1024, seed=3, workers=workers, shard=512, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.json"]
    assert not multiprocessing.active_children()


def test_scenes_of_another_seed_are_not_mixed_in(tmp_path: Path) -> None:
    (tmp_path / "scenes.json").write_text(json.dumps({"seed": 1}))
    with pytest.raises(DatasetUnusable, match="made otherwise"):
        synthesize(tmp_path, 2, seed=2)


def test_a_folder_without_scenes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match="holds no scenes"):
        SceneShards(tmp_path)


def test_material_without_textures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match="no picture under CC0 or MIT-0"):
        Studio(tmp_path)


def test_open_country_has_ground_up_to_much_sky(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "SHARES", [float(sort == "landscape") for sort in synthesis.SORTS])
    made = Studio(seed=9).make(list(range(12)), SIZE)
    kinds = np.bincount(made.kind.numpy().ravel(), minlength=4) / made.kind.numel()
    assert kinds[0] > 0.2  # sky
    assert kinds[1] > 0.3  # ground
    assert kinds[2] > 0.01  # mountains and cliffs
    horizon = [SIZE[0] / 2 + float(eye[0] * torch.tan(eye[1])) for eye in made.camera]
    assert np.mean([0 < row < SIZE[0] for row in horizon]) > 0.7
    assert (made.kind[:, 0] == 0).float().mean() > 0.5


def test_pictures_are_alike_whether_rays_are_lit_by_scene_or_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(seed=3)
    by_scene = studio.make([0, 1, 2, 3], (64, 96))

    def all_at_once(wanted: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        ray = wanted.flatten().nonzero()[:, 0]
        yield ray, ray // wanted[0].numel()

    monkeypatch.setattr(render_shade, "_split", all_at_once)
    together = studio.make([0, 1, 2, 3], (64, 96))
    apart = (by_scene.rgb.int() - together.rgb.int()).abs()
    assert (apart > 2).float().mean() < 1e-3
    assert torch.allclose(by_scene.normal, together.normal)
