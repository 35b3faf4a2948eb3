"""Other ways to make solids of depth and masks, each in a few lines, to compare with; and a minimal stage for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import trimesh
from blockout.inference.prediction import Camera, Prediction
from blockout.reconstruct.frames import lens_mm
from pxr import Gf, Usd, UsdGeom
from shapely.geometry import MultiPolygon, Polygon
from shapely.validation import make_valid
from trimesh import Trimesh

THICKNESS_M = 0.1  # of the seed's boxes
LEAST_M = 0.01  # boxes and prisms are at least this thick
LEAST_PX = 20  # smaller segments give nothing
TOLERANCE = 0.0025  # of the outlines, of the picture's longer side
Y_UP = np.array([1.0, -1.0, -1.0])  # from OpenCV's camera axes to USD's

Meshes = list[Trimesh]


def seed_boxes(prediction: Prediction) -> Meshes:
    """Box each segment's rectangle at its average depth, of constant thickness."""
    return [
        _box_of_rectangle(mask, float(np.nanmean(z)), float(np.nanmean(z)) + THICKNESS_M, prediction.camera)
        for mask, z in _segments(prediction)
    ]


def spread_boxes(prediction: Prediction) -> Meshes:
    """Box each segment's rectangle from the 5th to the 95th percentile of its depth."""
    meshes = []
    for mask, z in _segments(prediction):
        near, far = np.nanpercentile(z, (5, 95))
        meshes.append(_box_of_rectangle(mask, near, far, prediction.camera))
    return meshes


def flat_prisms(prediction: Prediction) -> Meshes:
    """Push each segment's outline back from its median depth, by the spread of its depth."""
    meshes = []
    for mask, z in _segments(prediction):
        low, middle, high = np.nanpercentile(z, (5, 50, 95))
        thick = max(high - low, LEAST_M)
        for polygon in _outlines(mask, TOLERANCE * max(mask.shape)):
            mesh = trimesh.creation.extrude_polygon(polygon, 1.0)
            x, y, back = mesh.vertices.T
            rays = _rays(np.column_stack([x, y]), prediction.camera)
            mesh.vertices = rays * (middle + thick * back)[:, None] * Y_UP
            mesh.fix_normals()
            meshes.append(mesh)
    return meshes


def standing_boxes(prediction: Prediction) -> Meshes:
    """Stand the least rectangle around each segment's footprint, turned about the ground's normal."""
    up = _up(prediction)
    aside = np.cross(up, (0.0, 0.0, 1.0))
    aside /= np.linalg.norm(aside)
    frame = np.stack([aside, up, np.cross(aside, up)])  # rows: world axes in the camera
    meshes = []
    for _, z in _segments(prediction):
        points = _points(z, prediction.camera) @ frame.T
        (x, depth), (wide, deep), turn_deg = cv2.minAreaRect(points[:, [0, 2]].astype(np.float32))
        low, high = points[:, 1].min(), points[:, 1].max()
        mesh = trimesh.creation.box((max(wide, LEAST_M), max(high - low, LEAST_M), max(deep, LEAST_M)))
        mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.radians(turn_deg), (0, 1, 0)))
        mesh.vertices = np.add(mesh.vertices, (x, (low + high) / 2, depth)) @ frame * Y_UP
        meshes.append(mesh)
    return meshes


def dense_mesh(prediction: Prediction) -> Meshes:
    """Join all neighbouring pixels into one sheet."""
    z = prediction.depth.z
    number = np.cumsum(np.isfinite(z)).reshape(z.shape) - 1
    corners = [number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]]
    whole = np.isfinite(z)
    keep = whole[:-1, :-1] & whole[1:, :-1] & whole[1:, 1:] & whole[:-1, 1:]
    a, b, c, d = (corner[keep] for corner in corners)
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    points = _points(z, prediction.camera) * Y_UP
    return [Trimesh(points, faces, process=False)] if len(faces) else []


RIVALS: dict[str, Callable[[Prediction], Meshes]] = {
    "seed's boxes": seed_boxes,
    "boxes from the depth spread": spread_boxes,
    "flat silhouette prisms": flat_prisms,
    "standing boxes": standing_boxes,
    "dense mesh of all pixels": dense_mesh,
}


def write_meshes(meshes: Meshes, camera: Camera, path: Path) -> None:
    """Write meshes in the camera's frame, metres, as a stage with that camera; each is an object of its own."""
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/world").GetPrim())
    lens, eye = lens_mm(camera), UsdGeom.Camera.Define(stage, "/world/camera")
    eye.CreateFocalLengthAttr(lens["focal_length"])
    eye.CreateHorizontalApertureAttr(lens["horizontal_aperture"])
    eye.CreateVerticalApertureAttr(lens["vertical_aperture"])
    eye.CreateHorizontalApertureOffsetAttr(lens["horizontal_aperture_offset"])
    eye.CreateVerticalApertureOffsetAttr(lens["vertical_aperture_offset"])
    eye.CreateClippingRangeAttr(Gf.Vec2f(0.01, 10_000))
    for number, mesh in enumerate(meshes):
        prim = UsdGeom.Mesh.Define(stage, f"/world/solid_{number}")
        Usd.ModelAPI(prim).SetKind("component")
        prim.CreatePointsAttr(mesh.vertices.astype(np.float32))
        prim.CreateFaceVertexCountsAttr(np.full(len(mesh.faces), 3, np.int32))
        prim.CreateFaceVertexIndicesAttr(mesh.faces.astype(np.int32).ravel())
        prim.CreateSubdivisionSchemeAttr("none")
    stage.Save()


def _segments(prediction: Prediction) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the mask of each solid segment, and (H, W) float64 depth that is NaN outside."""
    for row in prediction.segments.segments:
        mask = prediction.segments.ids == row.id
        z = np.where(mask, prediction.depth.z, np.nan).astype(np.float64)
        if row.kind != "sky" and np.isfinite(z).sum() >= LEAST_PX:
            yield mask, z


def _rays(points_px: np.ndarray, camera: Camera) -> np.ndarray:
    x, y = (points_px - (camera.cx, camera.cy)).T / np.array([[camera.fx], [camera.fy]])
    return np.column_stack([x, y, np.ones_like(x)])


def _points(z: np.ndarray, camera: Camera) -> np.ndarray:
    known = np.isfinite(z)
    return _rays(np.argwhere(known)[:, ::-1] + 0.5, camera) * z[known, None]


def _box_of_rectangle(mask: np.ndarray, near: float, far: float, camera: Camera) -> Trimesh:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    corners = np.array([(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)], np.float64)
    low, high = np.sort(_rays(corners, camera) * near * Y_UP, axis=0)
    low[2], high[2] = -max(far, near + LEAST_M), -near
    mesh = trimesh.creation.box(high - low)
    mesh.apply_translation((low + high) / 2)
    return mesh


def _outlines(mask: np.ndarray, tolerance_px: float) -> Iterator[Polygon]:
    """Yield the simplified outlines of a mask with their holes, (x, y) px."""
    rings, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for number, ring in enumerate(rings):
        if tree[0, number, 3] >= 0 or len(ring) < 3:
            continue
        holes = [r[:, 0] + 0.5 for r, (*_, parent) in zip(rings, tree[0], strict=True) if parent == number]
        polygon = Polygon(ring[:, 0] + 0.5, [hole for hole in holes if len(hole) > 2]).buffer(0.5, join_style="mitre")
        valid = make_valid(polygon.simplify(tolerance_px))
        pieces = valid.geoms if isinstance(valid, MultiPolygon) else [valid]
        yield from (piece for piece in pieces if isinstance(piece, Polygon) and piece.area > LEAST_PX)


def _up(prediction: Prediction) -> np.ndarray:
    """Return (3,) the ground's normal in camera axes; the picture's own up where no ground shows."""
    found = [row.id for row in prediction.segments.segments if row.kind == "ground"]
    points = _points(np.where(np.isin(prediction.segments.ids, found), prediction.depth.z, np.nan), prediction.camera)
    if len(points) < LEAST_PX:
        return np.array([0.0, -1.0, 0.0])
    points = points[:: max(1, len(points) // 5000)]
    normal = np.linalg.svd(points - np.median(points, axis=0), full_matrices=False)[2][2]
    return normal if normal[1] < 0 else -normal
