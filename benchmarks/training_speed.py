"""How fast scenes are made, networks are trained on them, and the embedded one sees.

    python benchmarks/training_speed.py [--material DIR] [--scenes 64] [--steps 20]

Scenes a second are those of one process on one core, and of two at once; rays a second are beside embree's, which knows
the solids as triangles. Without material, surfaces show drawn patterns. Medians of three runs, taken in turn with what
they are beside.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import torch
import trimesh
from blockout.inference.embedded import Embedded
from blockout.inference.photo import read_photo
from blockout.inference.training.compose import compose
from blockout.inference.training.compose_material import list_pictures
from blockout.inference.training.compose_plan import Recipe
from blockout.inference.training.render import cast
from blockout.inference.training.render_solids import GABLE, UNIT_BOX, SceneSolids, Surface, pack, place
from blockout.inference.training.render_views import View
from blockout.inference.training.scene_data import synthesize
from blockout.inference.training.scene_triangles import triangulate
from blockout.inference.training.synthesis import Studio
from blockout.inference.training.train import Training
from blockout.inference.training.train_config import TrainConfig
from composing import make_material

SIZE = (256, 320)  # px
BATCH = 8
RUNS = 3
SEED = 31
EXAMPLE = Path(__file__).parents[1] / "examples" / "square.jpg"


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def make_scenes(material: Path | None, count: int, told: Queue[float], begin: Barrier) -> None:
    """Say how many scenes a second one process makes, once all are ready."""
    torch.set_num_threads(1)
    studio = Studio(material, seed=SEED)
    studio.make(list(range(BATCH)), SIZE)
    for run in range(RUNS):
        begin.wait()
        firsts = range(run * count, (run + 1) * count, BATCH)
        told.put(count / seconds_of(lambda: [studio.make(list(range(at, at + BATCH)), SIZE) for at in firsts]))  # noqa: B023


def scenes_a_second(material: Path | None, count: int, processes: int) -> float:
    """Return the median of runs of what all processes make together."""
    context = multiprocessing.get_context("spawn")
    told, begin = context.Queue(), context.Barrier(processes)
    workers = [context.Process(target=make_scenes, args=(material, count, told, begin)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    rates = [told.get() for _ in range(RUNS * processes)]
    for worker in workers:
        worker.join()
    return processes * statistics.median(rates)


def solids_of_blocks(rng: np.random.Generator, count: int) -> SceneSolids:
    """Return a ground with so many boxes, gables, cylinders and balls on it."""
    scene = SceneSolids()
    scene.add_box(Surface(1, 1, 1), (0, -50, 0), (200, 50, 200))
    for number in range(count):
        half = rng.uniform(0.2, 1.0, 3)
        frame = place((rng.uniform(-8, 8), half[1], rng.uniform(-25, -3)), tuple(half), rng.uniform(0, 6), 0.0)
        surface = Surface(number + 2, 3, 1)
        if number % 4 < 2:
            scene.add(surface, frame, (UNIT_BOX, GABLE)[number % 4])
        else:
            scene.add_round(surface, frame, 0.0, sphere=number % 4 == 3)
    return scene


def rays_a_second() -> tuple[float, float]:
    """Return how many rays are cast at 8 scenes of 120 solids by Blockout, and by embree (hits alone), on one core."""
    torch.set_num_threads(1)
    scenes = [solids_of_blocks(np.random.default_rng(number), 120) for number in range(BATCH)]
    solids = pack(scenes)
    eye, focal = torch.tensor([[0.0, 1.6, 0.0]]).expand(BATCH, 3), torch.full((BATCH,), 300.0)
    axes = torch.tensor([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]]).expand(BATCH, 3, 3)
    view = View(eye, axes, focal, SIZE)
    every = torch.arange(BATCH * SIZE[0] * SIZE[1])
    directions = view.toward(every, every // (SIZE[0] * SIZE[1]))[1].T.reshape(BATCH, -1, 3).contiguous().numpy()
    meshes = []
    for scene in scenes:
        corners, _ = triangulate(scene)
        soup = corners.reshape(-1, 3)
        mesh = trimesh.Trimesh(soup, np.arange(len(soup)).reshape(-1, 3), process=False)
        meshes.append(trimesh.ray.ray_pyembree.RayMeshIntersector(mesh))
    own, embree = [], []
    for _ in range(RUNS + 1):
        own.append(seconds_of(lambda: cast(solids, view)))
        embree.append(
            seconds_of(
                lambda: [
                    mesh.intersects_first(np.tile(eye[:1].numpy(), (len(rays), 1)), rays)
                    for mesh, rays in zip(meshes, directions, strict=True)
                ]
            )
        )
    rays = BATCH * SIZE[0] * SIZE[1]
    return rays / statistics.median(own[1:]), rays / statistics.median(embree[1:])


def pictures_a_second(config: TrainConfig, steps: int) -> float:
    """Return how many pictures training sees a second, reading and all."""
    training = Training(config)
    for _ in range(3):
        training.advance(1e-4)
    seconds = [seconds_of(lambda: training.advance(1e-4)) for _ in range(steps)]
    return config.batch / statistics.median(seconds)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--material", type=Path)
    parser.add_argument("--scenes", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    for processes in (1, 2):
        rate = scenes_a_second(args.material, args.scenes, processes)
        print(f"scenes of {SIZE[0]} x {SIZE[1]} px a second, {processes} process(es): {rate:.1f}", flush=True)
    threads = torch.get_num_threads()
    own, embree = rays_a_second()
    print(f"million rays a second on one core: {own / 1e6:.2f}, embree {embree / 1e6:.2f}", flush=True)
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        synthesize(folder / "scenes", 128, seed=SEED, pack=args.material)
        foregrounds, backgrounds = (list_pictures(part, part.name) for part in make_material(folder))
        compose(Recipe(foregrounds, backgrounds, count=500), folder / "pairs")
        for precision in ("float32", "bfloat16"):
            kinds: dict[str, Callable[..., TrainConfig]] = {
                "scene, 96 x 128 px, 16 a batch": partial(
                    TrainConfig, "scene", folder / "scenes", batch=16, options={"scale": 2}
                ),
                "scene, 192 x 256 px, 8 a batch": partial(TrainConfig, "scene", folder / "scenes", batch=8),
                "pair, 128 x 128 px, 12 a batch": partial(
                    TrainConfig,
                    "pair",
                    folder / "pairs",
                    batch=12,
                    options={"crop": 128, "losses": {"mask": {"bce": 1.0, "dice": 2.0}}},
                ),
            }
            for name, make in kinds.items():
                config = make(output=folder / "run", precision=precision, tensorboard=False)
                print(f"{name}, {precision}: {pictures_a_second(config, args.steps):.0f} pictures a second", flush=True)
    embedded, photo = Embedded(), read_photo(EXAMPLE)
    embedded.predict(photo, None)
    networks = statistics.median(seconds_of(lambda: embedded.run(photo.rgb)) for _ in range(RUNS))
    whole = statistics.median(seconds_of(lambda: embedded.predict(photo, None)) for _ in range(RUNS))
    print(f"embedded, {photo.size[1]} x {photo.size[0]} px: networks {networks:.2f} s, with all else {whole:.2f} s")


if __name__ == "__main__":
    main()
