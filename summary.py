"""What became of a photo: numbers that JSON can hold, and the lines that say them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .inference.prediction import Prediction
    from .reconstruct.scene import Scene
    from .reconstruct.usd import StageFacts
    from .stopwatch import Stopwatch

Summary = dict[str, Any]
HOW_TO_OPEN = (
    ("Blender", "File > Import > Universal Scene Description"),
    ("Maya", "load the plug-in mayaUsdPlugin, then File > Import"),
)
IN_MEMORY_OF = {"process": "", "cuda": " on the graphics card"}


def record_prediction(prediction: Prediction) -> Summary:
    """Return what was read and estimated."""
    photo, camera = prediction.photo, prediction.camera
    return {
        "photo": str(photo.path),
        "photo_size_px": list(photo.original_size or photo.size),
        "worked_size_px": list(photo.size),
        "camera": {**camera.record(), "fov_deg": round(camera.fov_deg, 2)},
        "estimators": [asdict(source) for source in prediction.sources],
        "segments": len(prediction.segments.segments),
    }


def record_scene(scene: Scene, facts: StageFacts) -> Summary:
    """Return what was built."""
    return {
        "prisms": sum(1 for _ in scene.solids()),
        "groups": facts.groups,
        "faces": facts.faces,
        "scale": asdict(scene.scale),
        "has_ground": scene.has_ground,
        "limits": dict(scene.limits),
    }


def record_files(files: Sequence[Path], clock: Stopwatch) -> Summary:
    """Return what was written, the main file last, and how long and how much memory it took."""
    return {"files": [str(file) for file in files], **clock.record()}


def describe(summary: Summary) -> list[tuple[str, str]]:
    """Return the lines of a summary as names and values."""
    if "rows" in summary:
        return _describe_comparison(summary)
    height, width = summary["photo_size_px"]
    worked_height, worked_width = summary["worked_size_px"]
    camera = summary["camera"]
    photo = f"{summary['photo']}, {width} x {height} px"
    if (height, width) != (worked_height, worked_width):
        photo += f", worked on at {worked_width} x {worked_height} px"
    lines = [("photo", photo)]
    lines += [
        (source["task"], _describe_source(source)) for source in summary["estimators"] if source["task"] != "camera"
    ]
    lines += [("camera", f"{camera['fov_deg']:.1f} degrees wide, {camera['fx']:.1f} px, from: {camera['source']}")]
    if "prisms" in summary:
        lines += _describe_build(summary)
    lines += _describe_work(summary)
    if "prisms" in summary:
        lines += [(f"in {program}", steps) for program, steps in HOW_TO_OPEN]
    return lines + _describe_restrictions(summary)


def _describe_comparison(summary: Summary) -> list[tuple[str, str]]:
    """Return a line for each pair of estimators that gave something, and how the work went."""
    lines = [("photo", summary["photo"])]
    for row in summary["rows"]:
        if "error" not in row:
            facts = f"{row['prisms']} prisms of {row['found']} segments", row["scale"], *row["notes"]
            lines += [("pair", f"{row['depth']} + {row['segments']}: {', '.join(facts)}")]
    return lines + _describe_work(summary) + _describe_restrictions(summary)


def _describe_work(summary: Summary) -> list[tuple[str, str]]:
    """Return time, memory and files."""
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in summary["seconds"].items())
    memory = ", ".join(f"{value} MB{IN_MEMORY_OF[place]}" for place, value in summary["peak_memory_mb"].items())
    lines = [("seconds", f"{summary['total_seconds']:.2f} ({seconds})")]
    lines += [("memory", f"{memory} at its peak")] if memory else []
    return lines + [("wrote", file) for file in summary["files"]]


def _describe_restrictions(summary: Summary) -> list[tuple[str, str]]:
    """Return one line where weights are not for all uses."""
    restricted = [source["name"] for source in summary["estimators"] if _is_non_commercial(source["licence"])]
    return [("licence", f"{', '.join(dict.fromkeys(restricted))}: for non-commercial use only")] if restricted else []


def _describe_build(summary: Summary) -> list[tuple[str, str]]:
    scale = summary["scale"]
    sureness = "" if scale["uncertainty"] is None else f", +-{100 * scale['uncertainty']:.0f} %"
    limits = "; ".join(f"{name} {value}" for name, value in summary["limits"].items())
    return [
        (
            "scale",
            f"x {scale['factor']:.4g}, {'metric' if scale['is_metric'] else 'not metric'}{sureness}, "
            f"from: {scale['source']}",
        ),
        ("prisms", f"{summary['prisms']} of {summary['segments']} segments, in {summary['groups']} groups of parts"),
        ("faces", str(summary["faces"])),
        ("limits", limits),
    ]


def _describe_source(source: dict[str, str]) -> str:
    return ", ".join(filter(None, (f"{source['name']} {source['version']}".strip(), source["licence"], source["note"])))


def _is_non_commercial(licence: str) -> bool:
    return any(mark in licence.lower() for mark in ("-nc", "non-commercial", "noncommercial", "amlr"))
