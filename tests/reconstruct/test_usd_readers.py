"""Stages before readers and checkers that share no code with the writer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.reconstruct.frames import Units, UpAxis
from blockout.reconstruct.names import Texture, prim_paths
from blockout.reconstruct.usd import write_stage
from pxr import Sdf
from stages import make_camera, make_fitted, make_levels, make_prism, make_scene
from validators import VALIDATORS, Absent, WrittenStage, blender, checkers, threejs

Check = Callable[[Sequence[WrittenStage]], None]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[WrittenStage]]:
    folder = tmp_path_factory.mktemp("stages")
    variants: list[tuple[str, str, Units, UpAxis, Texture, bool]] = [
        ("landscape", ".usd", "cm", "Y", "photo", True),
        ("landscape", ".usda", "m", "Y", "colour", False),
        ("landscape", ".usdz", "cm", "Z", "photo", False),
        ("landscape", ".usdc", "m", "Z", "colour", True),
        ("portrait", ".usd", "cm", "Y", "photo", False),
        ("portrait", ".usdz", "m", "Z", "photo", True),
        ("off-centre", ".usd", "cm", "Y", "colour", True),
        ("off-centre", ".usdc", "m", "Z", "photo", False),
    ]
    stages = []
    for number, (variant, suffix, units, up, texture, backdrop) in enumerate(variants):
        path, made = folder / f"{number} {variant}{suffix}", make_scene(variant)
        stages.append(WrittenStage(path, made, units, up, texture, backdrop))
        write_stage(made, path, units=units, up=up, texture=texture, backdrop=backdrop)
    yield stages


@pytest.fixture(scope="module", params=[".usd", ".usda"])
def levels(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> list[WrittenStage]:
    folder, scene = tmp_path_factory.mktemp("levels"), make_levels()
    finest = WrittenStage(folder / f"a{request.param}", scene, texture="photo", backdrop=True)
    write_stage(scene, finest.path, texture="photo", backdrop=True)
    return [finest, *(finest.at_level(level) for level in range(scene.finest + 1))]


@pytest.mark.parametrize("check", VALIDATORS)
def test_stages_are_what_independent_readers_find(check: Check, written: list[WrittenStage]) -> None:
    try:
        check(written)
    except Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("check", VALIDATORS)
def test_fitted_solids_are_what_independent_readers_find(check: Check, tmp_path: Path) -> None:
    scene, textures = make_fitted(), ("photo", "colour")
    stages = [WrittenStage(tmp_path / f"{texture}.usd", scene, texture=texture) for texture in textures]
    for stage in stages:
        write_stage(scene, stage.path, texture=stage.texture)
    try:
        check(stages)
    except Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("check", [check for check in VALIDATORS if check is not threejs.check_in_threejs])
def test_every_level_is_what_independent_readers_find(check: Check, levels: list[WrittenStage]) -> None:
    assert [len(stage.solids()) for stage in levels] == [7, 4, 6, 7], "the backdrop too"
    try:
        check(levels)
    except Absent as reason:
        pytest.skip(str(reason))


def test_a_reader_that_knows_no_inactive_prims_finds_the_finest_level(levels: list[WrittenStage]) -> None:
    try:
        threejs.check_in_threejs(levels[:1])
    except Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("check", [threejs.check_in_threejs, blender.check_in_blender])
def test_readers_notice_a_scene_that_is_not_the_written_one(check: Check, written: list[WrittenStage]) -> None:
    told = written[0].scene
    table, *others = told.prisms
    camera = replace(told.camera, fx=505.0, fy=505.0)
    moved = make_prism(1, "table", (-0.49, 0.6, 3.0), (0.6, 0.4, 0.3), make_camera(), told.world_from_camera)
    for wrong in (
        replace(told, prisms=(moved, *others)),
        replace(told, prisms=(replace(table, colour=np.array([0.1, 0.5, 0.3])), *others)),
        replace(told, prisms=(replace(table, name="seg_008_table"), *others)),
        replace(told, camera=camera),
    ):
        try:
            with pytest.raises(AssertionError):
                check([replace(written[0], scene=wrong)])
        except Absent as reason:
            pytest.skip(str(reason))


@pytest.mark.parametrize("check", [checkers.check_by_rules, checkers.check_in_omniverse])
def test_checkers_notice_a_solid_that_is_inside_out(check: Check, written: list[WrittenStage], tmp_path: Path) -> None:
    layer = Sdf.Layer.FindOrOpen(str(written[1].path))
    broken = Sdf.Layer.CreateAnonymous(".usda")
    broken.TransferContent(layer)
    path = f"{prim_paths(written[1].scene.prisms)['seg_001_table']}/table_001_geo.faceVertexIndices"
    attribute = broken.GetAttributeAtPath(path)
    attribute.default = list(attribute.default)[::-1]
    broken.Export(str(tmp_path / "broken.usda"))
    try:
        with pytest.raises(AssertionError):
            check([replace(written[1], path=tmp_path / "broken.usda")])
    except Absent as reason:
        pytest.skip(str(reason))
