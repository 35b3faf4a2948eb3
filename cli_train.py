"""The commands ``blockout train`` and ``evaluate``: their options, and what they hand over. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .cli_options import GOES_ON, Stopped, add_reporting, whole
from .cli_pair import run_evaluate_pair, run_find_lr


def add_training(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands; each sets ``run``, which cli.py calls with the arguments."""
    train = commands.add_parser(
        "train",
        help="train a network as a TOML file says",
        description="Train the network that is built in, or the one that compares a photo with its clean plate: the "
        "file's task says which. Repeated, the command goes on from the last checkpoint, bit by bit.",
    )
    train.set_defaults(run=run_train, when_stopped=GOES_ON)
    train.add_argument("config", type=Path, metavar="CONFIG.toml", help="task, data, output, steps, batch, rate ...")
    train.add_argument("--find-lr", action="store_true", help="only test learning rates, draw a plot and suggest one")
    train.add_argument("--plot", type=Path, metavar="FILE.png", help="of --find-lr (default: CONFIG.rate.png here)")
    train.add_argument("--export", type=Path, metavar="FILE.onnx", help="at the end, write the network as ONNX")
    add_reporting(train)
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a network on scenes or frames with known depth",
        description="Measure a network beside the estimator geometric and floors that need no picture.",
    )
    evaluate.set_defaults(run=run_evaluate)
    evaluate.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="of 'dataset synthesize' or, for pairs, 'compose', or frames: */image.*, depth.npz, intrinsics.json",
    )
    evaluate.add_argument(
        "--network", type=Path, metavar="FILE", help="another .onnx than the one that ships, or a pair checkpoint.pt"
    )
    evaluate.add_argument("--count", type=whole(), default=200, metavar="N", help="synthetic scenes (default: 200)")
    add_reporting(evaluate)


def run_train(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Train and tell the late losses."""
    if arguments.find_lr:
        return run_find_lr(arguments, was_stopped)
    from .console import make_console
    from .inference.training.checkpoints import CHECKPOINT
    from .inference.training.train import Training
    from .inference.training.train_config import read_config

    config = read_config(arguments.config)
    with make_console(arguments) as console:
        report = console.watch(config.output, was_stopped)
        training = Training(config)
        begun = training.step if training.resume() else 0

        def progress(step: int, steps: int, losses: dict[str, float]) -> None:
            if training.team.leads:
                report(f"step {step}, loss {losses['total']:.3f}", step / steps)
            elif was_stopped():
                raise KeyboardInterrupt

        losses = training.run(progress)
        if not training.team.leads:  # the first process tells
            return 0
        files = [config.output / CHECKPOINT]
        if arguments.export:
            from .inference.training.export import export_scene
            from .inference.training.pair_export import export_pair
            from .inference.training.pair_task import PairTask
            from .inference.training.scene_task import SceneTask

            if isinstance(training.task, PairTask):
                files.append(export_pair(files[0], arguments.export, training.task.outputs))
            elif isinstance(training.task, SceneTask):
                files.append(export_scene(files[0], arguments.export, bits=training.task.bits))
        shown = {name: round(value, 4) for name, value in losses.items()}
        record = {"task": config.task, "steps": training.step, "from": begun, "losses": shown}
        record["files"] = [str(file) for file in files]
        lines = [f"{name:<12} {value:g}" for name, value in shown.items()]
        console.report(record, [*lines, *(f"wrote        {file}" for file in files)])
    return 0


def run_evaluate(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Measure a network and print the table."""
    if arguments.network and arguments.network.suffix == ".pt":
        return run_evaluate_pair(arguments, was_stopped)
    from .console import make_console
    from .inference.training.evaluate import evaluate, table_of

    folder = arguments.folder
    with make_console(arguments) as console:
        progress = console.watch_count(folder, "pictures", was_stopped)
        network = arguments.network
        rows = evaluate(folder, network, arguments.count, progress)
        console.report({"folder": str(folder), "rows": rows}, table_of(rows))
    return 0
