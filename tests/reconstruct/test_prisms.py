from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import shapely
import trimesh
from blockout.inference.prediction import Kind
from blockout.reconstruct.frames import project, rays_through
from blockout.reconstruct.meshes import Mesh, mesh_of
from blockout.reconstruct.outlines import Outline
from blockout.reconstruct.planes import Plane
from blockout.reconstruct.prisms import find_middle, fit_front, make_prism, place, plane_axes, rescale, triangulate
from blockout.reconstruct.scene import Prism
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import cast_rays, hit_triangles, look, make_camera

CAMERA = make_camera(120, 160)
UP = np.array([0.0, -1.0, 0.0])
NOTHING = (np.zeros((0, 3)), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Case:
    """An outline in the photo and a plane that lies before the camera all over it."""

    outline: Outline
    plane: Plane

    def prism(self, kind: Kind = "object") -> Prism:
        return make_prism(self.outline, self.plane, NOTHING, CAMERA, UP, kind)


def outline_of(*rings: list[tuple[float, float]]) -> Outline:
    return Outline(1, np.concatenate([np.array(ring, np.float64) for ring in rings]), tuple(map(len, rings)))


def star(random: np.random.Generator, middle: np.ndarray, least: float, most: float) -> list[tuple[float, float]]:
    """Return a ring that is counter-clockwise on the picture, of points in rising angle about a middle."""
    count = int(random.integers(5, 14))
    angles = (np.arange(count) + random.uniform(0, 0.5, count)) * 2 * np.pi / count
    radii = random.uniform(least, most, count)
    return np.column_stack([middle[0] + radii * np.cos(angles), middle[1] - radii * np.sin(angles)]).tolist()


def make_case(seed: int) -> Case:
    """Return a random star, often concave and now and then with a hole, on a random plane."""
    random = np.random.default_rng(seed)
    middle = random.uniform((50, 45), (110, 75))
    rings = [star(random, middle, 15 if seed % 3 else 4, 44)]
    if seed % 3:
        rings.append(star(random, middle, 1, 6)[::-1])
    w = np.array([*random.uniform(-1, 1, 2), 1.0]) / random.uniform(0.1, 50)
    return Case(outline_of(*rings), Plane(w, 0.0))


CASES = st.integers(0, 2**32 - 1).map(make_case)
FRONTAL = Plane(np.array([0, 0, 1 / 4]), 0.0)
SHAPES = {
    "square": outline_of([(40, 30), (40, 90), (110, 90), (110, 30)]),
    "L": outline_of([(30, 20), (30, 100), (130, 100), (130, 80), (50, 80), (50, 20)]),
    "U": outline_of([(30, 20), (30, 100), (130, 100), (130, 20), (110, 20), (110, 80), (50, 80), (50, 20)]),
    "frame": outline_of([(30, 20), (30, 100), (130, 100), (130, 20)], [(40, 30), (120, 30), (120, 90), (40, 90)]),
    "off-axis": outline_of([(0, 0), (0, 20), (30, 20), (30, 0)]),
}


def faces_of(mesh: Mesh) -> list[list[int]]:
    return [face.tolist() for face in np.split(mesh.face_points, np.cumsum(mesh.face_sizes)[:-1])]


def triangles_of(mesh: Mesh) -> np.ndarray:
    """Return (T, 3, 3), each quad as two triangles."""
    fans = [(face[0], face[k], face[k + 1]) for face in faces_of(mesh) for k in range(1, len(face) - 1)]
    return mesh.points[fans]


def polygon_of(outline: Outline) -> shapely.Polygon:
    rings = outline.rings()
    return shapely.Polygon(rings[0], rings[1:])


def compare_silhouette(prism: Prism, outline: Outline) -> tuple[float, float]:
    """Return which share of the outline's pixels the solid covers, and how many it covers beyond, as a share too."""
    row, column = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    inside = shapely.contains_xy(polygon_of(outline), column, row)
    seen = np.isfinite(hit_triangles(triangles_of(mesh_of(prism)), cast_rays(CAMERA)))
    return (seen & inside).sum() / inside.sum(), (seen & ~inside).sum() / inside.sum()


@given(CASES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_prism_is_closed_and_outward(case: Case) -> None:
    mesh = mesh_of(case.prism())
    walked = Counter((a, b) for face in faces_of(mesh) for a, b in zip(face, face[1:] + face[:1], strict=True))
    assert set(walked.values()) == {1}
    assert all((b, a) in walked for a, b in walked)
    triangles = triangles_of(mesh)
    solid = trimesh.Trimesh(triangles.reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3), process=False)
    assert solid.volume > 0


@given(CASES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_face_is_degenerate(case: Case) -> None:
    mesh = mesh_of(case.prism())
    triangles = triangles_of(mesh)
    sides = triangles[:, [1, 2, 0]] - triangles
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    assert (area > 1e-7 * np.square(np.linalg.norm(sides, axis=2)).max(1)).all()
    assert all(len(set(face)) == len(face) for face in faces_of(mesh))


@given(CASES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_front_is_seen_where_the_photo_shows_the_outline(case: Case) -> None:
    prism = case.prism()
    count = len(case.outline.points)
    front = mesh_of(prism).points[:count]
    np.testing.assert_allclose(project(front, CAMERA), case.outline.points, atol=1e-6)
    np.testing.assert_array_equal(prism.outline_px, case.outline.points)
    np.testing.assert_allclose(front @ case.plane.w, 1, atol=1e-9)
    assert (front[:, 2] > 0).all()


@given(CASES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_back_lies_behind_by_the_thickness_along_the_normal(case: Case) -> None:
    prism = case.prism()
    count = len(case.outline.points)
    points = mesh_of(prism).points
    behind = -(points - points[0]) @ case.plane.normal
    np.testing.assert_allclose(behind[:count], 0, atol=1e-9 * prism.thickness_m + 1e-9)
    np.testing.assert_allclose(behind[count:], prism.thickness_m, rtol=1e-6)
    assert prism.thickness_m > 0
    assert prism.extrusion[2] < 0
    assert prism.taper >= 1


@given(CASES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_plane_s_frame_is_rigid_with_its_rings_turned_as_documented(case: Case) -> None:
    prism = case.prism()
    axes = prism.world_from_plane[:3, :3]
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(axes[:, 2], case.plane.normal, atol=1e-12)
    rings = [shapely.LinearRing(ring) for ring in np.split(prism.outline, np.cumsum(prism.ring_sizes)[:-1])]
    assert [ring.is_ccw for ring in rings] == [True, False][: len(rings)]


@given(CASES)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_prism_covers_its_segment_and_not_its_neighbours(case: Case) -> None:
    covered, beyond = compare_silhouette(case.prism(), case.outline)
    assert covered >= 0.99
    assert beyond <= 0.015


@pytest.mark.parametrize("tilt", [(0, 0), (0.8, 0), (0, 1.2), (-0.9, 0.9)])
@pytest.mark.parametrize("shape", SHAPES)
def test_hollow_shapes_cover_their_segment_and_not_their_neighbours(shape: str, tilt: tuple[float, float]) -> None:
    prism = Case(SHAPES[shape], Plane(np.array([*tilt, 1.0]) / 5, 0.0)).prism()
    covered, beyond = compare_silhouette(prism, SHAPES[shape])
    assert covered >= 0.99
    assert beyond <= 0.015


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thick_prism_keeps_behind_its_segment_too(shape: str) -> None:
    plane = Plane(np.array([0.3, -0.3, 1.0]) / 5, 0.0)
    rays = cast_rays(CAMERA)[10:110:5, 10:150:5].reshape(-1, 3)
    behind = np.random.default_rng(0).uniform(-0.24, 0.24, len(rays))
    samples = rays, (1 + behind) / (rays @ plane.w)
    prism = make_prism(SHAPES[shape], plane, samples, CAMERA, UP, "object")
    assert prism.thickness_source == "depth spread"
    assert prism.thickness_m > Case(SHAPES[shape], plane).prism().thickness_m
    covered, beyond = compare_silhouette(prism, SHAPES[shape])
    assert covered >= 0.99
    assert beyond <= 0.015


def test_a_convex_prism_keeps_straight_sides() -> None:
    assert Case(SHAPES["square"], FRONTAL).prism().taper == 1
    assert Case(SHAPES["frame"], FRONTAL).prism().taper > 1


def test_a_square_face_has_its_true_size_place_and_thickness() -> None:
    prism = Case(SHAPES["square"], FRONTAL).prism()
    metres_per_px = 4 / CAMERA.fx
    np.testing.assert_allclose(np.ptp(prism.outline, axis=0), [70 * metres_per_px, 60 * metres_per_px])
    np.testing.assert_allclose(prism.world_from_plane[:3, 3], [-5 * metres_per_px, 0, 4], atol=1e-12)
    assert prism.thickness_m == pytest.approx(0.5 * 60 * metres_per_px)


def test_a_cap_covers_the_outline_and_uses_every_point() -> None:
    for outline in [*SHAPES.values(), *(make_case(seed).outline for seed in range(20))]:
        cap = triangulate(outline.points, outline.ring_sizes)[:, ::-1]
        triangles = outline.points[cap]
        areas = np.array([shapely.Polygon(triangle).area for triangle in triangles])
        assert areas.sum() == pytest.approx(polygon_of(outline).area)
        assert set(cap.ravel().tolist()) == set(range(len(outline.points)))
        assert len(cap) == len(outline.points) + 2 * len(outline.ring_sizes) - 4
        across, down = (triangles[:, 1] - triangles[:, 0]), (triangles[:, 2] - triangles[:, 0])
        assert (across[:, 0] * down[:, 1] < across[:, 1] * down[:, 0]).all(), "counter-clockwise on the picture"


def test_the_middle_is_the_centroid_of_the_filled_outline() -> None:
    for outline in [*SHAPES.values(), *(make_case(seed).outline for seed in range(20))]:
        centroid = shapely.Polygon(outline.rings()[0]).centroid
        np.testing.assert_allclose(find_middle(outline), [centroid.x, centroid.y], atol=1e-9)


@pytest.mark.parametrize("normal", [(0, 0, -1), (0.6, 0, -0.8), (0, -1, 0), (0, -0.9999, -0.0141), (0, 1, 0)])
def test_a_plane_s_x_is_level_where_it_can_be(normal: tuple[float, float, float]) -> None:
    normal_cam = np.array(normal) / np.linalg.norm(normal)
    axes = plane_axes(normal_cam, UP)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(axes[:, 2], normal_cam)
    assert axes[1, 0] == pytest.approx(0, abs=0.02)


def test_an_upright_face_has_its_y_up() -> None:
    axes = plane_axes(np.array([0.6, 0.0, -0.8]), UP)
    np.testing.assert_allclose(axes[:, 1], UP, atol=1e-12)
    assert axes[0, 0] > 0, "seen from the camera its x points right"


def test_a_front_is_turned_only_where_it_would_leave_its_samples_depths() -> None:
    rays = cast_rays(CAMERA)[50:70, 60:100].reshape(-1, 3)
    calm, steep = np.array([0.1, 0.1, 0.25]), np.array([0.0, 2.0, 0.4])
    kept = fit_front(SHAPES["square"], Plane(calm, 0.0), rays, 1 / (rays @ calm), CAMERA)
    np.testing.assert_array_equal(kept.w, calm)
    assert kept.residual == pytest.approx(0, abs=1e-12)
    turned = fit_front(SHAPES["square"], Plane(steep, 0.0), rays, 1 / (rays @ steep), CAMERA)
    depth = turned.depth_at(rays_through(SHAPES["square"].points, CAMERA))
    assert (depth > 0).all()
    assert turned.residual > 0


def test_place_carries_a_prism_and_its_parts() -> None:
    part = Case(SHAPES["L"], FRONTAL).prism()
    whole = Prism(**{**vars(Case(SHAPES["square"], FRONTAL).prism()), "children": (part,)})
    pose = look(1.7, -20, 10)
    placed = place(whole, pose)
    for before, after in ((whole, placed), (part, placed.children[0])):
        expected = mesh_of(before).points @ pose[:3, :3].T + pose[:3, 3]
        np.testing.assert_allclose(mesh_of(after).points, expected, atol=1e-12)


def test_rescale_multiplies_lengths_and_nothing_else() -> None:
    part = Case(SHAPES["L"], Plane(np.array([0.2, 0.1, 0.25]), 0.0)).prism()
    whole = Prism(**{**vars(Case(SHAPES["frame"], FRONTAL).prism()), "children": (part,)})
    scaled = rescale(whole, 2.5)
    for before, after in ((whole, scaled), (part, scaled.children[0])):
        np.testing.assert_allclose(mesh_of(after).points, 2.5 * mesh_of(before).points, atol=1e-12)
        assert after.thickness_m == pytest.approx(2.5 * before.thickness_m)
        assert after.taper == before.taper
        np.testing.assert_array_equal(after.outline_px, before.outline_px)
        np.testing.assert_array_equal(after.world_from_plane[:3, :3], before.world_from_plane[:3, :3])


def test_the_same_face_gives_the_same_prism() -> None:
    first, again = make_case(5).prism(), make_case(5).prism()
    assert mesh_of(first).points.tobytes() == mesh_of(again).points.tobytes()
    assert first.cap.tobytes() == again.cap.tobytes()
