"""The tree's nodes -> whole shapes where they explain what is seen, cuts where they explain its pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from ..inference.prediction import Camera, Prediction
from .compose import WORTH, Fit, choose_shape, solidify
from .cuts import find_cut
from .evidence import Evidence, gather_evidence
from .footing import find_footing
from .frames import rays_through
from .judge import BENT
from .parts import connect_parts
from .pieces import open_saddles
from .priors import expect_shape
from .settings import Settings
from .tree import Node, Tree, divide_leaf, least_pixels, part_leaf, split_leaf, survey, union_of_boxes

# What closes a room or a street off shows one face only, and goes on behind what stands before it.
SURROUNDINGS = re.compile(r"\b(wall|ceiling|floor|window|door|fence|curtain|roof|hill|mountain)")

SHAPED_AREA, CUT_AREA = 0.0007, 0.003  # of the photo: smaller ones stay prisms, and whole
AROUND = 2  # px about what was divided, to be seen when pixels of it are repainted
CUT_RESIDUAL = 0.0025  # relative depth error of its plane: what is that flat is one thing


@dataclass(frozen=True, eq=False)
class World:
    """Where up is while the tree is built: lengths are still in the depth map's unit.

    Attributes:
        world_from_camera: (4, 4) float64.
        has_ground: whether y = 0 is the ground.
        metres: how many the unit is, as far as is known.
        depth_error: relative error of the depth map itself, as its flattest segments show it.
    """

    world_from_camera: np.ndarray
    has_ground: bool
    metres: float = 1.0
    depth_error: float = 0.0


def shape_segments(tree: Tree, prediction: Prediction, world: World, cuts: int) -> tuple[list[Node], Prediction]:
    """Give each segment the shape that explains it; its pieces then are one solid again.

    Where the depth errs, things that it puts behind the ground at their feet are brought nearer.

    Args:
        tree: surveyed.
        prediction: that it was planted from.
        world: where up is.
        cuts: how many levels of cuts through what no shape explains may follow, for ``divide``.

    Returns:
        The leaves that may be divided: those that still have none, and those with known parts. The prediction with
        the depth that the shapes were fitted to.
    """
    for root in tree.roots:
        prediction = _shape_root(tree, root, prediction, world, cuts)
        if root.solid is not None and root.segment.id not in tree.wholes:
            root.children = []
        for piece in root.children:
            shape_node(tree, piece, prediction, world, cuts)
    return [leaf for leaf in tree.leaves() if tree.is_open(leaf)], prediction


def shape_leaves(tree: Tree, prediction: Prediction, leaves: list[Node], world: World, cuts: int) -> list[Node]:
    """Give each leaf that a cut left the shape that explains it; return those that may be divided."""
    for leaf in leaves:
        if leaf.is_cut:
            shape_node(tree, leaf, prediction, world, cuts)
    return [leaf for leaf in leaves if tree.is_open(leaf)]


def divide(tree: Tree, prediction: Prediction, settings: Settings, leaves: list[Node], world: World) -> list[Node]:
    """Divide leaves: into their known parts, else, where nothing explains them, at their cut or by depth and colour.

    Returns:
        The new leaves, not yet surveyed.
    """
    least_px = least_pixels(prediction, settings)
    tolerance_px = settings.outline_tolerance * max(prediction.photo.size)
    tolerance = settings.residual_tolerance + world.depth_error
    born = []
    for leaf in leaves:
        known = part_leaf(tree, prediction, settings, leaf)
        born += known
        if known or leaf.solid is not None:
            continue
        parts = cut_leaf(tree, leaf, prediction, world, least_px)
        is_cut = parts is not None
        if parts is None:
            parts = split_leaf(tree, prediction, replace(settings, residual_tolerance=tolerance), leaf)
        if parts is not None:
            born += divide_leaf(tree, leaf, parts, tolerance_px)
            for child in leaf.children:
                child.is_cut = is_cut
    if born:
        x0, y0, x1, y1 = union_of_boxes(born)
        open_saddles(tree.ids[max(y0 - AROUND, 0) : y1 + AROUND, max(x0 - AROUND, 0) : x1 + AROUND])
    return born


def _shape_root(tree: Tree, root: Node, prediction: Prediction, world: World, cuts: int) -> Prediction:
    """Shape a whole segment; return the prediction, with the segment nearer if the shape stood behind the ground."""
    evidence = look_at(tree, root, prediction, world)
    if evidence is None:
        return prediction
    fit = choose_shape(evidence, world.has_ground)
    if fit is not None and fit.verdict.overlap >= WORTH and world.has_ground and world.depth_error > BENT:
        factor = find_footing(evidence, fit.shape)
        if factor < 1:
            prediction = _bring_nearer(tree, root, prediction, factor)
            shape_node(tree, root, prediction, world, cuts)
            return prediction
    _keep_shape(tree, root, fit, evidence, prediction.camera, world, cuts)
    return prediction


def _bring_nearer(tree: Tree, root: Node, prediction: Prediction, factor: float) -> Prediction:
    leaves, z = list(root.leaves()), prediction.depth.z.copy()
    x0, y0, x1, y1 = union_of_boxes(leaves)
    z[y0:y1, x0:x1][np.isin(tree.ids[y0:y1, x0:x1], [leaf.id for leaf in leaves])] *= factor
    nearer = replace(prediction, depth=replace(prediction.depth, z=z))
    survey(tree, nearer, leaves)
    return nearer


def shape_node(tree: Tree, node: Node, prediction: Prediction, world: World, cuts: int) -> None:
    """Set a node's ``solid`` where a shape explains it well, else ``cut`` where shapes explain its pieces."""
    evidence = look_at(tree, node, prediction, world)
    if evidence is not None:
        fit = choose_shape(evidence, world.has_ground)
        _keep_shape(tree, node, fit, evidence, prediction.camera, world, cuts)


def _keep_shape(
    tree: Tree, node: Node, fit: Fit | None, evidence: Evidence, camera: Camera, world: World, cuts: int
) -> None:
    if fit is not None and fit.is_good:
        node.solid = solidify(fit, node.segment.kind, camera, world.world_from_camera)
    elif cuts and _may_be_cut(tree, node, world.depth_error + evidence.roughness):
        node.cut = find_cut(evidence, world.has_ground, cuts)


def _may_be_cut(tree: Tree, node: Node, depth_error: float) -> bool:
    is_flat = node.plane.residual <= CUT_RESIDUAL + depth_error
    return not node.children and not is_flat and node.area >= CUT_AREA * tree.ids.size


def look_at(tree: Tree, node: Node, prediction: Prediction, world: World) -> Evidence | None:
    """Return a node's evidence; None for what is no thing."""
    if node.segment.kind not in ("object", "structure") or SURROUNDINGS.search(node.segment.label.lower()):
        return None
    leaves = list(node.leaves())
    if sum(leaf.area for leaf in leaves) < SHAPED_AREA * tree.ids.size:
        return None
    wanted, box = [leaf.id for leaf in leaves], union_of_boxes(leaves)
    found = gather_evidence(tree.ids, wanted, prediction.depth.z, box, prediction.camera, world.world_from_camera)
    label, expected = node.segment.label, ""
    if not (node.is_cut or node.level):
        expected = node.segment.shape or expect_shape(label)
    return replace(found, label=label, expected=expected, metres=world.metres, depth_error=world.depth_error)


def cut_leaf(tree: Tree, leaf: Node, prediction: Prediction, world: World, least_px: int) -> np.ndarray | None:
    """Part a leaf at its cut.

    Returns:
        (h, w) int32 over the leaf's box: 0 outside, else the number of a part; None where it has none that parts it.
    """
    if leaf.cut is None:
        return None
    x0, y0, x1, y1 = leaf.box
    inside = tree.ids[y0:y1, x0:x1] == leaf.id
    # What lies along a direction is linear along a row and along a column of rays, times depth.
    origin, right, down = rays_through(np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]]), prediction.camera)
    direction_cam = leaf.cut.direction @ world.world_from_camera[:3, :3]
    columns, rows = np.arange(x0, x1)[None, :], np.arange(y0, y1)[:, None]
    along = direction_cam @ origin + direction_cam @ (right - origin) * columns + direction_cam @ (down - origin) * rows
    with np.errstate(invalid="ignore"):
        reached = along.astype(np.float32) * prediction.depth.z[y0:y1, x0:x1]
        beyond = reached >= leaf.cut.place - leaf.cut.direction @ world.world_from_camera[:3, 3]
    return connect_parts(inside, inside & beyond, least_px)
