"""Prediction -> Scene: the order of work, each step in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ..errors import DepthUnusable, NothingToBuild
from ..inference.prediction import KINDS, Prediction
from ..inference.vanishing import see_gravity
from .bleeding import settle_depth
from .frames import world_from_camera
from .ground import Ground, doubt_tilt, find_ground, level_ground
from .judge import BENT
from .names import identifier
from .priors import expect_thickness
from .prisms import fit_front, make_prism, place
from .scale import CAMERA_HEIGHT_M, apply_reference, choose_scale, multiply, weigh_heights
from .scene import Prism, Scale, Scene
from .settings import Settings
from .shaping import World, divide, shape_leaves, shape_segments
from .supports import find_supports
from .surroundings import close_set
from .surroundings_grid import Seen
from .thickness import Usual
from .tree import Node, Tree, finish, least_pixels, plant, survey

STEEP_VIEW = 0.9  # share of the view that goes down, from which on no upright line shows its direction
SPREAD = 2.0  # of the error of depth over that of its flattest parts
AGREED_DEG = 0.2  # between the ground and gravity: who told both laid one by the other
FLATTEST = 0.25  # of the photo, which most likely is flat: walls and floors

Progress = Callable[[str, float], None]


def reconstruct(prediction: Prediction, settings: Settings | None = None, progress: Progress | None = None) -> Scene:
    """Build the scene of prisms that a photo shows.

    Args:
        prediction: photo, camera, depth and segments of one size.
        settings: what the user asked for; the defaults when None.
        progress: called with a stage's name and the share of all of this work that is done; may raise to stop.

    Returns:
        The scene in world metres.

    Raises:
        NothingToBuild: no segment but sky.
        DepthUnusable: no pixel has a depth.
        ScaleReferenceUnknown: the reference's label is on no segment.
    """
    settings = settings or Settings()
    report = progress or (lambda stage, share: None)
    tolerance_px = settings.outline_tolerance * max(prediction.photo.size)
    report("segments", 0.0)
    tree = plant(prediction, settings)
    _check_usable(tree, prediction)
    settled = settle_depth(tree.ids, prediction.depth.z)
    prediction = replace(prediction, depth=replace(prediction.depth, z=settled))
    leaves = tree.leaves()
    survey(tree, prediction, leaves)
    depth_error = max(_depth_error(leaves), prediction.depth.error)
    ground = _find_ground(leaves, prediction, depth_error)
    scale = _choose_scale(ground, prediction)
    # Without a ground nothing says where y = 0 is: eye level puts the floor about right.
    height = CAMERA_HEIGHT_M / scale.factor if ground.camera_height is None else ground.camera_height
    pose = world_from_camera(ground.down_cam, height)
    world = World(pose, ground.camera_height is not None, scale.factor, depth_error)
    if settings.shapes == "auto":
        report("shapes", 0.3)
        leaves, prediction = shape_segments(tree, prediction, world, settings.detail)
    for level in range(settings.detail):
        report("parts", 0.4 + 0.3 * level / settings.detail)
        leaves = divide(tree, prediction, settings, leaves, world)
        if not leaves:
            break
        survey(tree, prediction, leaves)
        if settings.shapes == "auto":
            leaves = shape_leaves(tree, prediction, leaves, world, settings.detail - level - 1)
    report("outlines", 0.7)
    finish(tree, tolerance_px)
    return _assemble(tree, world, scale, prediction, settings, report)


def _check_usable(tree: Tree, prediction: Prediction) -> None:
    name = prediction.photo.path.name
    if all(root.segment.kind == "sky" for root in tree.roots):
        raise NothingToBuild(
            f"{name} shows no segment but sky, so there is nothing to build; give other segments with --segments."
        )
    if not np.isfinite(prediction.depth.z).any():
        raise DepthUnusable(
            f"The depth of {name} is unknown at all of its {prediction.depth.z.size} pixels; give another with --depth."
        )


def _depth_error(leaves: list[Node]) -> float:
    """Return the relative error of the depth map: what planes leave of it on the flattest quarter of the photo.

    Small things follow an error that is smooth and look flat all the same; floors and walls do not.
    """
    solid = [leaf for leaf in leaves if leaf.segment.kind != "sky"]
    errors = np.array([leaf.plane.residual for leaf in solid])
    order = np.argsort(errors, kind="stable")
    covered = np.cumsum(np.array([leaf.area for leaf in solid])[order])
    return float(errors[order][np.searchsorted(covered, FLATTEST * covered[-1])])


def _find_ground(leaves: list[Node], prediction: Prediction, depth_error: float) -> Ground:
    solid = [leaf for leaf in leaves if leaf.segment.kind != "sky"]
    named, everything = (
        _join_samples([leaf for leaf in solid if leaf.segment.kind in kinds]) for kinds in (("ground",), KINDS)
    )
    ground = find_ground(named, everything, prediction.gravity_cam)
    if ground.camera_height is None or depth_error < BENT or abs(ground.down_cam[2]) > STEEP_VIEW:
        return ground
    known = prediction.gravity_cam
    if known is not None and ground.down_cam @ known > np.cos(np.radians(AGREED_DEG)) * np.linalg.norm(known):
        return ground
    # Depth that errs smoothly tilts the ground; edges of walls and furniture still show which way is down.
    samples = named if len(named[1]) else everything
    sigma_deg = doubt_tilt(ground, *samples, depth_error)
    down_cam = see_gravity(prediction.photo, prediction.camera, ground.down_cam, sigma_deg)
    return ground if down_cam is None else level_ground(ground, down_cam, *samples)


def _join_samples(leaves: list[Node]) -> tuple[np.ndarray, np.ndarray]:
    rays = [np.zeros((0, 3)), *(leaf.rays for leaf in leaves)]
    return np.concatenate(rays), np.concatenate([np.zeros(0), *(leaf.z for leaf in leaves)])


def _assemble(
    tree: Tree, world: World, scale: Scale, prediction: Prediction, settings: Settings, report: Progress
) -> Scene:
    """Turn the tree into prisms, in the world and to scale."""
    pose = world.world_from_camera
    solid = [root for root in tree.roots if root.segment.kind != "sky"]
    numbers = iter(range(1, tree.next_id + len(tree.roots) + 1))
    prisms: list[Prism] = []
    owner: dict[int, int] = {}
    for done, root in enumerate(solid):
        report("prisms", 0.8 + 0.2 * done / len(solid))
        prism = _solidify(root, prediction, world, numbers)
        if prism is not None:
            owner |= {leaf.id: len(prisms) for leaf in root.leaves()}
            prisms.append(prism)
    scene = Scene(
        photo=prediction.photo,
        camera=prediction.camera,
        world_from_camera=pose,
        prisms=tuple(prisms),
        scale=Scale(1.0, scale.source, scale.is_metric),
        sources=prediction.sources,
        sky_colour=_mean_colour([root for root in tree.roots if root.segment.kind == "sky"]),
        has_ground=world.has_ground,
        limits=_describe_limits(prediction, settings),
    )
    if settings.close_set:
        outlines = tuple(leaf.outline for leaf in tree.leaves() if leaf.outline is not None)
        error = prediction.depth.error or SPREAD * world.depth_error
        scene = close_set(scene, Seen(tree.ids, prediction.depth.z, outlines, owner, error))
    return find_supports(_apply_scale(scene, scale, settings))


def _choose_scale(ground: Ground, prediction: Prediction) -> Scale:
    source = next((s.name for s in prediction.sources if s.task == "depth"), "the depth map")
    z = prediction.depth.z
    thinned = z[::8, ::8]
    known = thinned[np.isfinite(thinned)] if np.isfinite(thinned).any() else z[np.isfinite(z)]
    return choose_scale(prediction.depth.is_metric, source, ground.camera_height, float(np.median(known)))


def _apply_scale(scene: Scene, scale: Scale, settings: Settings) -> Scene:
    scene = multiply(scene, scale.factor, scale.source, scale.is_metric, uncertainty=scale.uncertainty)
    scene = weigh_heights(scene)
    if settings.scale_reference is not None:
        scene = apply_reference(scene, *settings.scale_reference)
    if settings.scale_factor != 1:
        source = f"{scene.scale.source}, times {settings.scale_factor:g}"
        scene = multiply(
            scene, settings.scale_factor, source, scene.scale.is_metric, uncertainty=scene.scale.uncertainty
        )
    return scene


def _solidify(node: Node, prediction: Prediction, world: World, numbers: Iterator[int]) -> Prism | None:
    """Return the prism of a node with those below it, in the world; None where no outline is left."""
    number, pose = next(numbers), world.world_from_camera
    children = [_solidify(child, prediction, world, numbers) for child in node.children]
    found = tuple(child for child in children if child is not None)
    if node.solid is not None:
        prism = node.solid
    elif node.outline is None or (node.children and not found):
        return None
    else:
        samples, kind = (node.rays, node.z), node.segment.kind
        up_cam, error = pose[1, :3], world.depth_error
        upright = up_cam if kind in ("object", "structure") else None
        plane = fit_front(node.outline, node.plane, *samples, prediction.camera, upright, error)
        expect = partial(_expect, node, world)
        prism = place(make_prism(node.outline, plane, samples, prediction.camera, up_cam, kind, expect, error), pose)
    return replace(
        prism,
        name=f"seg_{number:03d}_{identifier(node.segment.label)}",
        label=node.segment.label,
        score=node.segment.score,
        level=node.level,
        colour=node.colour,
        pixels=node.area,
        children=found,
    )


def _expect(node: Node, world: World, width: float) -> Usual | None:
    """Return how thick things of a node's name usually are; None for parts that have their whole's name only."""
    thickness_m = None if node.level else expect_thickness(node.segment.label, width * world.metres)
    return None if thickness_m is None else Usual(node.segment.label, thickness_m / world.metres)


def _mean_colour(nodes: list[Node]) -> np.ndarray | None:
    area = sum(node.area for node in nodes)
    return np.sum([node.area * node.colour for node in nodes], axis=0) / area if area else None


def _describe_limits(prediction: Prediction, settings: Settings) -> tuple[tuple[str, str], ...]:
    return (
        ("detail", f"{settings.detail} levels" if settings.detail != 1 else "1 level"),
        ("least area", f"{settings.least_area:.3%} of the photo, {least_pixels(prediction, settings)} px"),
        ("residual tolerance", f"{settings.residual_tolerance:.0%} of the depth"),
        ("least gain", f"{settings.least_gain:.0%} of the depth error"),
    )
