"""The command line's options: what may be typed, with one sentence for what may not. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from .errors import UsageError
from .inference.catalogue import DEFAULT

Stopped = Callable[[], bool]  # tells whether Ctrl-C or SIGTERM came
# What an interruption leaves, of commands in general and of those that say so.
NOTHING_WRITTEN, GOES_ON = "nothing was written", "repeat the command, which goes on from there"
LARGEST_SEED = 2**63 - 1
EPILOG = "Stages open in Blender and in Maya; exit codes: 0 done, 1 bad data, 2 wrong usage, 130 interrupted."


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print, so that one place words and prints every error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the program."""
        raise UsageError(f"{message}; see {self.prog} --help.")


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: the words after the program's name; None takes the process's own.

    Raises:
        UsageError: an option or value that makes no sense.
    """
    return _make_parser().parse_args(argv)


def _make_parser() -> argparse.ArgumentParser:
    from . import __version__
    from .cli_dataset import add_dataset
    from .cli_train import add_training

    parser = _Parser(prog="blockout", description="One photo in, an editable 3D blockout out.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"blockout {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_build(commands)
    _add_predict(commands)
    add_dataset(commands)
    add_training(commands)
    _add_compare(commands)
    _add_models(commands)
    return parser


def _add_build(commands: argparse._SubParsersAction[_Parser]) -> None:
    build = commands.add_parser("build", help="photo to USD stage", description="Turn photos into USD stages.")
    build.add_argument("photos", nargs="+", metavar="PHOTO", help="a picture; after -- also names with a leading dash")
    build.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="the stage, ending in .usd, .usda, .usdc or .usdz, or a folder for one stage a photo "
        "(default: <photo>.usd in the current folder)",
    )
    _add_inference(build)
    _add_shape(build.add_argument_group("blockout"))
    _add_stage(build.add_argument_group("stage"))
    files = build.add_argument_group("files")
    files.add_argument("--keep-maps", action="store_true", help="write depth, segments and camera beside the stage")
    files.add_argument(
        "--maya-script", action="store_true", help="also write <name>.maya.py, for a Maya without mayaUSD"
    )
    files.add_argument(
        "--cubes", type=Path, metavar="FILE.txt", help="also write the dictionary of Maya cubes of 2D_3D"
    )
    files.add_argument("--no-preview", dest="preview", action="store_false", help="write no <name>.preview.png")
    _add_reporting(build, files)


def _add_shape(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--detail", type=whole(0), default=2, metavar="N", help="levels of parts (default: 2)")
    group.add_argument(
        "--shapes",
        choices=("auto", "prism"),
        default="auto",
        help="prism: no boxes, cylinders, cones or turned solids (default: auto, where one explains a segment)",
    )
    group.add_argument(
        "--scale-reference",
        type=_label_and_height,
        metavar="LABEL=METRES",
        help="the real height of the largest segment with that label",
    )
    group.add_argument("--scale", type=positive("factor"), default=1.0, metavar="FACTOR", help="multiply all lengths")


def _add_stage(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--units", choices=("cm", "m"), default="cm", help="the stage's unit (default: cm)")
    group.add_argument("--up", type=str.upper, choices=("Y", "Z"), default="Y", help="the axis that is up (default: Y)")
    group.add_argument(
        "--texture",
        choices=("photo", "colour"),
        default="colour",
        help="photo: project the photograph on the faces that it shows (default: colour, each segment's mean)",
    )
    group.add_argument(
        "--tint-guessed", action="store_true", help="colour faces that the photo does not show a little grey-blue"
    )
    group.add_argument("--backdrop", action="store_true", help="a card behind everything that shows the photo")


def _add_predict(commands: argparse._SubParsersAction[_Parser]) -> None:
    predict = commands.add_parser(
        "predict",
        help="photo to maps that an artist can paint over",
        description="Stop after inference: write depth.npy, segments.png with segments.json, and camera.json.",
    )
    predict.add_argument("photos", nargs=1, metavar="PHOTO", help="a picture")
    predict.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="the folder for the maps")
    _add_inference(predict)
    _add_reporting(predict, predict.add_argument_group("files"))


def _add_compare(commands: argparse._SubParsersAction[_Parser]) -> None:
    compare = commands.add_parser(
        "compare",
        help="several estimators side by side",
        description="Build with each pair of estimators, and show maps and blockouts side by side on one sheet.",
    )
    compare.add_argument("photos", nargs=1, metavar="PHOTO", help="a picture")
    compare.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="SHEET.png",
        help="the sheet (default: <photo>.comparison.png in the current folder)",
    )
    _add_inference(compare, several=True)
    _add_reporting(compare, compare.add_argument_group("files"))


def _add_models(commands: argparse._SubParsersAction[_Parser]) -> None:
    models = commands.add_parser(
        "models",
        help="list the estimators, or fetch a model",
        description="List the estimators: task, size, licence, where weights come from, and whether they are here.",
    )
    models.add_argument(
        "--time",
        nargs="*",
        metavar="ESTIMATOR",
        help="measure seconds for a picture on this machine, of these (as after --depth) or of all that are here",
    )
    models.add_argument("--json", action="store_true", help="the list as JSON on stdout")
    _add_device(models)
    actions = models.add_subparsers(dest="action", metavar="[fetch ID]")
    fetch = actions.add_parser("fetch", help="download a model from the Hugging Face hub")
    fetch.add_argument("id", metavar="ID", help="OWNER/NAME, or a name of the list")


def _add_inference(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    maps = parser.add_argument_group(
        "depth and segments: an estimator as NAME[:PATH or ID], a model's id or folder, or a map made elsewhere"
    )
    many: dict[str, Any] = {"nargs": "+", "default": [DEFAULT]} if several else {"default": DEFAULT}
    maps.add_argument("--depth", **many, metavar="NAME|FILE", help=".npy, .npz, 16-bit .png or .exr")
    maps.add_argument(
        "--depth-scale",
        type=positive("scale"),
        default=0.001,
        metavar="METRES",
        help="metres for each step of a 16-bit PNG (default: 0.001)",
    )
    maps.add_argument("--depth-kind", choices=("depth", "disparity"), help="what the file holds, where it does not say")
    maps.add_argument("--segments", **many, metavar="NAME|FILE", help=".png or .npy of ids, or 2D_3D's .npy")
    _add_device(maps)
    maps.add_argument(
        "--clean-plate",
        type=Path,
        metavar="BG.jpg",
        help="the same view without the things in the foreground: each of them becomes a segment with its own depth",
    )
    maps.add_argument(
        "--pair-network",
        type=Path,
        metavar="FILE.onnx",
        help="what compares both (default: what ships)",
    )
    lens = parser.add_argument_group("camera: else EXIF, else the estimator's, else 55 degrees")
    only_one = lens.add_mutually_exclusive_group()
    only_one.add_argument(
        "--camera",
        type=Path,
        metavar="FILE",
        help="fSpy's .fspy or .json, or {fx, fy, cx, cy, width, height} in pixels",
    )
    only_one.add_argument("--fov", type=_angle, metavar="DEG", help="horizontal field of view")
    only_one.add_argument("--focal-mm", type=positive("length"), metavar="MM", help="focal length, 35 mm equivalent")
    lens.add_argument(
        "--vanishing-lines",
        type=Path,
        metavar="FILE.json",
        help="segments along the world's axes, {x, y, z}: tell which way is down, and the focal length if nothing else",
    )


def _add_device(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="what networks run on (default: auto, the fastest that is there)",
    )


def _add_reporting(parser: argparse.ArgumentParser, files: argparse._ArgumentGroup) -> None:
    files.add_argument("--overwrite", action="store_true", help="replace files that exist")
    add_reporting(parser)


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add what every command that takes a while says how, as ``console.make_console`` reads it."""
    report = parser.add_argument_group("reporting: results on stdout, progress and errors on stderr")
    report.add_argument("--json", action="store_true", help="the summary as JSON on stdout, in place of the table")
    report.add_argument("--progress", choices=("bar", "json"), default="bar", help="json: one line an event on stderr")
    loudness = report.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    loudness.add_argument("-v", "--verbose", action="store_true", help="print what happens, and tracebacks")


def positive(noun: str) -> Callable[[str], float]:
    """Return what reads a number above 0 from the command line."""

    def parse(text: str) -> float:
        value = _number(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is no {noun} above 0")
        return value

    return parse


def whole(least: int = 1, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number in a range from the command line."""
    span = f"from {least} up" if most is None else f"from {least} to {most}"

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {span}")
        return int(text)

    return parse


def names(text: str) -> tuple[str, ...]:
    """Read names with commas between them from the command line."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing")
    return found


def _angle(text: str) -> float:
    value = _number(text)
    if not 1 < value < 175:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1 and 175 degrees")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _label_and_height(text: str) -> tuple[str, float]:
    label, equals, height = text.rpartition("=")
    if not (label.strip() and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form LABEL=METRES, such as door=2.1")
    return label.strip(), positive("height")(height)
