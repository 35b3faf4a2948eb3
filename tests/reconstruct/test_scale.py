from dataclasses import replace

import numpy as np
import pytest
from blockout.errors import ScaleReferenceUnknown, UsageError
from blockout.reconstruct.frames import project, transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scale import (
    CAMERA_HEIGHT_M,
    MEDIAN_DEPTH_M,
    apply_reference,
    choose_scale,
    measure_sides,
    multiply,
)
from blockout.reconstruct.scene import Scene
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
