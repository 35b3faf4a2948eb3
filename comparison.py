"""compare_estimators(): one photo, several estimators, one sheet that shows what each makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

from .errors import BlockoutError
from .inference.photo import read_photo
from .inference.predict import Request, Run, predict
from .inference.prediction import Photo, Prediction
from .output import staged
from .reconstruct.build import reconstruct
from .reconstruct.comparison import render_comparison
from .reconstruct.preview import write_preview
from .reconstruct.scene import Scene
from .reconstruct.settings import Settings
from .stopwatch import Progress, Stopwatch
from .summary import Summary

SHARE_OF_PREDICTION = 0.7  # of the work on one combination


def compare_estimators(
    photo_path: Path | str,
    depths: Sequence[str],
    segments: Sequence[str],
    output: Path | str | None = None,
    request: Request | None = None,
    progress: Progress | None = None,
    *,
    overwrite: bool = False,
) -> Summary:
    """Write a sheet with a row for each pair of a depth and a segment estimator; each of them runs once.

    Args:
        photo_path: a picture.
        depths, segments: as after --depth and --segments.
        output: the sheet, a .png; None is <photo>.comparison.png in the current folder.
        request: all else, such as the camera; None takes the defaults.
        progress: as for ``pipeline.photo_to_usd``.
        overwrite: whether a file that exists may be replaced.

    Returns:
        "photo", "rows" with what each pair gave or why it failed, "estimators", "files" and "seconds", as JSON can hold
        them.

    Raises:
        BlockoutError: the photo or the output cannot be used, or no pair gave anything.
    """
    photo_path = Path(photo_path)
    sheet = Path(f"{photo_path.stem}.comparison.png") if output is None else Path(output)
    pairs = list(product(dict.fromkeys(depths), dict.fromkeys(segments)))
    clock = Stopwatch(progress)
    with staged([sheet], overwrite=overwrite) as place:
        clock("photo", 0.0)
        photo = read_photo(photo_path)
        rows, built = _build_pairs(photo, pairs, request or Request(), clock)
        clock("files", 1.0)
        write_preview(render_comparison(built), place(sheet))
        clock("files", 1.0)
    sources = dict.fromkeys(source for prediction, _ in built for source in prediction.sources)
    return {
        "photo": str(photo_path),
        "rows": rows,
        "estimators": [asdict(source) for source in sources],
        "files": [str(sheet)],
        **clock.record(),
    }


def _build_pairs(
    photo: Photo, pairs: Sequence[tuple[str, str]], request: Request, clock: Stopwatch
) -> tuple[list[dict[str, Any]], list[tuple[Prediction, Scene]]]:
    """Return what each pair gave or why it failed, and what was built; raise the last reason if nothing was."""
    seen: dict[str, Run] = {}
    rows: list[dict[str, Any]] = []
    built: list[tuple[Prediction, Scene]] = []
    for number, (depth, segments) in enumerate(pairs):
        row: dict[str, Any] = {"depth": depth, "segments": segments}
        part = clock.part(number / len(pairs), (number + 1) / len(pairs))
        try:
            built.append(_build(photo, replace(request, **row), seen, part))
        except BlockoutError as error:
            rows.append(row | {"error": str(error)})
            if len(rows) == len(pairs) and not built:
                raise
        else:
            rows.append(row | _describe(*built[-1]))
    return rows, built


def _build(photo: Photo, request: Request, seen: dict[str, Run], progress: Progress) -> tuple[Prediction, Scene]:
    prediction = predict(photo, request, lambda stage, share: progress(stage, SHARE_OF_PREDICTION * share), seen)
    rest = 1 - SHARE_OF_PREDICTION
    scene = reconstruct(
        prediction, Settings(), lambda stage, share: progress(stage, SHARE_OF_PREDICTION + rest * share)
    )
    return prediction, scene


def _describe(prediction: Prediction, scene: Scene) -> dict[str, Any]:
    return {
        "found": len(prediction.segments.segments),
        "prisms": sum(1 for _ in scene.solids()),
        "scale": scene.scale.in_words,
        "notes": [source.note for source in prediction.sources if source.note],
    }
