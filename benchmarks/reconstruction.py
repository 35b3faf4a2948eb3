"""How well solids match scenes of known geometry, beside other ways to make them.

    python benchmarks/reconstruction.py --only 10 --worst 5      # a quick turn
    python benchmarks/reconstruction.py --detail 0 2 --each --rivals
    python benchmarks/reconstruction.py --rgbd ../shared/photos/rgbd --rivals

The scenes are those that scenes.py makes; the first run makes the 40 for development in .cache/scenes.
Needs ../shared/tools/evaluate_stage.py, which does the measuring, and the packages that it names.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from blockout.errors import BlockoutError
from blockout.inference.prediction import Prediction
from blockout.pipeline import BuildOptions, prediction_to_usd
from blockout.reconstruct.settings import Settings
from scene_inputs import Faults, read_frame, read_scene
from scene_rivals import RIVALS, Meshes, write_meshes
from scene_sight import find_sight, print_sight
from scenes import SCENES, make_scenes

ROOT = Path(__file__).resolve().parents[1]
EVALUATOR = ROOT.parent / "shared" / "tools" / "evaluate_stage.py"
COLUMNS = {
    "absrel": "AbsRel",
    "d105": "in 5 %",
    "iou_things": "things",
    "iou_stuff": "stuff",
    "vol_iou": "volIoU",
    "box_iou": "boxIoU",
    "fscore": "F",
    "hidden_recall": "hidden",
    "thick_err": "thick",
    "faces": "faces",
    "watertight": "closed",
    "seconds": "s",
}
VIEW_COLUMNS = {key: COLUMNS[key] for key in ("absrel", "d105", "faces", "watertight", "seconds")}
LEAST_SHARE = 0.003  # of a picture: smaller instances are not scored, as in the evaluator
NOISE, BLUR_PX = 0.05, 6.0

Build = Callable[[Prediction, Path], None]
Scores = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One row of the table: who builds, from what depth."""

    name: str
    build: Build
    faults: Faults


def load_evaluator(path: Path) -> ModuleType:
    """Return the evaluator as a module, or leave with a sentence when it, or something it needs, is absent."""
    if not path.is_file():
        sys.exit(f"{path} is absent, and it does the measuring: name the evaluator with --evaluator.")
    spec = importlib.util.spec_from_file_location("evaluate_stage", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up by name
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        sys.exit(f"{path} needs the package {error.name}: pip install trimesh embreex mapbox-earcut scipy pillow.")
    return module


def build_blockout(settings: Settings, prediction: Prediction, path: Path) -> None:
    """Build a stage with the package itself."""
    prediction_to_usd(prediction, path, BuildOptions(settings=settings, preview=False, overwrite=True))


def build_rival(make: Callable[[Prediction], Meshes], prediction: Prediction, path: Path) -> None:
    """Build a stage in another way."""
    write_meshes(make(prediction), prediction.camera, path)


def timed(run: Run, prediction: Prediction, path: Path) -> float:
    """Build a stage and return the seconds that it took."""
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    run.build(prediction, path)
    return time.perf_counter() - start


def score_scene(evaluator: ModuleType, run: Run, scene: Path, seed: int, path: Path) -> Scores:
    """Return the evaluator's scores of a scene; "things" and "sight" hold one of each thing, 0 where none matches."""
    seconds = timed(run, read_scene(scene, run.faults, seed), path)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        scores = evaluator.evaluate(path, scene)
    ids = np.asarray(evaluator.Image.open(scene / "segments.png"))
    share = np.bincount(ids.ravel(), minlength=256) / ids.size
    classes, names = (json.loads((scene / f"{file}.json").read_text()) for file in ("segments", "instances"))
    things, sight, rows = {}, find_sight(scene), []
    for key, label in classes.items():
        if label not in evaluator.STUFF and share[int(key)] >= LEAST_SHARE:
            row = scores["instances"].get(names[key], {})
            things[f"{scene.name}/{names[key]}"] = (label, row.get("vol_iou", 0.0), row.get("object", "unmatched"))
            rows.append((sight[names[key]], row))
    return scores | {"seconds": seconds, "things": things, "sight": rows}


def score_frame(evaluator: ModuleType, run: Run, folder: Path, seed: int, path: Path) -> Scores:
    """Return how a stage of a measured frame looks through its camera."""
    seconds = timed(run, read_frame(folder, run.faults, seed), path)
    stage = evaluator.load(path)
    camera = json.loads((folder / "intrinsics.json").read_text())
    measured = np.load(folder / "depth.npz")["depth"]
    with np.errstate(all="ignore"):
        scores = evaluator.view_depth(evaluator.render(stage, camera)[0], measured)
    closed = [shut for mesh in stage.meshes for _, shut in evaluator.split(mesh)]
    return scores | stage.counts | {"watertight": float(np.mean(closed)), "seconds": seconds}


def mean_row(scores: Iterable[Scores], columns: Iterable[str]) -> Scores:
    """Return the mean of each column over scenes, those without a value left out."""
    rows = list(scores)
    row = {}
    for key in columns:
        values = np.array([r[key] for r in rows], np.float64)
        row[key] = float(np.nanmean(values)) if np.isfinite(values).any() else np.nan
    return row


def print_classes(results: dict[str, list[Scores]]) -> None:
    """Print the mean volume IoU of each class, one column for each run."""
    by_class: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in results.items():
        for row in rows:
            for label, volume_iou, _ in row["things"].values():
                by_class[label][name].append(volume_iou)
    for number, name in enumerate(results, 1):
        print(f"({number}) {name}")
    print(f"{'volume IoU of':<16}{'count':>6}" + "".join(f"{f'({n})':>8}" for n in range(1, len(results) + 1)))
    for label in sorted(by_class, key=lambda c: -len(next(iter(by_class[c].values())))):
        found = by_class[label]
        cells = "".join(f"{np.mean(found[name]) if found[name] else np.nan:8.3f}" for name in results)
        print(f"{label:<16}{max(map(len, found.values())):>6}{cells}")


def print_worst(rows: list[Scores], count: int) -> None:
    """Print the things with the least volume IoU, to look at."""
    things = {name: thing for row in rows for name, thing in row["things"].items()}
    for name, (_, volume_iou, prim) in sorted(things.items(), key=lambda item: item[1][1])[:count]:
        print(f"{volume_iou:.3f} {name} ({prim})")


def measure(runs: list[Run], folders: list[Path], score: Callable[[Run, int, Path], Scores]) -> dict[str, list[Scores]]:
    """Return the scores of all folders by the names of the runs; a build that ends in a sentence is told and left out.

    Args:
        runs: the rows.
        folders: the scenes.
        score: called with a run, a scene's number and its folder.
    """
    results: dict[str, list[Scores]] = {run.name: [] for run in runs}
    for number, folder in enumerate(folders):
        for run in runs:
            try:
                results[run.name].append(score(run, number, folder))
            except BlockoutError as error:
                print(f"{folder.name}, {run.name}: {error}", file=sys.stderr)
            except Exception as error:
                error.add_note(f"{run.name} of {folder}")
                raise
        if sys.stderr.isatty():
            print(f"{number + 1}/{len(folders)} {folder.name:40}", file=sys.stderr, end="\r")
    return results


def make_runs(args: argparse.Namespace) -> list[Run]:
    """Return the rows that the arguments ask for."""
    asked = Faults(args.noise, args.blur_edges)
    if args.each:
        noise, blur = asked.noise or NOISE, asked.blur_px or BLUR_PX
        faults = [Faults(), Faults(noise), Faults(blur_px=blur), Faults(noise, blur)]
    else:
        faults = [asked]
    given = dict(pair.split("=", 1) for pair in args.set)
    options = {key: json.loads(value) if value[:1].isdigit() else value for key, value in given.items()}
    makers: dict[str, Build] = {}
    for detail in args.detail:
        makers[f"Blockout, detail {detail}"] = partial(build_blockout, Settings(detail=detail, **options))
    if args.rivals:
        makers |= {name: partial(build_rival, make) for name, make in RIVALS.items()}
    return [Run(f"{name}, {fault}", build, fault) for fault in faults for name, build in makers.items()]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=SCENES, help="what scenes.py made")
    parser.add_argument("--only", type=int, metavar="N", help="the first N scenes; 10 hold one of each kind")
    parser.add_argument("--detail", type=int, nargs="+", default=[Settings().detail])
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="other fields of Settings")
    parser.add_argument("--noise", type=float, nargs="?", const=NOISE, default=0.0, help="deviation of smooth noise")
    parser.add_argument("--blur-edges", type=float, nargs="?", const=BLUR_PX, default=0.0, metavar="PX")
    parser.add_argument("--each", action="store_true", help="true depth, each fault alone, and both")
    parser.add_argument("--rivals", action="store_true", help="other ways to make solids too")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="name the N worst things of the first row")
    parser.add_argument("--rgbd", type=Path, metavar="FOLDER", help="measure frames with measured depth instead")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the stages there")
    parser.add_argument("--evaluator", type=Path, default=EVALUATOR)
    return parser.parse_args()


def main() -> None:
    """Measure and print the tables."""
    args = parse_arguments()
    evaluator, runs = load_evaluator(args.evaluator), make_runs(args)
    if not args.rgbd and args.scenes == SCENES and not SCENES.is_dir():
        make_scenes(SCENES)
    source, mark = (args.rgbd, "depth.npz") if args.rgbd else (args.scenes, "depth.npy")
    folders = sorted(path.parent for path in source.glob(f"*/{mark}"))[: args.only]
    if not folders:
        sys.exit(f"{source} holds no folder with {mark}: make scenes with python benchmarks/scenes.py -o {source}.")
    with tempfile.TemporaryDirectory() as scratch:
        place = args.keep or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)

        def path_of(run: Run, folder: Path) -> Path:
            return place / f"{folder.name}_{''.join(c if c.isalnum() else '_' for c in run.name)}.usd"

        if args.rgbd:
            columns = VIEW_COLUMNS
            results = measure(runs, folders, lambda run, n, f: score_frame(evaluator, run, f, n, path_of(run, f)))
        else:
            columns = COLUMNS
            results = measure(runs, folders, lambda run, n, f: score_scene(evaluator, run, f, n, path_of(run, f)))
    means = {name: mean_row(rows, columns) for name, rows in results.items() if rows}
    print(f"mean of {len(folders)}")
    print("\n".join(evaluator.table(means, columns)))
    if args.rgbd:
        for name, rows in results.items():
            print(
                "\n".join([name, *evaluator.table({f.name: r for f, r in zip(folders, rows, strict=False)}, columns)])
            )
    else:
        print_classes(results)
        print_sight([thing for row in next(iter(results.values())) for thing in row["sight"]])
        print_worst(next(iter(results.values())), args.worst)


if __name__ == "__main__":
    main()
