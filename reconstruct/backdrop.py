"""The backdrop: a thin card behind the scene that fills the photo's frame."""

from __future__ import annotations

import numpy as np

from .frames import rays_through
from .scene import Prism, Scene

BEHIND = 1.05  # distance over that of the furthest point of the scene
THINNESS = 0.01  # thickness over the card's smaller side


def backdrop_of(scene: Scene, furthest_m: float) -> Prism:
    """Return the card as a prism called "backdrop" that covers the whole frame, square to the optical axis.

    Args:
        scene: for its camera and the sky's colour.
        furthest_m: the scene's greatest depth along the optical axis.
    """
    camera = scene.camera
    distance_m = BEHIND * furthest_m
    outline_px = np.array([(0, camera.height), (camera.width, camera.height), (camera.width, 0), (0, 0)], np.float64)
    plane_from_camera = np.diag([1.0, -1.0, -1.0])  # the plane's z points to the camera, its y up the photo
    corners = distance_m * rays_through(outline_px, camera) @ plane_from_camera
    camera_from_plane = np.eye(4)
    camera_from_plane[:3, :3] = plane_from_camera
    camera_from_plane[2, 3] = distance_m
    thickness_m = float(THINNESS * np.ptp(corners, axis=0)[:2].min())
    return Prism(
        name="backdrop",
        label="backdrop",
        kind="sky",
        score=1.0,
        level=0,
        outline=corners[:, :2].copy(),
        ring_sizes=(4,),
        outline_px=outline_px,
        cap=np.array([(0, 1, 2), (0, 2, 3)], np.int32),
        world_from_plane=scene.world_from_camera @ camera_from_plane,
        extrusion=np.array([0.0, 0.0, -thickness_m]),
        taper=1.0,
        thickness_m=thickness_m,
        thickness_source=f"{THINNESS} of the smaller side",
        colour=np.full(3, 0.5) if scene.sky_colour is None else scene.sky_colour,
        pixels=camera.height * camera.width,
        residual=0.0,
    )
