from dataclasses import replace

import numpy as np
import pytest
from blockout.inference.prediction import Segment, SegmentMap
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.known_parts import find_known_parts, find_wholes
from blockout.reconstruct.scene import Prism, Scene
from blockout.reconstruct.settings import Settings
from rooms import CRATE, FLOOR, POST, WALL, look, photograph

CHAIR, BACK, KNOB, FLOORING = 4, 7, 9, 1


@pytest.fixture
def chair() -> SegmentMap:
    """Return a chair of which a back is a part, of which a knob is one; the seat is what no part claims."""
    ids = np.full((40, 60), FLOORING, np.int32)
    ids[5:35, 10:50] = CHAIR
    ids[5:20, 10:50] = BACK
    ids[8:16, 20:30] = KNOB
    return SegmentMap(
        ids,
        (
            Segment(FLOORING, "floor", "ground"),
            Segment(CHAIR, "chair"),
            Segment(BACK, "back", part_of=CHAIR),
            Segment(KNOB, "knob", part_of=BACK),
        ),
    )


def parts_of(chair: SegmentMap, whole: int, inside: np.ndarray, least_px: int = 10) -> list[str]:
    segment = next(s for s in chair.segments if s.id == whole)
    found = find_known_parts(chair, segment, inside, chair.ids, least_px)
    if found is None:
        return []
    parts, segments = found
    assert (parts > 0).sum() == inside.sum()
    assert np.array_equal(parts > 0, inside)
    assert sorted(set(parts[inside].tolist())) == list(range(1, len(segments) + 1))
    return [segment.label for segment in segments]


def test_a_whole_covers_all_its_parts(chair: SegmentMap) -> None:
    wholes = find_wholes(chair)
    assert np.array_equal(wholes == CHAIR, chair.ids != FLOORING)


def test_parts_and_what_none_claims_come_level_by_level(chair: SegmentMap) -> None:
    inside = chair.ids != FLOORING
    assert parts_of(chair, CHAIR, inside) == ["chair", "back"]
    assert parts_of(chair, BACK, inside & (chair.ids != CHAIR)) == ["back", "knob"]
    assert parts_of(chair, KNOB, chair.ids == KNOB) == []


def test_a_part_in_two_pieces_is_two(chair: SegmentMap) -> None:
    chair.ids[5:20, 28:32] = CHAIR
    assert parts_of(chair, CHAIR, chair.ids != FLOORING) == ["chair", "back", "back"]


def test_crumbs_of_parts_join_what_is_around_them(chair: SegmentMap) -> None:
    chair.ids[chair.ids == KNOB] = BACK
    chair.ids[8:10, 20:22] = KNOB
    assert parts_of(chair, BACK, (chair.ids == BACK) | (chair.ids == KNOB)) == []


def test_a_circle_of_parts_does_not_hang(chair: SegmentMap) -> None:
    rows = tuple(replace(s, part_of=KNOB) if s.id == CHAIR else s for s in chair.segments)
    assert find_wholes(SegmentMap(chair.ids, rows)).shape == chair.ids.shape


def build(detail: int) -> Scene:
    """Return a post of which the upper half is known to be a part, beside a crate."""
    room = photograph([FLOOR, WALL, CRATE, POST], look())
    ids = room.prediction.segments.ids.copy()
    post = next(s for s in room.prediction.segments.segments if s.label == "post")
    rows, _ = np.nonzero(ids == post.id)
    ids[: round(rows.mean())][ids[: round(rows.mean())] == post.id] = 50
    segments = SegmentMap(ids, (*room.prediction.segments.segments, Segment(50, "head", part_of=post.id)))
    return reconstruct(replace(room.prediction, segments=segments), Settings(detail=detail))


def find_post(scene: Scene) -> Prism:
    (post,) = (prism for prism in scene.prisms if prism.label == "post")
    return post


def test_known_parts_become_parts_of_the_tree() -> None:
    scene = build(detail=2)
    post = find_post(scene)
    assert not any(prism.label == "head" for prism in scene.prisms)
    assert {(child.label, child.level) for child in post.children} == {("post", 1), ("head", 1)}
    assert not post.is_split
    heights = {child.label: np.ptp(child.outline_px[:, 1]) for child in post.children}
    assert heights["head"] == pytest.approx(heights["post"], rel=0.1)


def test_without_detail_a_whole_is_one_solid() -> None:
    post = find_post(build(detail=0))
    assert not post.children
    assert post.shape == "box"
