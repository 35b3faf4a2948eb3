from dataclasses import replace

import numpy as np
import pytest
from blockout.errors import DepthUnusable, NothingToBuild, ScaleReferenceUnknown, UsageError
from blockout.inference.prediction import DepthMap, Kind, Photo, Prediction, Segment, SegmentMap
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Scene
from builds import TILTED, arrays_of, build, check_sound, labelled
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import (
    Room,
    make_camera,
    plain_room,
    table_room,
)
from scipy import ndimage


@pytest.fixture(scope="module")
def room() -> Room:
    return plain_room(TILTED)


@pytest.fixture(scope="module")
def scene(room: Room) -> Scene:
    return build(room.prediction)


def test_a_reference_and_a_factor_scale_the_scene(room: Room, scene: Scene) -> None:
    referred = build(room.prediction, scale_reference=("Crate", 4.0))
    (crate,) = labelled(referred, "crate")
    assert np.ptp(mesh_of(crate).points[: len(crate.outline), 1]) == pytest.approx(4.0)
    assert referred.scale.is_metric
    doubled = build(room.prediction, scale_reference=("Crate", 4.0), scale_factor=0.5)
    assert doubled.scale.factor == pytest.approx(referred.scale.factor / 2)
    assert doubled.scale.source == "reference: crate is 4 m high, times 0.5"
    tripled = build(room.prediction, scale_factor=3)
    assert tripled.world_from_camera[1, 3] == pytest.approx(3 * scene.world_from_camera[1, 3])


def test_an_unknown_reference_is_refused(room: Room) -> None:
    with pytest.raises(ScaleReferenceUnknown, match=r"'sofa'.*crate, floor, post, wall"):
        build(room.prediction, scale_reference=("sofa", 1.0))


def test_a_floor_is_no_reference_for_a_height(room: Room) -> None:
    with pytest.raises(UsageError, match="'floor' lies flat"):
        build(room.prediction, scale_reference=("floor", 2.0))


def test_ids_may_be_sparse_and_huge(room: Room, scene: Scene) -> None:
    new = np.array([0, 7, 70_000, 2_000_000_000, 2**31 - 1], np.int32)
    table = tuple(replace(s, id=int(new[s.id])) for s in room.prediction.segments.segments)
    renamed = build(room.having(segments=SegmentMap(new[room.prediction.segments.ids], table)))
    assert arrays_of(renamed) == arrays_of(scene)


def make_anything(seed: int) -> Prediction:
    """Return a prediction with ragged segments of any kind, steep and partly unknown depth, and any gravity."""
    random = np.random.default_rng(seed)
    size = random.integers(2, 70, 2)
    camera = make_camera(int(size[0]), int(size[1]), random.uniform(15, 130))
    centres = random.uniform((0, 0), size, (random.integers(1, 12), 2))
    row, column = np.mgrid[: size[0], : size[1]] + random.normal(0, random.choice([0, 1, 3]), (2, *size))
    away = (row[..., None] - centres[:, 0]) ** 2 + (column[..., None] - centres[:, 1]) ** 2
    ids = (away.argmin(-1) + random.integers(0, 2)).astype(np.int32)
    kinds: list[Kind] = ["object", "structure", "ground", "sky"]
    table = tuple(Segment(k, f"thing {k}", kinds[random.integers(4)]) for k in np.unique(ids).tolist() if k)
    z = np.exp(ndimage.gaussian_filter(random.normal(size=size), random.uniform(0, 9)) * random.choice([0, 1, 9]))
    z[random.random(tuple(size)) < random.choice([0, 0.5, 0.98])] = np.nan
    return Prediction(
        Photo(random.integers(0, 256, (*size, 3), np.uint8)),
        camera,
        DepthMap(z.astype(np.float32), bool(random.integers(2))),
        SegmentMap(ids, table),
        [None, np.array([0.0, 1.0, 0.0]), random.normal(size=3)][random.integers(3)],
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_whatever_the_maps_hold_the_scene_is_sound_or_refused(seed: int) -> None:
    prediction = make_anything(seed)
    try:
        check_sound(build(prediction))
    except NothingToBuild:
        assert all(
            s.kind == "sky" or (prediction.segments.ids == s.id).sum() < 20 for s in prediction.segments.segments
        )
    except DepthUnusable:
        assert np.isnan(prediction.depth.z).all()


def test_what_bounded_the_recursion_is_on_record(scene: Scene) -> None:
    limits = dict(scene.limits)
    assert limits["detail"] == "2 levels"
    assert "13 px" in limits["least area"]
    assert set(limits) == {"detail", "least area", "residual tolerance", "least gain"}


def test_progress_rises_from_stage_to_stage_and_may_stop_the_work(room: Room) -> None:
    heard: list[tuple[str, float]] = []
    reconstruct(room.prediction, progress=lambda stage, share: heard.append((stage, share)))
    assert list(dict.fromkeys(stage for stage, _ in heard)) == ["segments", "shapes", "parts", "outlines", "prisms"]
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1

    def stop(stage: str, share: float) -> None:
        if stage == "outlines":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconstruct(room.prediction, progress=stop)


def test_the_same_prediction_gives_the_same_scene() -> None:
    first, again = (arrays_of(build(table_room().prediction)) for _ in range(2))
    assert first == again


def test_the_prediction_is_left_alone() -> None:
    room, untouched = table_room(), table_room()
    build(room.prediction)
    for one, other in zip(
        (room.prediction.photo.rgb, room.prediction.depth.z, room.prediction.segments.ids),
        (untouched.prediction.photo.rgb, untouched.prediction.depth.z, untouched.prediction.segments.ids),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
