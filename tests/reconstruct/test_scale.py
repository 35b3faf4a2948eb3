from dataclasses import replace

import numpy as np
import pytest
from blockout.errors import ScaleReferenceUnknown, UsageError
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.frames import project, transform, world_from_camera
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scale import (
    CAMERA_HEIGHT_M,
    CAMERA_HEIGHT_SIGMA,
    MEDIAN_DEPTH_M,
    MEDIAN_DEPTH_SIGMA,
    apply_reference,
    choose_scale,
    measure_sides,
    measure_standing,
    multiply,
    weigh_heights,
)
from blockout.reconstruct.scene import Scale, Scene
from rooms import FAR_M, FLOOR, WALL, Box, look, photograph
from stages import make_camera, make_prism, make_scene


def height_of(scene: Scene, label: str) -> float:
    """Return the vertical extent of the fronts of a label's largest segment."""
    prism = max((prism for prism in scene.prisms if prism.label == label), key=lambda prism: prism.pixels)
    parts = [part for part in prism.walk() if not part.children]
    return float(np.ptp(np.concatenate([mesh_of(part).points[: len(part.outline), 1] for part in parts])))


def test_a_metric_map_is_left_as_it_is() -> None:
    scale = choose_scale(True, "some network", 2.3, 7.0)
    assert (scale.factor, scale.is_metric) == (1.0, True)
    assert "some network" in scale.source


def test_the_camera_s_height_is_assumed_where_a_ground_is_known() -> None:
    scale = choose_scale(False, "some network", 0.4, 7.0)
    assert scale.factor == pytest.approx(CAMERA_HEIGHT_M / 0.4)
    assert not scale.is_metric
    assert "assumed" in scale.source
    assert "1.6 m" in scale.source


def test_the_median_depth_is_assumed_where_nothing_is_known() -> None:
    scale = choose_scale(False, "some network", None, 20.0)
    assert scale.factor == pytest.approx(MEDIAN_DEPTH_M / 20)
    assert not scale.is_metric
    assert "median depth 5 m" in scale.source


def test_a_reference_gets_its_height() -> None:
    scene = apply_reference(make_scene(), "table", 2.0)
    assert height_of(scene, "table") == pytest.approx(2.0)
    assert scene.scale.is_metric
    assert scene.scale.source == "reference: table is 2 m high"
    assert scene.scale.factor == pytest.approx(2.0 / height_of(make_scene(), "table"))


def test_a_reference_that_fell_apart_is_measured_over_its_parts() -> None:
    assert height_of(apply_reference(make_scene(), "shelf", 1.9), "shelf") == pytest.approx(1.9)


@pytest.mark.parametrize("label", ["TABLE", "Table", "tAbLe"])
def test_a_reference_s_case_does_not_matter(label: str) -> None:
    assert height_of(apply_reference(make_scene(), label, 0.7), "table") == pytest.approx(0.7)


def test_a_reference_of_another_script_is_found() -> None:
    assert height_of(apply_reference(make_scene(), "CAFÉ-STÜHLE 椅子", 0.9), "Café-Stühle 椅子") == pytest.approx(0.9)


def test_of_several_segments_of_a_label_the_largest_counts() -> None:
    scene = make_scene()
    small = make_prism(20, "table", (1, 0, 6.0), (0.1, 0.1, 0.1), scene.camera, scene.world_from_camera)
    both = replace(scene, prisms=(replace(small, pixels=10), *scene.prisms))
    assert height_of(apply_reference(both, "table", 1.0), "table") == pytest.approx(1.0)
    assert apply_reference(both, "table", 1.0).scale.factor == apply_reference(scene, "table", 1.0).scale.factor


def test_an_unknown_reference_is_refused_with_the_labels_there_are() -> None:
    with pytest.raises(
        ScaleReferenceUnknown, match=r"'sofa'.*3d printer, Café-Stühle 椅子, floor, shelf, table, window"
    ) as error:
        apply_reference(make_scene(), "sofa", 1.0)
    assert str(error.value).count("shelf") == 1


def test_a_reference_that_lies_flat_is_refused() -> None:
    scene = make_scene()
    floor = make_prism(30, "carpet", (0.0, 0.75, 4.3), (1.2, 2.6, 0.1), scene.camera, scene.world_from_camera)
    pose = floor.world_from_plane.copy()
    pose[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    with pytest.raises(UsageError, match=r"'carpet' lies flat, .* m high and 2\.6 m long; use"):
        apply_reference(replace(scene, prisms=(replace(floor, world_from_plane=pose),)), "carpet", 2.0)


@pytest.mark.parametrize("factor", [0.01, 3.0])
def test_every_length_is_multiplied(factor: float) -> None:
    before = make_scene()
    after = multiply(before, factor, "because", True)
    for old, new in zip(before.walk(), after.walk(), strict=True):
        np.testing.assert_allclose(mesh_of(new).points, factor * mesh_of(old).points, atol=1e-12)
        assert new.thickness_m == pytest.approx(factor * old.thickness_m)
    np.testing.assert_allclose(after.world_from_camera[:3, 3], factor * before.world_from_camera[:3, 3])
    np.testing.assert_allclose(measure_sides(after.prisms), factor * measure_sides(before.prisms))
    assert (after.scale.factor, after.scale.source, after.scale.is_metric) == (factor, "because", True)


def test_angles_and_the_picture_stay() -> None:
    before = make_scene()
    after = multiply(before, 3.0, "because", True)
    np.testing.assert_array_equal(after.world_from_camera[:3, :3], before.world_from_camera[:3, :3])
    assert after.camera == before.camera
    for old, new in zip(before.walk(), after.walk(), strict=True):
        seen = [
            project(transform(np.linalg.inv(scene.world_from_camera), mesh_of(prism).points), make_camera())
            for scene, prism in ((before, old), (after, new))
        ]
        np.testing.assert_allclose(seen[1], seen[0], atol=1e-9)
        assert new.taper == old.taper


def test_factors_multiply_up() -> None:
    scene = multiply(multiply(make_scene(), 2.0, "first", False), 3.0, "second", False)
    assert scene.scale.factor == pytest.approx(6)
    assert scene.scale.source == "second"


def standing_scene(
    things: list[tuple[str, float]], *, scale: float = 1.0, has_ground: bool = True, lift_m: float = 0.0
) -> Scene:
    """Return a scene of upright things (label, height) side by side, all lengths ``scale`` times too large."""
    camera = make_camera()
    pose = world_from_camera(np.array([0.0, 1.0, 0.0]), CAMERA_HEIGHT_M * scale)
    prisms = []
    for number, (label, height_m) in enumerate(things, start=1):
        middle_y = CAMERA_HEIGHT_M - height_m / 2 - lift_m  # camera axes: y points down
        across = 1.5 * (number - (len(things) + 1) / 2)
        place = (across * scale, middle_y * scale, 8.0 * scale)
        size = (0.6 * scale, height_m * scale, 0.3 * scale)
        prisms.append(make_prism(number, label, place, size, camera, pose))
    assumed = Scale(1.0, "assumed: camera 1.6 m above the ground", False, CAMERA_HEIGHT_SIGMA)
    return replace(make_scene(), world_from_camera=pose, prisms=tuple(prisms), scale=assumed, has_ground=has_ground)


def test_assumed_scales_say_how_unsure_they_are() -> None:
    from_camera, from_depth = choose_scale(False, "some network", 0.4, 7.0), choose_scale(False, "", None, 20.0)
    assert (from_camera.uncertainty, from_depth.uncertainty) == (CAMERA_HEIGHT_SIGMA, MEDIAN_DEPTH_SIGMA)
    assert from_camera.in_words == "assumed: camera 1.6 m above the ground, +-20 %"
    metric = choose_scale(True, "some network", 2.3, 7.0)
    assert metric.uncertainty is None
    assert metric.in_words == metric.source


def test_things_of_known_height_are_measured_where_they_stand() -> None:
    measured = measure_standing(standing_scene([("person", 1.75), ("crate", 1.0), ("chair", 0.9)]))
    assert [label for label, _ in measured] == ["person", "chair"]
    assert [height_m for _, height_m in measured] == pytest.approx([1.75, 0.9])


def test_what_hangs_in_the_air_is_not_measured_where_there_is_a_ground() -> None:
    assert measure_standing(standing_scene([("person", 1.75)], lift_m=0.5)) == []
    assert len(measure_standing(standing_scene([("person", 1.75)], lift_m=0.5, has_ground=False))) == 1


def test_what_the_frame_may_cut_off_is_not_measured() -> None:
    scene = standing_scene([("person", 1.75)])
    (person,) = scene.prisms
    shifts = np.array([[0, 0], [-1, 0], [0, -1], [0, 0], [0, 0]]) * person.outline_px.min(0)
    shifts[3:] = np.diag(np.array(scene.photo.size[::-1]) - person.outline_px.max(0))
    measured = [
        len(measure_standing(replace(scene, prisms=(replace(person, outline_px=person.outline_px + shift),))))
        for shift in shifts
    ]
    assert measured == [1, 0, 0, 0, 0]


def test_usual_heights_mend_a_wrong_camera_height() -> None:
    things = [("person", 1.7), ("door", 2.05), ("car", 1.59), ("table", 0.74)]
    scene = weigh_heights(standing_scene(things, scale=1.25))
    assert scene.scale.factor == pytest.approx(0.8, rel=0.04)
    assert height_of(scene, "door") == pytest.approx(2.05, rel=0.04)
    assert scene.scale.source == (
        "estimated: camera 1.6 m above the ground; usual heights of 1 x person, 1 x door, 1 x car, 1 x table"
    )
    assert not scene.scale.is_metric
    assert scene.scale.uncertainty is not None
    assert 0.05 <= scene.scale.uncertainty < CAMERA_HEIGHT_SIGMA / 2


def test_the_camera_s_height_and_one_thing_weigh_as_their_ranges_are_wide() -> None:
    person, bush = (weigh_heights(standing_scene([thing], scale=1.25)) for thing in (("person", 1.7), ("bush", 1.12)))
    assert 0.8 < person.scale.factor < 0.87
    assert 0.95 < bush.scale.factor < 1


def test_a_child_among_adults_counts_little() -> None:
    adults = [("person", 1.7)] * 4
    alone, together = (weigh_heights(standing_scene(things)) for things in (adults, [*adults, ("person", 1.0)]))
    assert together.scale.factor == pytest.approx(alone.scale.factor, rel=0.06)


def test_heights_that_contradict_each_other_are_less_sure() -> None:
    agreeing, contradicting = (
        weigh_heights(standing_scene([("person", 1.7 * a), ("car", 1.59 / a)])).scale.uncertainty for a in (1.0, 1.6)
    )
    assert agreeing is not None and contradicting is not None
    assert contradicting > 1.3 * agreeing


def test_known_metres_are_left_as_they_are() -> None:
    scene = replace(standing_scene([("person", 3.0)]), scale=Scale(1.0, "metric depth of a sensor", True))
    assert weigh_heights(scene) is scene


def test_without_things_of_known_height_the_assumption_stands() -> None:
    scene = standing_scene([("crate", 1.0)])
    assert weigh_heights(scene) is scene


def test_a_reference_has_the_last_word_and_is_sure() -> None:
    scene = apply_reference(weigh_heights(standing_scene([("person", 1.7)], scale=2.0)), "person", 1.2)
    assert height_of(scene, "person") == pytest.approx(1.2)
    assert (scene.scale.is_metric, scene.scale.uncertainty) == (True, None)


@pytest.mark.parametrize("unit", [0.1, 1.0, 7.0])
def test_depth_of_any_unit_comes_out_in_about_metres(unit: float) -> None:
    things = [
        Box("person", (-1.5, 0, -5.3), (-1.0, 1.7, -5.0)),
        Box("chair", (0.2, 0, -4.4), (0.7, 0.87, -4.0)),
        Box("refrigerator", (1.2, 0, -5.6), (1.9, 1.7, -5.0)),
    ]
    room = photograph([FLOOR, replace(WALL, low=(-FAR_M, 0, -9), high=(FAR_M, FAR_M, -8)), *things], look(1.2, -5))
    prediction = room.having_depth(unit * room.prediction.depth.z, is_metric=False)
    scene = reconstruct(prediction)
    assert scene.scale.factor == pytest.approx(1 / unit, rel=0.1)  # eye level alone would make it a third too large
    assert scene.scale.uncertainty is not None
    assert 0.05 <= scene.scale.uncertainty < 0.15
    assert scene.world_from_camera[1, 3] == pytest.approx(1.2, rel=0.1)
