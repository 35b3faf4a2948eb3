"""Segments -> the tree of pieces and parts that become prisms, on one id map that the leaves share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..inference.prediction import Prediction, Segment
from .cuts import Cut
from .frames import rays_through
from .known_parts import find_known_parts, find_wholes
from .outlines import Outline, trace_outlines
from .parts import split_piece
from .pieces import separate_pieces
from .planes import Plane, fit_plane
from .scene import Prism
from .settings import Settings
from .statistics import Samples, Statistics, draw_samples, find_runs, measure

GRID_SAMPLES = 250_000  # of depth, over the whole picture
BORDER_SHARE = 0.003  # of the long side: how far depth is taken to bleed over a silhouette
NEAREST_SAMPLES = 20  # what a piece without any known depth borrows from around it


@dataclass(eq=False)
class Node:
    """A segment, a piece of one, or a part.

    Attributes:
        id: number in the tree's map; of a group, the number that it had before it was divided.
        segment: what it belongs to.
        level: 0 for a segment and its pieces.
        children: pieces or parts; none for a leaf.
        rays, z: samples (N, 3), (N,) while it was a leaf.
        plane: fitted to them.
        outline: px; set by ``finish`` for leaves, when divided for groups.
        area: px.
        box: (x0, y0, x1, y1) px, the last ones exclusive; until surveyed, of what it is a part of.
        colour: (3,) mean linear-light RGB.
        solid: the whole shape that stands for it, in the world, if one explains it.
        cut: plane that parts it into pieces that shapes explain; None where it does not, or is not known.
        is_cut: whether a cut left it or it is a known part: a shape may explain it, while a facet of a split is flat.
    """

    id: int
    segment: Segment
    level: int
    children: list[Node] = field(default_factory=list)
    rays: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    z: np.ndarray = field(default_factory=lambda: np.zeros(0))
    plane: Plane = field(default_factory=lambda: Plane(np.array([0.0, 0.0, 1.0]), 0.0))
    outline: Outline | None = None
    area: int = 0
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    colour: np.ndarray = field(default_factory=lambda: np.zeros(3))
    solid: Prism | None = None
    cut: Cut | None = None
    is_cut: bool = False

    def leaves(self) -> Iterator[Node]:
        """Yield the nodes below without children, this one if it has none."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(eq=False)
class Tree:
    """All nodes with the map that their leaves share.

    Attributes:
        ids: (H, W) int32, a leaf's id at each of its pixels, every pixel in some piece.
        roots: one node for each segment that is no part of another, sky included.
        next_id: the next free number.
        wholes: ids of the segments that are known to have parts.
    """

    ids: np.ndarray
    roots: list[Node]
    next_id: int
    wholes: frozenset[int] = frozenset()

    def leaves(self) -> list[Node]:
        """Return all leaves, in the order of their segments."""
        return [leaf for root in self.roots for leaf in root.leaves()]

    def is_open(self, node: Node) -> bool:
        """Tell whether a node may be divided: no shape explains it, or it is known to have parts."""
        return node.solid is None or node.segment.id in self.wholes


def plant(prediction: Prediction, settings: Settings) -> Tree:
    """Separate the segments' pieces: a segment in several pieces becomes a group of them."""
    ids, owner = separate_pieces(find_wholes(prediction.segments), least_pixels(prediction, settings))
    by_id = {segment.id: segment for segment in prediction.segments.segments}
    whole = (0, 0, *prediction.segments.ids.shape[::-1])
    roots = []
    for segment_id in np.unique(owner[owner > 0]).tolist():
        segment = by_id[segment_id]
        pieces = np.flatnonzero(owner == segment_id).tolist()
        nodes = [Node(piece, segment, 0, box=whole) for piece in pieces]
        roots.append(nodes[0] if len(nodes) == 1 else Node(pieces[0], segment, 0, nodes))
    return Tree(ids, roots, len(owner), frozenset(segment.part_of for segment in by_id.values()))


def least_pixels(prediction: Prediction, settings: Settings) -> int:
    """Return the smallest area in px that becomes a prism."""
    return max(4, round(settings.least_area * prediction.segments.ids.size))


def survey(tree: Tree, prediction: Prediction, leaves: list[Node]) -> None:
    """Measure leaves on the present map: samples, plane, area, box and colour."""
    x0, y0, x1, y1 = union_of_boxes(leaves)
    window = (slice(y0, y1), slice(x0, x1))
    ids, offset = np.ascontiguousarray(tree.ids[window]), np.array([x0, y0])
    runs = find_runs(ids)
    statistics = measure(runs, tree.next_id - 1)
    border_px = max(1, round(BORDER_SHARE * max(tree.ids.shape)))
    stride = max(1, round(np.sqrt(tree.ids.size / GRID_SAMPLES)))
    z, rgb = (np.ascontiguousarray(picture[window]) for picture in (prediction.depth.z, prediction.photo.rgb))
    samples = draw_samples(ids, z, rgb, runs, statistics.area, border_px, stride)
    colours = samples.mean_colours()
    for leaf in leaves:
        points_px, leaf.z = samples.of(leaf.id)
        if not len(leaf.z):
            points_px, leaf.z = _borrow(samples, statistics, leaf.id)
        leaf.rays = rays_through(points_px + offset, prediction.camera)
        leaf.plane = fit_plane(leaf.rays, leaf.z)
        leaf.area, leaf.colour = int(statistics.area[leaf.id]), colours[leaf.id]
        left, top, right, bottom = statistics.box[leaf.id].tolist()
        leaf.box = (left + x0, top + y0, right + x0, bottom + y0)


def union_of_boxes(nodes: Iterable[Node]) -> tuple[int, int, int, int]:
    """Return the box (x0, y0, x1, y1) px around the boxes of nodes."""
    x0, y0, x1, y1 = zip(*(node.box for node in nodes), strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def divide_leaf(tree: Tree, leaf: Node, parts: np.ndarray, tolerance_px: float) -> list[Node]:
    """Divide a leaf.

    Args:
        tree: that it belongs to.
        leaf: to be divided.
        parts: (h, w) int32 over the leaf's box, 0 outside, else the number of a part.
        tolerance_px: of the leaf's own outline.

    Returns:
        The new leaves, not yet surveyed.
    """
    x0, y0, x1, y1 = leaf.box
    ids = tree.ids[y0:y1, x0:x1]
    inside = ids == leaf.id
    outline = next(o for o in trace_outlines(inside.astype(np.int32) + 1, tolerance_px) if o.id == 2)
    leaf.outline = Outline(leaf.id, outline.points + np.array([x0, y0]), outline.ring_sizes)
    count = int(parts.max())
    leaf.children = [Node(tree.next_id + k, leaf.segment, leaf.level + 1, box=leaf.box) for k in range(count)]
    np.copyto(ids, parts + (tree.next_id - 1), where=inside)
    tree.next_id += count
    return leaf.children


def part_leaf(tree: Tree, prediction: Prediction, settings: Settings, leaf: Node) -> list[Node]:
    """Divide a leaf into the parts that it is known to have.

    Returns:
        The new leaves, not yet surveyed; none where it has no parts.
    """
    if leaf.segment.id not in tree.wholes:
        return []
    x0, y0, x1, y1 = leaf.box
    crop = (slice(y0, y1), slice(x0, x1))
    least_px = least_pixels(prediction, settings)
    segments = prediction.segments
    found = find_known_parts(segments, leaf.segment, tree.ids[crop] == leaf.id, segments.ids[crop], least_px)
    if found is None:
        return []
    parts, part_segments = found
    children = divide_leaf(tree, leaf, parts, settings.outline_tolerance * max(prediction.photo.size))
    for child, segment in zip(children, part_segments, strict=True):
        child.segment, child.is_cut = segment, True
    return children


def split_leaf(tree: Tree, prediction: Prediction, settings: Settings, leaf: Node) -> np.ndarray | None:
    """Return (h, w) int32 parts of a leaf whose plane leaves too much depth unexplained; None if none are worth it."""
    if leaf.segment.kind == "sky" or leaf.plane.residual <= settings.residual_tolerance:
        return None
    x0, y0, x1, y1 = leaf.box
    crop = (slice(y0, y1), slice(x0, x1))
    found = split_piece(
        tree.ids[crop] == leaf.id,
        prediction.depth.z[crop],
        prediction.photo.rgb[crop],
        (x0, y0),
        prediction.camera,
        least_pixels(prediction, settings),
    )
    return None if found is None or found[1] < settings.least_gain else found[0]


def finish(tree: Tree, tolerance_px: float) -> None:
    """Trace the leaves' outlines and gather area and colour upwards."""
    outlines = {outline.id: outline for outline in trace_outlines(tree.ids, tolerance_px)}
    for leaf in tree.leaves():
        leaf.outline = outlines.get(leaf.id)
    for root in tree.roots:
        _gather(root)


def _gather(node: Node) -> None:
    for child in node.children:
        _gather(child)
    if node.children:
        areas = np.array([child.area for child in node.children], np.float64)
        node.colour = (areas[:, None] * [child.colour for child in node.children]).sum(0) / max(areas.sum(), 1)
        node.area = int(areas.sum())
        if node.outline is None:  # pieces of one segment: the largest stands for all
            largest = node.children[0]
            node.outline, node.rays, node.z, node.plane = largest.outline, largest.rays, largest.z, largest.plane


def _borrow(samples: Samples, statistics: Statistics, id_: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of other ids that lie nearest to one without any known depth."""
    known = np.flatnonzero(np.isfinite(samples.z))
    away = ((samples.points_px[known] - statistics.centroid[id_]) ** 2).sum(1)
    nearest = known[np.argsort(away, kind="stable")[:NEAREST_SAMPLES]]
    return samples.points_px[nearest], samples.z[nearest]
