"""Stored scenes as a camera with another direction and a longer or a bent lens sees them: exact."""

from __future__ import annotations

import cv2
import numpy as np

UNTURNED = 0.3  # share of pictures
MOST_DEG = (7.0, 7.0, 9.0)  # standard deviations are half of these: about x (pitch), y (yaw) and z (roll)
MOST_OF_FIELD = 0.4  # of the half field of view, likewise
MOST_BEND = 0.08  # share of a picture's half diagonal, in half of the pictures: as lenses of telephones bend
MOST_ZOOM = 1.35  # beyond what keeps the borders out of the picture


def turn_cameras(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return ``SceneShards``'s rows with most cameras turned and zoomed at random.

    Focal length and down follow; pitch, roll and height in ``camera`` stay those of before.
    """
    turned = {name: array.copy() for name, array in arrays.items()}
    for row in range(len(arrays["rgb"])):
        if rng.random() < UNTURNED:
            continue
        most = _most_angles(turned["rgb"].shape[1:3], float(turned["camera"][row, 0]))
        angles = np.clip(rng.normal(0, np.radians(MOST_DEG) / 2), -most, most)
        new_from_old = cv2.Rodrigues(angles)[0]
        bend = float(rng.uniform(-MOST_BEND, MOST_BEND)) if rng.random() < 0.5 else 0.0
        _turn(turned, row, new_from_old, 1 + rng.beta(1, 2) * (MOST_ZOOM - 1), bend)
    return turned


def _most_angles(size: tuple[int, ...], focal: float) -> np.ndarray:
    """Return (3,) radians: a long lens turned further would no longer see what the old picture shows."""
    fields = MOST_OF_FIELD * np.arctan(np.array(size) / 2 / focal)
    return np.minimum(np.radians(MOST_DEG), np.append(fields, np.pi))


def _turn(arrays: dict[str, np.ndarray], row: int, new_from_old: np.ndarray, zoom: float, bend: float = 0.0) -> None:
    """Turn one picture in place.

    Args:
        arrays: of all pictures.
        row: the picture's.
        new_from_old: (3, 3) turn of the camera's axes.
        zoom: beyond the least that shows nothing but the old picture.
        bend: radial distortion: how much further out the corners look, as a share.
    """
    height, width = arrays["rgb"].shape[1:3]
    focal = float(arrays["camera"][row, 0])
    zoom *= _least_zoom(new_from_old, focal, (height, width), bend)
    y, x = np.mgrid[:height, :width] + 0.5 - np.array([height / 2, width / 2])[:, None, None]
    out = (1 + bend * (x * x + y * y) * 4 / (width**2 + height**2)) / (focal * zoom)
    rays = np.stack([x * out, y * out, np.ones_like(x)], axis=-1)
    seen = rays @ new_from_old  # in the old camera's axes
    along = seen[..., 2]
    at_x = (seen[..., 0] / along * focal + width / 2).astype(np.float32)
    at_y = (seen[..., 1] / along * focal + height / 2).astype(np.float32)
    rgb = arrays["rgb"][row]
    arrays["rgb"][row] = cv2.remap(rgb, at_x - 0.5, at_y - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    nearest = (np.clip(at_y.astype(int), 0, height - 1), np.clip(at_x.astype(int), 0, width - 1))
    for name in ("depth", "ids", "labels", "normal"):
        arrays[name][row] = arrays[name][row][nearest]
    arrays["depth"][row] -= np.log(along).astype(np.float16)
    normal = arrays["normal"][row].astype(np.float32) @ new_from_old.T.astype(np.float32)
    arrays["normal"][row] = np.round(np.clip(normal, -127, 127))
    arrays["camera"][row, 0] *= zoom
    arrays["camera"][row, 4:7] = new_from_old @ arrays["camera"][row, 4:7]


def _least_zoom(new_from_old: np.ndarray, focal: float, size: tuple[int, int], bend: float = 0.0) -> float:
    """Return how much longer the lens must be for the turned picture's corners and borders to lie in the old one."""
    height, width = size
    half = np.array([width / 2, height / 2])
    corners = np.array([[a, b] for a in (-1, 1) for b in (-1, 1)]) * half * (1 + max(0.0, bend))
    zoom = 1.0
    while True:
        rays = np.column_stack([corners / (focal * zoom), np.ones(4)]) @ new_from_old
        beyond = np.abs(rays[:, :2] / rays[:, 2:] * focal) / half
        if (beyond <= 1).all():
            return zoom
        zoom *= 1.03
