from dataclasses import replace

import numpy as np
import pytest
import shapely
from blockout.inference.prediction import Prediction, Segment, SegmentMap
from blockout.reconstruct.frames import linear_from_srgb
from blockout.reconstruct.settings import Settings
from blockout.reconstruct.shaping import World, divide
from blockout.reconstruct.statistics import find_runs, measure
from blockout.reconstruct.tree import Node, Tree, finish, least_pixels, plant, survey
from rooms import Room, look, plain_room, table_room

SETTINGS = Settings(shapes="prism")
WORLD = World(np.diag([1.0, -1, -1, 1]), has_ground=False)
TOLERANCE_PX = 1.0


def grow(prediction: Prediction, settings: Settings = SETTINGS, levels: int = 2) -> Tree:
    tree = plant(prediction, settings)
    leaves = tree.leaves()
    survey(tree, prediction, leaves)
    for _ in range(levels):
        leaves = divide(tree, prediction, settings, leaves, WORLD)
        if not leaves:
            break
        survey(tree, prediction, leaves)
    finish(tree, TOLERANCE_PX)
    return tree


def walk(nodes: list[Node]) -> list[Node]:
    return [found for node in nodes for found in (node, *walk(node.children))]


def root_of(tree: Tree, label: str) -> Node:
    return next(root for root in tree.roots if root.segment.label == label)


def polygon_of(node: Node) -> shapely.Polygon:
    assert node.outline is not None
    rings = node.outline.rings()
    return shapely.Polygon(rings[0], rings[1:])


@pytest.fixture(scope="module")
def room() -> Room:
    return table_room()


@pytest.fixture(scope="module")
def tree(room: Room) -> Tree:
    return grow(room.prediction)


def test_each_segment_has_a_root_in_order_of_its_id(room: Room, tree: Tree) -> None:
    assert [root.segment for root in tree.roots] == list(room.prediction.segments.segments)
    assert all(root.level == 0 for root in tree.roots)


def test_a_segment_in_several_pieces_is_a_group_of_them(tree: Tree) -> None:
    floor = root_of(tree, "floor")
    assert len(floor.children) == 3, "the table's legs part the floor"
    assert [child.level for child in floor.children] == [0, 0, 0]
    areas = [child.area for child in floor.children]
    assert areas == sorted(areas, reverse=True)
    assert floor.area == sum(areas)
    assert polygon_of(floor).equals(polygon_of(floor.children[0])), "the largest stands for all"


def test_levels_of_parts_count_up_and_parts_keep_their_segment(tree: Tree) -> None:
    assert [child.level for child in root_of(tree, "table").children] == [1] * len(root_of(tree, "table").children)
    for node in walk(tree.roots):
        rise = 0 if node.segment.label == "floor" else 1
        assert all(child.level == node.level + rise for child in node.children)
        assert all(child.segment == node.segment for child in node.children)


def test_every_pixel_belongs_to_one_leaf_of_its_segment(room: Room, tree: Tree) -> None:
    leaves = {leaf.id: leaf for leaf in tree.leaves()}
    assert set(np.unique(tree.ids).tolist()) == set(leaves)
    segment = np.zeros(tree.next_id, np.int32)
    for id_, leaf in leaves.items():
        segment[id_] = leaf.segment.id
    assert (segment[tree.ids] == room.prediction.segments.ids).mean() > 0.999, "but for crumbs and saddles"


def test_area_box_and_colour_of_leaves_are_those_of_their_pixels(room: Room, tree: Tree) -> None:
    statistics = measure(find_runs(tree.ids), tree.next_id - 1)
    light = linear_from_srgb(room.prediction.photo.rgb / 255)
    for leaf in tree.leaves():
        assert leaf.area == pytest.approx(statistics.area[leaf.id], abs=3), "a saddle may have been opened since"
        np.testing.assert_allclose(leaf.colour, np.median(light[tree.ids == leaf.id], axis=0), atol=0.02)
        assert leaf.box == pytest.approx(tuple(statistics.box[leaf.id].tolist()), abs=1)


def test_a_group_s_colour_is_the_mean_over_its_pixels(tree: Tree) -> None:
    for node in walk(tree.roots):
        if node.children:
            areas = np.array([child.area for child in node.children])
            mean = (areas[:, None] * [child.colour for child in node.children]).sum(0) / areas.sum()
            np.testing.assert_allclose(node.colour, mean)


def test_what_is_not_flat_is_divided_and_what_is_flat_is_not(tree: Tree) -> None:
    assert len(list(root_of(tree, "table").leaves())) >= 2
    assert all(not child.children for child in root_of(tree, "floor").children)
    assert not root_of(tree, "wall").children


def test_outlines_of_leaves_fill_the_picture(tree: Tree) -> None:
    areas = [polygon_of(leaf).area for leaf in tree.leaves()]
    assert sum(areas) == pytest.approx(tree.ids.size)


def test_a_group_that_was_divided_keeps_its_undivided_outline(tree: Tree) -> None:
    table = root_of(tree, "table")
    parts = shapely.union_all([polygon_of(leaf) for leaf in table.leaves()])
    assert polygon_of(table).symmetric_difference(parts).area < 0.05 * parts.area


def test_samples_and_plane_belong_to_the_leaf(room: Room, tree: Tree) -> None:
    camera = room.prediction.camera
    for leaf in tree.leaves():
        assert len(leaf.rays) == len(leaf.z) > 0
        column, row = np.floor(leaf.rays[:, :2] * (camera.fx, camera.fy) + (camera.cx, camera.cy)).astype(int).T
        assert (tree.ids[row, column] == leaf.id).mean() > 0.99, "but for saddles opened since"
        np.testing.assert_array_equal(leaf.z, room.prediction.depth.z[row, column])
        assert np.median(np.abs(leaf.plane.errors(leaf.rays, leaf.z))) < 0.01


def test_sky_is_never_divided() -> None:
    room = plain_room(look(1.6, -10))
    table = tuple(replace(s, kind="sky") if s.label == "wall" else s for s in room.prediction.segments.segments)
    z = room.prediction.depth.z.copy()
    z[:, :100][room.mask("wall")[:, :100]] = 40
    assert root_of(grow(room.having_depth(z)), "wall").children
    sky = replace(room.having_depth(z), segments=SegmentMap(room.prediction.segments.ids, table))
    assert not root_of(grow(sky), "wall").children


def test_no_levels_leave_the_segments_whole(room: Room) -> None:
    tree = grow(room.prediction, levels=0)
    assert not root_of(tree, "table").children


def test_divide_tells_which_leaves_are_new(room: Room) -> None:
    tree = plant(room.prediction, SETTINGS)
    survey(tree, room.prediction, tree.leaves())
    before = tree.next_id
    born = divide(tree, room.prediction, SETTINGS, tree.leaves(), WORLD)
    assert born == root_of(tree, "table").children
    assert [leaf.id for leaf in born] == list(range(before, tree.next_id))


@pytest.mark.parametrize(
    "settings",
    [replace(SETTINGS, residual_tolerance=0.5), replace(SETTINGS, least_gain=0.999)],
    ids=["tolerant", "greedy"],
)
def test_tolerance_and_gain_keep_a_leaf_whole(room: Room, settings: Settings) -> None:
    tree = plant(room.prediction, settings)
    survey(tree, room.prediction, tree.leaves())
    assert divide(tree, room.prediction, settings, tree.leaves(), WORLD) == []


def test_parts_are_at_least_as_large_as_asked(room: Room) -> None:
    settings = replace(SETTINGS, least_area=0.02)
    assert least_pixels(room.prediction, settings) == round(0.02 * room.prediction.segments.ids.size)
    for leaf in grow(room.prediction, settings).leaves():
        assert leaf.area >= 0.98 * least_pixels(room.prediction, settings)


def test_the_least_area_is_never_below_four_pixels(room: Room) -> None:
    assert least_pixels(room.prediction, replace(SETTINGS, least_area=0.0)) == 4


def test_a_leaf_without_depth_borrows_from_around_it(room: Room) -> None:
    z = room.prediction.depth.z.copy()
    z[room.mask("table")] = np.nan
    tree = grow(room.having_depth(z))
    table = root_of(tree, "table")
    assert not table.children
    assert 0 < len(table.z) <= 50
    assert np.isfinite(table.z).all()
    around = z[60:140, 60:180]
    assert np.nanmin(around) <= np.median(table.z) <= np.nanmax(around)


def test_a_segment_that_is_only_a_crumb_has_no_root() -> None:
    room = plain_room()
    ids = room.prediction.segments.ids.copy()
    ids[10, 10] = 77
    segments = (*room.prediction.segments.segments, Segment(77, "fly"))
    tree = grow(room.having(segments=SegmentMap(ids, segments)))
    assert "fly" not in [root.segment.label for root in tree.roots]
