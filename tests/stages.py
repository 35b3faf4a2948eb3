"""Hand-made scenes whose stages are known: boxes, a frame with a hole, a taper, a group, labels of other scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from blockout.inference.prediction import Camera, Kind, Photo, Source
from blockout.reconstruct.clean_plate import CleanPlate
from blockout.reconstruct.frames import project, transform, world_from_camera
from blockout.reconstruct.names import identifier
from blockout.reconstruct.scene import Prism, Scale, Scene
from blockout.reconstruct.shapes import make_box, make_lathe, make_revolution, to_prism, upright_axes

COLOURS = ((0.6, 0.1, 0.1), (0.1, 0.5, 0.2), (0.1, 0.2, 0.7), (0.5, 0.5, 0.1))
RING = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64) / 2


def make_prism(
    number: int,
    label: str,
    centre_cam: tuple[float, float, float],
    size_m: tuple[float, float, float],
    camera: Camera,
    pose: np.ndarray,
    *,
    hole: float = 0.0,
    taper: float = 1.0,
    turn_deg: float = 0.0,
    tilt_deg: float = 0.0,
    level: int = 0,
    kind: Kind = "object",
    children: tuple[Prism, ...] = (),
) -> Prism:
    """Return a box whose front face is centred on a point before the camera.

    Args:
        number: makes the name unique.
        label: any text.
        centre_cam: (x, y, z) metres, camera axes, of the front face.
        size_m: width, height, thickness.
        camera: of the photo.
        pose: (4, 4) world from camera.
        hole: size of a hole over the face's size; 0 for none.
        taper: size of the back over the front.
        turn_deg, tilt_deg: of the face about the picture's vertical, and backwards.
        level: depth in the tree.
        kind: of the segment.
        children: parts.
    """
    width, height, thickness = size_m
    rings = [RING] if not hole else [RING, hole * RING[::-1]]
    outline = np.concatenate(rings) * (width, height)
    camera_from_plane = np.eye(4)
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    angle = np.radians(tilt_deg)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    camera_from_plane[:3, :3] = turn @ tilt @ np.diag([1.0, -1.0, -1.0])
    camera_from_plane[:3, 3] = centre_cam
    front_cam = transform(camera_from_plane, np.column_stack([outline, np.zeros(len(outline))]))
    return Prism(
        name=f"seg_{number:03d}_{identifier(label)}",
        label=label,
        kind=kind,
        score=0.75,
        level=level,
        outline=outline,
        ring_sizes=tuple(len(ring) for ring in rings),
        outline_px=project(front_cam, camera),
        cap=FRAME_CAP if hole else np.array([(0, 1, 2), (0, 2, 3)], np.int32),
        world_from_plane=pose @ camera_from_plane,
        extrusion=np.array([0.0, 0.0, -thickness]),
        taper=taper,
        thickness_m=thickness,
        thickness_source="depth spread",
        colour=np.array(COLOURS[number % len(COLOURS)]),
        pixels=1000 + number,
        residual=0.01,
        children=children,
    )


FRAME_CAP = np.array(
    [(0, 1, 7), (1, 6, 7), (1, 2, 6), (2, 5, 6), (2, 3, 5), (3, 4, 5), (3, 0, 4), (0, 7, 4)], np.int32
)  # the hole's points run clockwise: 4 is at the upper left, 7 at the lower left


def make_camera(variant: str = "landscape") -> Camera:
    """Return a 640 x 480 camera, or its "portrait" or "off-centre" variant."""
    if variant == "portrait":
        return Camera(600.0, 600.0, 240.0, 320.0, 640, 480, "EXIF")
    if variant == "off-centre":
        return Camera(500.0, 500.0, 290.0, 265.0, 480, 640, "--camera lens.json")
    return Camera(500.0, 500.0, 320.0, 240.0, 480, 640, "assumed 55 degrees")


def make_scene(variant: str = "landscape", *, sky: bool = True) -> Scene:
    """Return a scene with every kind of solid, all of it inside the frame.

    Args:
        variant: "landscape", "portrait" or "off-centre".
        sky: whether the photo shows sky.
    """
    camera = make_camera(variant)
    pose = world_from_camera(np.array([0.05, 0.97, 0.22]), 1.6)  # rolled by 3 degrees, looking down by 13
    parts = (
        make_prism(5, "shelf", (0.45, 0.2, 4.0), (0.5, 0.4, 0.2), camera, pose, level=1),
        make_prism(6, "shelf", (0.45, -0.2, 4.1), (0.5, 0.4, 0.3), camera, pose, level=1, taper=1.05),
    )
    prisms = (
        make_prism(1, "table", (-0.5, 0.6, 3.0), (0.6, 0.4, 0.3), camera, pose, turn_deg=20),
        make_prism(2, "window frame", (-0.6, -0.6, 5.0), (0.8, 0.6, 0.1), camera, pose, hole=0.6, kind="structure"),
        make_prism(3, "Café-Stühle 椅子", (0.5, 0.9, 3.5), (0.4, 0.3, 0.4), camera, pose, taper=1.1),
        make_prism(4, "shelf", (0.45, 0.0, 4.0), (0.5, 0.8, 0.3), camera, pose, children=parts),
        make_prism(7, "3d printer", (0.0, 0.0, 6.0), (0.5, 0.5, 0.5), camera, pose, turn_deg=-15),
        make_prism(8, "floor", (0.0, 0.75, 4.3), (1.2, 2.6, 0.1), camera, pose, tilt_deg=-75, kind="ground"),
    )
    return Scene(
        photo=Photo(make_picture(camera), path=Path("somewhere/café 1.jpg")),
        camera=camera,
        world_from_camera=pose,
        prisms=prisms,
        scale=Scale(1.0, "the ground, with a camera 1.6 m above it", False),
        sources=(Source("depth", "geometric", "0.1.0", "GPL-3.0-or-later"), Source("segments", "geometric", "0.1.0")),
        sky_colour=np.array([0.3, 0.5, 0.9]) if sky else None,
        has_ground=True,
        limits=(("levels", "2"),),
    )


def make_plate() -> Scene:
    """Return a scene with a clean plate, which its floor shows."""
    scene = make_scene()
    ids = np.zeros(scene.photo.size, np.int32)
    ids[300:] = 1
    own = np.zeros((6, 8), bool)
    own[:4] = True
    plate = CleanPlate(scene.photo.rgb, ids, (0,), np.zeros((6, 8), np.int64), own)
    *others, floor = scene.prisms
    return replace(scene, prisms=(*others, replace(floor, shows_plate=True)), plate=plate)


def make_levels() -> Scene:
    """Return a scene of two levels of parts, where a shelf falls into pieces and one of these has parts.

    What shows at each level, by number: 0: 1, 11, 16; 1: 1, 12, 14, 15, 16; 2: 1, 13, 18, 14, 15, 16.
    """
    scene = make_scene()
    camera, pose = scene.camera, scene.world_from_camera

    def box(number: int, level: int, x: float, width: float, *children: Prism) -> Prism:
        size = (width, 0.4, 0.3)
        return make_prism(number, "shelf", (x, 0.1, 4.0), size, camera, pose, level=level, children=children)

    left = box(12, 1, -0.2, 0.4, box(13, 2, -0.3, 0.2), box(18, 2, -0.1, 0.2))
    parts = box(11, 0, 0.0, 1.0, left, box(14, 1, 0.1, 0.2), box(15, 1, 0.4, 0.2))
    return replace(scene, prisms=(scene.prisms[0], box(10, 0, 0.0, 1.0, parts, box(16, 0, 0.9, 0.3))))


def make_row(count: int, corners: int = 24) -> Scene:
    """Return a scene of ``count`` regular prisms with as many corners, for timing."""
    camera = make_camera()
    pose = world_from_camera(np.array([0.0, 1.0, 0.0]), 1.6)
    angles = np.arange(corners) * 2 * np.pi / corners
    fan = np.array([(0, i, i + 1) for i in range(1, corners - 1)], np.int32)
    prisms = []
    for number in range(1, count + 1):
        base = make_prism(number, "post", (0.0, 0.0, 2.0 + number / 10), (0.5, 0.5, 0.2), camera, pose)
        outline = 0.25 * np.column_stack([np.cos(angles), np.sin(angles)])
        front = transform(base.world_from_plane, np.column_stack([outline, np.zeros(corners)]))
        outline_px = project(transform(np.linalg.inv(pose), front), camera)
        prisms.append(replace(base, outline=outline, outline_px=outline_px, ring_sizes=(corners,), cap=fan))
    return replace(make_scene(), prisms=tuple(prisms))


def make_picture(camera: Camera) -> np.ndarray:
    """Return (H, W, 3) uint8 sRGB: a gradient with a checker, so that a flipped texture would show."""
    row, column = np.mgrid[: camera.height, : camera.width]
    checker = ((row // 40 + column // 40) % 2 * 60).astype(np.uint8)
    red = (column * 190 // camera.width).astype(np.uint8)
    green = (row * 190 // camera.height).astype(np.uint8)
    return np.stack([red + checker, green + checker, np.full_like(red, 90) + checker], axis=-1)


def make_fitted() -> Scene:
    """Return a scene of a turned box, a cylinder, a cone and a bottle that stand before the camera."""
    scene = make_scene()
    axes = upright_axes(np.array([0.4, 0.0, 1.0]))
    heights, radii = np.array([0.0, 0.1, 0.5, 0.8]), np.array([0.1, 0.2, 0.15, 0.05])
    shapes = (
        make_box(axes, np.array([-0.6, 0.0, -4.2]), np.array([-0.1, 0.7, -3.7]), "seen: its sides or top"),
        make_revolution(np.array([0.3, -3.5]), 0.0, 0.6, (0.2, 0.2), "seen: its curvature"),
        make_revolution(np.array([0.9, -3.8]), 0.0, 0.7, (0.3, 0.0), "seen: its curvature"),
        make_lathe(
            np.tile([-0.2, -3.2], (4, 1)), heights, radii, 0.5, np.array([1.0, 0.0]), "as deep as 0.5 of its width"
        ),
    )
    facts = {"score": 0.75, "pixels": 100, "reason": "it fits"}
    prisms = [
        replace(
            to_prism(shape, "object", scene.camera, scene.world_from_camera),
            name=f"seg_{number:03d}_{shape.kind}",
            label=shape.kind,
            colour=np.array(COLOURS[number % len(COLOURS)]),
            **facts,
        )
        for number, shape in enumerate(shapes, start=1)
    ]
    return replace(scene, prisms=(*prisms, scene.prisms[-1]))
