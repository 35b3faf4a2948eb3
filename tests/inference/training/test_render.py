"""The ray caster against trimesh with embree, on random scenes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")
trimesh = pytest.importorskip("trimesh")
pytest.importorskip("embreex")

from blockout.inference.training.render import cast
from blockout.inference.training.render_looks import Looks
from blockout.inference.training.render_solids import (
    GABLE,
    HIP,
    UNIT_BOX,
    SceneSolids,
    Surface,
    pack,
    place,
    regular_prism,
)
from blockout.inference.training.render_views import View
from blockout.inference.training.synthesis import Studio
from scipy.spatial import HalfspaceIntersection

SIZE = (96, 128)
FOCAL = 110.0
EYE = np.array([0.0, 1.6, 0.0])
AXES = np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], float)


def mesh_of(scene: SceneSolids, index: int) -> "trimesh.Trimesh":
    planes, frame = scene.planes[index], scene.frames[index]
    if planes is not None:
        used = planes[np.abs(planes[:, :3]).sum(axis=1) > 0].astype(float)
        points = HalfspaceIntersection(used * [1, 1, 1, -1], np.array([0, -0.5, 0])).intersections
        mesh = trimesh.convex.convex_hull(points)
    elif scene.rounds[index][2]:
        mesh = trimesh.creation.icosphere(subdivisions=5)
    else:
        middle, slope, _ = scene.rounds[index]
        angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        rings = [
            np.stack([r * np.cos(angle), np.full(720, y), r * np.sin(angle)], 1)
            for y, r in ((-1, middle + slope), (1, middle - slope))
        ]
        mesh = trimesh.convex.convex_hull(np.concatenate(rings))
    mesh.apply_transform(np.vstack([frame, [0, 0, 0, 1]]))
    return mesh


def random_scene(rng: np.random.Generator) -> tuple[SceneSolids, list["trimesh.Trimesh"]]:
    scene = SceneSolids()
    scene.add_box(Surface(1, 1, 1), (0, -50, 0), (200, 50, 200))
    for number in range(40):
        frame = place(
            (rng.uniform(-4, 4), rng.uniform(0, 3), rng.uniform(-12, -0.5)),
            tuple(rng.uniform(0.1, 0.6, 3)),
            rng.uniform(0, 6),
            rng.uniform(-0.5, 0.5),
        )
        surface, sort = Surface(number + 2, 3, 1), number % 7
        if sort < 4:
            scene.add(surface, frame, (UNIT_BOX, GABLE, HIP, regular_prism(5))[sort])
        else:
            scene.add_round(surface, frame, (1.0, 0.0, 1.0)[sort - 4], sphere=sort == 6)
    meshes = [mesh_of(scene, index) for index in range(len(scene.frames))]
    knot = trimesh.creation.torus(0.5, 0.2)
    knot.apply_translation([0.5, 1.5, -2.0])
    scene.add_mesh(Surface(99, 3, 1), knot.triangles, np.zeros((len(knot.faces), 3, 2)), np.zeros(len(knot.faces), int))
    return scene, [*meshes, knot]


def rays() -> np.ndarray:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    plane = np.stack([(x - SIZE[1] / 2) / FOCAL, (y - SIZE[0] / 2) / FOCAL], -1)
    return (plane @ AXES[:2] + AXES[2]).reshape(-1, 3)


@pytest.fixture(scope="module")
def scenes() -> list:
    return [random_scene(np.random.default_rng(seed)) for seed in range(2)]


@pytest.fixture(scope="module")
def caught(scenes: list) -> tuple:
    solids = pack([scene for scene, _ in scenes])
    eye, axes, focal = (torch.tensor(np.array([value] * 2), dtype=torch.float32) for value in (EYE, AXES, FOCAL))
    view = View(eye, axes, focal, SIZE)
    return solids, view, cast(solids, view)


@pytest.mark.parametrize("which", [0, 1])
def test_depth_and_identity_are_those_of_another_ray_caster(scenes: list, caught: tuple, which: int) -> None:
    solids, _, hits = caught
    meshes = scenes[which][1]
    whole = trimesh.util.concatenate(meshes)
    owner = np.repeat([s.instance for s in scenes[which][0].surfaces], [len(mesh.faces) for mesh in meshes])
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(whole)
    points, ray, face = caster.intersects_location(np.tile(EYE, (len(rays()), 1)), rays(), multiple_hits=False)
    expected = np.full(SIZE, np.inf)
    expected.ravel()[ray] = -points[:, 2]
    names = np.zeros(SIZE, int)
    names.ravel()[ray] = owner[face]
    depth = hits.depth[which].numpy()
    found = solids.table["instance"][solids.surface[hits.solid[which].clamp(min=0)]].numpy()
    found[hits.solid[which].numpy() < 0] = 0
    assert np.mean(found != names) < 1e-3
    both = np.isfinite(depth) & (found == names) & (names > 0)
    error = np.abs(depth[both] / expected[both] - 1)
    assert np.quantile(error, 0.99) < 1e-3  # the round ones are only nearly round over there


@pytest.mark.parametrize("which", [0, 1])
def test_normals_are_those_of_another_ray_caster_and_face_the_camera(scenes: list, caught: tuple, which: int) -> None:
    solids, view, hits = caught
    looks = Looks.of(solids, view, hits, Studio(seed=1).on_device)
    normals = looks.normal[:, looks.of_ray].T.reshape(2, -1, 3)[which].numpy()
    whole = trimesh.util.concatenate(scenes[which][1])
    face, ray = whole.ray.intersects_id(np.tile(EYE, (len(rays()), 1)), rays(), multiple_hits=False)
    expected = whole.face_normals[face]
    expected *= -np.sign((expected * rays()[ray]).sum(axis=1))[:, None]
    alike = (normals[ray] * expected).sum(axis=1)
    assert np.allclose(np.linalg.norm(normals[ray], axis=1), 1, atol=1e-4)
    assert np.quantile(alike, 0.01) > np.cos(np.radians(3))  # round ones have facets over there
    assert np.median(alike) > 1 - 1e-6


def test_a_parallel_view_sees_the_same_from_above(scenes: list) -> None:
    solids = pack([scenes[0][0]])
    axes = torch.tensor([[[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]])
    view = View(torch.tensor([[0.0, 30.0, -6.0]]), axes, torch.tensor([8.0]), SIZE, is_parallel=True)
    hits = cast(solids, view)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    start = np.stack([(x - SIZE[1] / 2) / 8, np.full(SIZE, 30.0), (y - SIZE[0] / 2) / 8 - 6], -1).reshape(-1, 3)
    caster = trimesh.ray.ray_pyembree.RayMeshIntersector(trimesh.util.concatenate(scenes[0][1]))
    points, ray, _ = caster.intersects_location(start, np.tile([0, -1.0, 0], (len(start), 1)), multiple_hits=False)
    expected = np.full(SIZE, np.inf)
    expected.ravel()[ray] = 30 - points[:, 1]
    assert np.mean(np.abs(hits.depth[0].numpy() - expected) > 0.02) < 2e-3


def test_a_round_solid_that_widens_towards_the_top_is_whole() -> None:
    scene = SceneSolids()
    scene.add_round(Surface(1, 3, 1), place((0, 1.2, -6), (0.4, 0.8, 0.4)), taper=4.0)
    eye, axes, focal = (torch.tensor(np.array([value]), dtype=torch.float32) for value in (EYE, AXES, FOCAL))
    seen = cast(pack([scene]), View(eye, axes, focal, SIZE)).solid[0].numpy() >= 0
    expected = mesh_of(scene, 0).ray.intersects_any(np.tile(EYE, (len(rays()), 1)), rays()).reshape(SIZE)
    assert np.mean(seen != expected) < 1e-3


def test_transparent_triangles_let_rays_through(scenes: list) -> None:
    solids = pack([scenes[0][0]])
    eye, axes, focal = (torch.tensor(np.array([value]), dtype=torch.float32) for value in (EYE, AXES, FOCAL))
    view = View(eye, axes, focal, SIZE)
    seen = cast(solids, view, opacity=lambda texture, uv: torch.zeros(len(uv), dtype=torch.bool))
    assert not (seen.solid >= solids.starts[1]).any()
    assert (cast(solids, view).solid >= solids.starts[1]).any()
