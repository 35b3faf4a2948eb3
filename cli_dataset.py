"""The commands ``blockout dataset ...``: their options, and what they hand over and show. Imports nothing heavy."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cli_options import GOES_ON, LARGEST_SEED, Stopped, add_reporting, names, positive, whole
from .cli_pair import add_backgrounds
from .cli_synthesize import add_synthesize
from .errors import UsageError

if TYPE_CHECKING:
    from .inference.training.compose_plan import Recipe

SHOWN_PROBLEMS = 20


def add_dataset(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``dataset`` with its commands; each sets ``run``, which cli.py calls with the arguments."""
    dataset = commands.add_parser(
        "dataset", help="make, measure and check data sets", description="Make, measure and check data sets."
    )
    actions = dataset.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_compose(actions)
    add_synthesize(actions)
    add_backgrounds(actions)
    _add_stats(actions)
    _add_verify(actions)


def _add_compose(actions: argparse._SubParsersAction[Any]) -> None:
    compose = actions.add_parser(
        "compose",
        help="cut-outs on backgrounds, with masks, depth and boxes",
        description="Paste cut-outs on backgrounds: overlay, mask, depth and box of each. The same options and "
        "pictures give the same bytes; repeated after an interruption, the command goes on where it stopped.",
    )
    compose.set_defaults(run=run_compose, when_stopped=GOES_ON)
    compose.add_argument("--foregrounds", required=True, type=Path, metavar="DIR", help="pictures with transparency")
    compose.add_argument("--backgrounds", required=True, type=Path, metavar="DIR", help="photos; their middle is used")
    compose.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help="the folder of the data set")
    _add_choice(compose.add_argument_group("which of the pictures are taken (default: all)"))
    _add_samples(compose.add_argument_group("data set"))
    _add_depth(compose.add_argument_group("depth: none unless one of the first two is given"))
    work = compose.add_argument_group("work")
    work.add_argument("--workers", type=whole(), default=_cores(), metavar="N", help="processes (default: one a core)")
    work.add_argument("--ray", metavar="ADDRESS", help="work on a Ray cluster; its nodes see the same paths")
    work.add_argument("--keep-going", action="store_true", help="skip and name pictures that cannot serve")
    add_reporting(compose)


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--licences",
        type=names,
        default="any",
        metavar="LIST",
        help="only what an index.csv beside a folder lists under these, as CC0,MIT-0 (default: any)",
    )
    group.add_argument(
        "--part",
        choices=("all", "training", "evaluation"),
        default="all",
        help="without, or only, the eighth of the files that is kept for evaluation (default: all)",
    )


def _add_samples(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--layout",
        choices=("shards", "tree", "flat"),
        default="shards",
        help="WebDataset tar files; bg_1/fg_1/overlay/1.jpg and so on; or bg_fg/bg001_fg001_01.jpeg with file_map.txt "
        "and bbox.txt (default: shards)",
    )
    group.add_argument("--size", type=_size, default=(224, 224), metavar="N|HxW", help="pixels (default: 224)")
    group.add_argument(
        "--placements", type=whole(), default=20, metavar="N", help="random places for each pair (default: 20)"
    )
    group.add_argument(
        "--no-mirror", dest="mirror", action="store_false", help="not as many again with the foreground mirrored"
    )
    group.add_argument("--count", type=whole(), metavar="N", help="this many, spread over all (default: all)")
    group.add_argument(
        "--scale",
        type=_share,
        nargs=2,
        default=(0.2, 0.7),
        metavar=("MIN", "MAX"),
        help="heights of foregrounds as shares of the picture's (default: 0.2 0.7)",
    )
    group.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, metavar="N", help="of places, sizes and order (default: 0)"
    )
    group.add_argument("--quality", type=whole(1, 100), default=90, metavar="Q", help="of JPEG (default: 90)")
    group.add_argument("--shard-size", type=whole(), default=1000, metavar="N", help="samples a shard (default: 1000)")


def _add_depth(group: argparse._ArgumentGroup) -> None:
    one = group.add_mutually_exclusive_group()
    one.add_argument("--depth", metavar="NAME", help="the estimator that looks at each composite")
    one.add_argument(
        "--background-depths",
        metavar="DIR",
        help="depth maps called as the backgrounds; foregrounds stand upright where their foot is",
    )
    group.add_argument(
        "--depth-far",
        type=positive("distance"),
        default=10.0,
        metavar="METRES",
        help="what is white in the 8-bit maps of tree and flat (default: 10)",
    )


def run_compose(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Make a data set of composites and tell what was made."""
    from .console import make_console
    from .inference.training.compose import compose

    recipe = _read_recipe(arguments)
    with make_console(arguments) as console:
        done = compose(
            recipe,
            arguments.output,
            workers=arguments.workers,
            ray_address=arguments.ray,
            keep_going=arguments.keep_going,
            progress=console.watch(arguments.output, was_stopped),
        )
        for sentence in done.skipped:
            console.say(f"blockout: skipped {sentence}")
        record = {"output": str(arguments.output), "samples": done.recipe.samples, "resumed": done.resumed}
        record |= {"foregrounds": len(done.recipe.foregrounds), "backgrounds": len(done.recipe.backgrounds)}
        console.report(record | {"skipped": list(done.skipped)}, _describe_compose(arguments, record, done.skipped))
    return 0


def _read_recipe(arguments: argparse.Namespace) -> Recipe:
    from .inference.training.compose_material import list_pictures
    from .inference.training.compose_plan import Recipe
    from .inference.training.material_folder import ANY, INDEX

    folders = arguments.foregrounds, arguments.backgrounds
    if ANY not in arguments.licences and not any((folder.absolute().parent / INDEX).is_file() for folder in folders):
        raise UsageError(f"--licences: neither {folders[0]} nor {folders[1]} has an {INDEX} beside it that names them.")
    least, largest = arguments.scale
    if least > largest:
        raise UsageError(f"--scale {least:g} {largest:g}: the first must not be above the second.")
    return Recipe(
        list_pictures(arguments.foregrounds, "foregrounds", arguments.licences, arguments.part),
        list_pictures(arguments.backgrounds, "backgrounds", arguments.licences, arguments.part),
        layout=arguments.layout,
        size=arguments.size,
        placements=arguments.placements,
        mirror=arguments.mirror,
        count=arguments.count,
        shares=(least, largest),
        seed=arguments.seed,
        depth=arguments.depth,
        background_depths=arguments.background_depths,
        depth_far_m=arguments.depth_far,
        quality=arguments.quality,
        chunk=arguments.shard_size,
    )


def _describe_compose(arguments: argparse.Namespace, record: dict[str, Any], skipped: tuple[str, ...]) -> list[str]:
    lines = [
        f"composites   {record['samples']:,} of {record['foregrounds']:,} foregrounds on "
        f"{record['backgrounds']:,} backgrounds",
        f"wrote        {arguments.output}",
    ]
    if record["resumed"]:
        lines.insert(1, f"resumed      {record['resumed']:,} were there")
    if skipped:
        lines.insert(1, f"skipped      {len(skipped):,} pictures, named above")
    return lines


def _add_stats(actions: argparse._SubParsersAction[Any]) -> None:
    stats = actions.add_parser(
        "stats",
        help="counts, sizes, bytes, mean and deviation of each channel",
        description="Measure a data set of composites in one pass; shards, tree and flat are told apart.",
    )
    stats.set_defaults(run=run_stats)
    stats.add_argument("folder", type=Path, metavar="DIR", help="the data set")
    stats.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="where some samples are drawn (default: <DIR>.sheet.png here)"
    )
    stats.add_argument("--workers", type=whole(), default=_cores(), metavar="N", help="threads (default: one a core)")
    add_reporting(stats)


def _add_verify(actions: argparse._SubParsersAction[Any]) -> None:
    verify = actions.add_parser(
        "verify",
        help="find what is broken, missing or does not belong together",
        description="Decode each picture of a data set of composites and compare the members of each sample.",
    )
    verify.set_defaults(run=run_verify)
    verify.add_argument("folder", type=Path, metavar="DIR", help="the data set")
    verify.add_argument("--workers", type=whole(), default=_cores(), metavar="N", help="threads (default: one a core)")
    add_reporting(verify)


def run_stats(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Measure a data set, print the table and draw the contact sheet."""
    from .console import make_console
    from .inference.training.dataset_stats import describe_stats, measure_dataset
    from .inference.training.plots import write_picture

    folder = arguments.folder
    sheet = arguments.sheet or Path(f"{folder.absolute().name}.sheet.png")
    with make_console(arguments) as console:
        stats = measure_dataset(folder, threads=arguments.workers, progress=console.watch(folder, was_stopped))
        write_picture(stats.sheet, sheet)
        kinds = {kind: measured.record() for kind, measured in stats.kinds.items()}
        record = {"folder": str(folder), "layout": stats.layout, "samples": stats.samples, "kinds": kinds}
        console.report(record | {"sheet": str(sheet)}, [*describe_stats(stats), f"wrote        {sheet}"])
    return 0


def run_verify(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Check a data set; 1 when something is wrong with it."""
    from .console import make_console
    from .inference.training.dataset_verify import verify_dataset

    folder = arguments.folder
    with make_console(arguments) as console:
        found = verify_dataset(folder, threads=arguments.workers, progress=console.watch(folder, was_stopped))
        record = {"folder": str(folder), "samples": found.samples, "problems": found.count}
        verdict = f"{found.count:,} problems" if found.count else "nothing is wrong"
        lines = [*found.problems[:SHOWN_PROBLEMS], f"verified     {found.samples:,} samples: {verdict}"]
        if found.count > SHOWN_PROBLEMS:
            lines.insert(-1, f"... and {found.count - SHOWN_PROBLEMS:,} more, which --json lists")
        console.report(record | {"named": list(found.problems)}, lines)
    return 1 if found.count else 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _share(text: str) -> float:
    value = positive("share")(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than 1, the whole height")
    return value


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and 16 <= int(side) <= 4096 for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r} is neither N nor HxW with sides from 16 to 4096 px")
    return int(sides[0]), int(sides[-1])
