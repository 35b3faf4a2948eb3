import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

Script = Callable[[str], ModuleType]
FURNITURE = (
    *("table", "chair", "sofa", "armchair", "bed", "cabinet", "shelf", "lamp", "floor_lamp", "vase", "bottle"),
    *("a_ball", "crate", "parcel", "barrel", "cone", "plant", "person"),
)
OUTDOORS = (
    *("car", "truck", "bus", "tree", "bush", "house", "building", "bench", "bin_", "street_lamp", "sign", "fence"),
)


@pytest.mark.parametrize(
    ("module", "name"), [("scene_things", n) for n in FURNITURE] + [("scene_outdoors", n) for n in OUTDOORS]
)
def test_every_thing_is_closed_and_stands_on_its_foot(script: Script, module: str, name: str) -> None:
    for seed in range(4):
        thing = getattr(script(module), name)(np.random.default_rng(seed))
        for mesh, _ in thing.parts:
            assert mesh.is_watertight
            assert mesh.volume > 0, "its faces look outward"
        assert thing.bounds[0, 1] == pytest.approx(0, abs=0.25)
        assert thing.label in ("box", thing.label.lower())


def test_placing_turns_a_thing_about_the_vertical_before_it_moves_it(script: Script) -> None:
    solids, things = script("scene_solids"), script("scene_things")
    thing = things.Thing("crate", [(solids.box(2, 1, 4), (1, 1, 1))]).placed(10, -5, 90, y=3)
    np.testing.assert_allclose(thing.bounds, [(8, 3, -6), (12, 4, -4)], atol=1e-9)


def test_things_do_not_stand_in_each_other(script: Script) -> None:
    for seed in range(3):
        place = script("scene_rooms").storage(np.random.default_rng(seed))
        for k, one in enumerate(place.taken):
            assert not any(one.intersects(other) for other in place.taken[k + 1 :])


def test_a_picture_shows_known_depths(script: Script) -> None:
    sets, solids, things = script("scene_sets"), script("scene_solids"), script("scene_things")
    view = sets.View((0.0, 1.5, 0.0), 0.0, 0.0, 0.0, 90.0, (60, 80))
    ground = things.Thing("ground", [(solids.box(100, 1, 100, (0, -1, 0)), (0.5, 0.5, 0.5))])
    crate = things.Thing("crate", [(solids.box(1, 3, 1, (0, 0, -4.5)), (0.5, 0.1, 0.1))])
    place = sets.Set(view, [ground], False, [crate])
    picture = script("scene_pictures").photograph(place, np.random.default_rng(0))
    assert picture.ids[30, 40] == 1
    assert picture.depth_m[30, 40] == pytest.approx(4, abs=1e-4)
    assert (picture.ids[:29, :20] == 0).all() and (picture.depth_m[:29, :20] == 0).all(), "beside it is sky"
    assert picture.ids[50, 5] == 2
    assert picture.depth_m[50, 5] == pytest.approx(1.5 * 40 / 20.5, rel=1e-4), "1.5 m below the eye"
    np.testing.assert_allclose(picture.instances[0].bounds, [(-0.5, -1.5, -5), (0.5, 1.5, -4)], atol=1e-9)


def test_a_pitch_up_lowers_what_is_seen(script: Script) -> None:
    sets, pictures = script("scene_sets"), script("scene_pictures")
    pose = pictures.camera_from_world(sets.View((0.0, 1.5, 0.0), 0.0, 10.0, 0.0, 60.0, (60, 80)))
    ahead = pose @ (0, 1.5, -10, 1)
    assert ahead[1] < 0 and ahead[2] < 0


def test_a_scene_is_the_same_for_the_same_seed_only(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script("scene_sets"), "SIZES", ((48, 64),))
    first, again, other = (script("scenes").make_scene(2, seed)[2] for seed in (1, 1, 2))
    assert np.array_equal(first.rgb, again.rgb) and np.array_equal(first.depth_m, again.depth_m)
    assert not np.array_equal(first.depth_m, other.depth_m)


def test_a_scene_holds_all_that_an_evaluator_reads(scene: Path) -> None:
    depth, ids = np.load(scene / "depth.npy"), np.array(Image.open(scene / "segments.png"))
    camera = json.loads((scene / "camera.json").read_text())
    assert depth.dtype == np.float32 and ids.dtype == np.uint8
    assert depth.shape == ids.shape == (camera["height"], camera["width"])
    assert np.array_equal(depth == 0, ids == 0)
    names = json.loads((scene / "instances.json").read_text())
    classes = json.loads((scene / "segments.json").read_text())
    assert set(names) == set(classes) == {"0", *map(str, np.unique(ids[ids > 0]))}
    assert {f"gt_{name}.ply" for key, name in names.items() if key != "0"} == {p.name for p in scene.glob("*.ply")}


def test_the_truth_itself_scores_full_marks(script: Script, scene: Path, shared: Path, tmp_path: Path) -> None:
    import trimesh

    rivals, inputs = script("scene_rivals"), script("scene_inputs")
    evaluator = script("reconstruction").load_evaluator(shared / "tools" / "evaluate_stage.py")
    camera = inputs.read_scene(scene, inputs.Faults()).camera
    solids = [trimesh.load(path, process=False) for path in sorted(scene.glob("gt_*.ply"))]
    rivals.write_meshes(solids, camera, tmp_path / "truth.usd")
    with np.errstate(all="ignore"):
        scores = evaluator.evaluate(tmp_path / "truth.usd", scene)
    assert scores["absrel"] < 1e-4 and scores["camera_px"] < 1e-3
    assert scores["watertight"] == 1
    assert scores["iou_things"] > 0.97
    assert scores["vol_iou"] == pytest.approx(1) and scores["box_iou"] == pytest.approx(1)
