"""What ``train --find-lr``, ``evaluate`` of pairs and ``dataset backgrounds`` hand over; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .cli_options import Stopped, add_reporting, whole


def add_backgrounds(actions: argparse._SubParsersAction[Any]) -> None:
    """Add ``backgrounds`` to the commands of ``dataset``."""
    backgrounds = actions.add_parser(
        "backgrounds",
        help="synthetic scenes as backgrounds with true depth",
        description="Write scenes of 'dataset synthesize' as OUT/pictures and OUT/depths, which 'dataset compose' "
        "takes with --backgrounds and --background-depths.",
    )
    backgrounds.set_defaults(run=run_backgrounds, when_stopped="repeat the command, which begins anew")
    backgrounds.add_argument("scenes", type=Path, metavar="SCENES", help="the folder of scenes")
    backgrounds.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT", help="the folder for pictures and depths"
    )
    backgrounds.add_argument("--count", type=whole(), metavar="N", help="scenes (default: all)")
    add_reporting(backgrounds)


def run_backgrounds(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Unpack scenes and tell how many."""
    from .console import make_console
    from .inference.training.pair_backgrounds import unpack_scenes

    output = arguments.output
    with make_console(arguments) as console:
        progress = console.watch_count(output, "scenes", was_stopped)
        written = unpack_scenes(arguments.scenes, output, arguments.count, progress)
        record = {"output": str(output), "scenes": written}
        console.report(record, [f"scenes       {written:,}", f"wrote        {output}"])
    return 0


def run_find_lr(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Test learning rates on a fresh network, draw the plot and tell which to take."""
    from .console import make_console
    from .inference.training.find_lr import draw_search, search_rate
    from .inference.training.plots import write_picture
    from .inference.training.train import Training
    from .inference.training.train_config import read_config

    path = arguments.config
    plot = arguments.plot or Path(f"{path.stem}.rate.png")
    with make_console(arguments) as console:
        progress = console.watch_count(path, "learning rates", was_stopped)
        found = search_rate(Training(read_config(path)), progress=progress)
        write_picture(draw_search(found), plot)
        record = {"suggested": found.suggested, "rates": found.rates.tolist(), "losses": found.losses.tolist()}
        lines = [f"suggested    rate = {found.suggested:.2g}, in {path}", f"wrote        {plot}"]
        console.report(record | {"plot": str(plot)}, lines)
    return 0


def run_evaluate_pair(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Measure a pair network on a data set of composites."""
    from .console import make_console
    from .inference.training.pair_task import evaluate_pair, load_pair

    folder = arguments.folder
    with make_console(arguments) as console:
        progress = console.watch_count(folder, "composites", was_stopped)
        figures = evaluate_pair(load_pair(arguments.network), folder, arguments.count, progress=progress)
        console.report(
            {"folder": str(folder), **figures}, [f"{name:<20} {value:.4g}" for name, value in figures.items()]
        )
    return 0
