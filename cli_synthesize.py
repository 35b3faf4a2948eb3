"""The command ``blockout dataset synthesize``: its options, and what it hands over. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .cli_options import GOES_ON, LARGEST_SEED, Stopped, add_reporting, names, whole


def add_synthesize(actions: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``dataset``."""
    synthesize = actions.add_parser(
        "synthesize",
        help="drawn scenes with true depth, instances, kinds, shapes, normals and camera",
        description="Ray-cast rooms, table tops, streets and skylines with the truth for each pixel. The same seed and "
        "material give the same scenes; repeated, the command makes those that are missing.",
    )
    synthesize.set_defaults(run=run_synthesize, when_stopped=GOES_ON)
    synthesize.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT", help="the folder of the data set"
    )
    synthesize.add_argument("--count", type=whole(), default=8192, metavar="N", help="scenes (default: 8192)")
    synthesize.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, metavar="N", help="of everything (default: 0)"
    )
    synthesize.add_argument(
        "--material",
        type=Path,
        metavar="DIR",
        help="textures/, sky/, backgrounds/, foregrounds/, models/ (default: drawn patterns)",
    )
    synthesize.add_argument(
        "--held-out", action="store_true", help="use the eighth of the material that training never sees"
    )
    synthesize.add_argument(
        "--licences",
        type=names,
        default="CC0,MIT-0",
        metavar="LIST",
        help="of the material that may be used, by its index.csv; 'any' takes all (default: CC0,MIT-0)",
    )
    synthesize.add_argument(
        "--cycles",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="of scenes that Cycles lights, 0 to 1; BLOCKOUT_BPY_PYTHON names a Python with bpy (default: 0)",
    )
    synthesize.add_argument("--workers", type=whole(), default=1, metavar="N", help="processes (default: 1)")
    add_reporting(synthesize)


def run_synthesize(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Make synthetic scenes and tell how many."""
    from .console import make_console
    from .inference.training.scene_data import SHARD, synthesize

    folder = arguments.output
    with make_console(arguments) as console:
        made = synthesize(
            folder,
            arguments.count,
            arguments.seed,
            arguments.material,
            arguments.workers,
            held_out=arguments.held_out,
            progress=console.watch_count(folder, "scenes", was_stopped),
            licences=arguments.licences,
            cycles=arguments.cycles,
        )
        record = {"output": str(folder), "scenes": -(-arguments.count // SHARD) * SHARD, "made": made * SHARD}
        lines = [f"scenes       {record['scenes']:,}, {record['made']:,} of them now", f"wrote        {folder}"]
        console.report(record, lines)
    return 0


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share
