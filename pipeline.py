"""photo_to_usd(): inference -> reconstruction -> files that appear together; progress through a callback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import OutputUnwritable, UsageError
from .inference.fspy_project import write_fspy_project
from .inference.photo import read_photo, shows_as_it_is
from .inference.predict import MAP_FILES, Request, predict, write_prediction
from .inference.prediction import Prediction
from .output import Place, staged
from .reconstruct.build import reconstruct
from .reconstruct.frames import Units, UpAxis, world_from_camera
from .reconstruct.maya import maya_text
from .reconstruct.names import Texture, plate_files, stage_files
from .reconstruct.preview import render_preview, write_preview
from .reconstruct.report import cubes_text, scene_record
from .reconstruct.scale import CAMERA_HEIGHT_M
from .reconstruct.scene import Scene
from .reconstruct.settings import Settings
from .reconstruct.usd import write_stage
from .reconstruct.usd_materials import encode_texture
from .stopwatch import Progress, Stopwatch
from .summary import Summary, record_files, record_prediction, record_scene

KEPT_FILES = (*MAP_FILES, "camera.fspy")
STAGE_SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")
AFTER_PHOTO, AFTER_INFERENCE, AFTER_RECONSTRUCTION, AFTER_PREVIEW = 0.1, 0.5, 0.8, 0.9  # shares of the whole work


@dataclass(frozen=True)
class BuildOptions:
    """What a user may ask of a build.

    Attributes:
        request: which estimators or map files, and which camera.
        settings: how solids are made of them.
        units, up: of the stage.
        texture: "photo" projects the photograph on the faces that it shows, "colour" is the mean of each segment.
        backdrop: whether a card behind everything shows the photograph.
        tint_guessed: whether faces that the photo does not show are a little grey-blue.
        overwrite: whether files that exist may be replaced.
        keep_maps: whether depth, segments and camera are written beside the stage.
        preview: whether <name>.preview.png is written.
        cubes: where 2D_3D's dictionary of Maya cubes is written, if anywhere.
        maya_script: whether <name>.maya.py is written, for a Maya without mayaUSD.
    """

    request: Request = field(default_factory=Request)
    settings: Settings = field(default_factory=Settings)
    units: Units = "cm"
    up: UpAxis = "Y"
    texture: Texture = "colour"
    backdrop: bool = False
    tint_guessed: bool = False
    overwrite: bool = False
    keep_maps: bool = False
    preview: bool = True
    cubes: Path | None = None
    maya_script: bool = False


@dataclass(frozen=True, eq=False)
class Result:
    """What a build gives.

    Attributes:
        scene: camera and prisms; world metres, Y up.
        stage: the USD file.
        files: every file written, the stage last.
        seconds: spent in each stage of the work, by its name.
        summary: all of it in words and numbers that JSON can hold.
    """

    scene: Scene
    stage: Path
    files: tuple[Path, ...]
    seconds: dict[str, float]
    summary: Summary


def photo_to_usd(
    photo_path: Path | str,
    output: Path | str | None = None,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
) -> Result:
    """Build the blockout of one photo and write it as a USD stage.

    Args:
        photo_path: a picture.
        output: the stage, or an existing folder for it; None is the current folder. A folder's stage is <photo>.usd.
        options: None takes the defaults.
        progress: called as progress(stage, share of the whole work that is done, 0..1); an exception raised in it
            stops the work, leaves nothing behind and reaches the caller.

    Raises:
        BlockoutError: one of its children, in one sentence.
    """
    options = options or BuildOptions()
    stage = stage_path(Path(photo_path), Path(output) if output is not None else None)
    with _staged_build(stage, options) as place:
        clock = Stopwatch(progress)
        clock("photo", 0.0)
        photo = read_photo(Path(photo_path))
        prediction = predict(photo, options.request, clock.part(AFTER_PHOTO, AFTER_INFERENCE))
        return _build(prediction, stage, options, clock, place)


def prediction_to_usd(
    prediction: Prediction,
    output: Path | str,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
) -> Result:
    """Build the blockout of maps that are at hand, and write it; otherwise as ``photo_to_usd``."""
    options = options or BuildOptions()
    stage = stage_path(prediction.photo.path, Path(output))
    with _staged_build(stage, options) as place:
        return _build(prediction, stage, options, Stopwatch(progress), place)


def predict_to_folder(
    photo_path: Path | str,
    folder: Path | str,
    request: Request | None = None,
    progress: Progress | None = None,
    *,
    overwrite: bool = False,
) -> Summary:
    """Write depth, segments and camera (``KEPT_FILES``) in the formats that a build takes back.

    Args:
        photo_path: a picture.
        folder: made when it is missing and its parent is there.
        request: which estimators or map files, and which camera; None takes the defaults.
        progress: as for ``photo_to_usd``.
        overwrite: whether files that exist may be replaced.

    Returns:
        What was made, in words and numbers that JSON can hold.

    Raises:
        BlockoutError: one of its children, in one sentence.
    """
    files = [Path(folder) / name for name in KEPT_FILES]
    clock = Stopwatch(progress)
    with folder_for_output(Path(folder)), staged(files, overwrite=overwrite) as place:
        clock("photo", 0.0)
        photo = read_photo(Path(photo_path))
        prediction = predict(photo, request or Request(), clock.part(AFTER_PHOTO, AFTER_PREVIEW))
        clock("files", AFTER_PREVIEW)
        down_cam = np.array([0.0, 1.0, 0.0]) if prediction.gravity_cam is None else prediction.gravity_cam
        _write_maps(prediction, world_from_camera(down_cam, CAMERA_HEIGHT_M), place(files[0]).parent)
        clock("files", 1.0)
    return record_prediction(prediction) | record_files(files, clock)


def picture_to_show(photo_path: Path, folder: Path) -> Path:
    """Return a picture that any program shows upright and in the right colours: the photo, or a copy of it in a folder.

    Raises:
        BlockoutError: the photo cannot be read.
    """
    if shows_as_it_is(photo_path):
        return photo_path.absolute()
    copy = folder / f"{photo_path.stem}.jpg"
    copy.write_bytes(encode_texture(read_photo(photo_path).rgb))
    return copy


def stage_path(photo_path: Path, output: Path | None = None) -> Path:
    """Return where a photo's stage goes.

    Args:
        photo_path: gives the name where ``output`` has none.
        output: a stage or an existing folder; None is the current folder.

    Raises:
        UsageError: ``output`` is no folder and does not end as a stage does.
    """
    output = output or Path()
    if output.is_dir():
        return output / f"{photo_path.stem}.usd"
    if output.suffix.lower() not in STAGE_SUFFIXES:
        raise UsageError(
            f"{output} is neither a folder that exists nor the name of a stage: "
            f"make the folder, or let the name end in {', '.join(STAGE_SUFFIXES[:-1])} or {STAGE_SUFFIXES[-1]}."
        )
    return output


@contextmanager
def folder_for_output(folder: Path) -> Iterator[None]:
    """Make a folder where it is missing, and take it back if the block leaves it empty.

    Raises:
        OutputUnwritable: it cannot be made, or a file has its name.
    """
    is_new = not folder.is_dir()
    if is_new:
        try:
            folder.mkdir()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputUnwritable(
                f"{folder} cannot be made ({reason}): name a folder inside one that exists and may be written."
            ) from None
    try:
        yield
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _staged_build(stage: Path, options: BuildOptions) -> AbstractContextManager[Place]:
    plates = plate_files(stage, texture=options.texture)
    return staged(_build_files(stage, options), overwrite=options.overwrite, optional=plates)


def _build_files(stage: Path, options: BuildOptions) -> list[Path]:
    """Return every file that a build writes, the stage last."""
    beside = [".scene.json"]
    beside += [".preview.png"] if options.preview else []
    beside += [".maya.py"] if options.maya_script else []
    beside += [f".{name}" for name in KEPT_FILES] if options.keep_maps else []
    files = [stage.with_name(stage.stem + ending) for ending in beside]
    files += [options.cubes] if options.cubes else []
    return [*files, *stage_files(stage, texture=options.texture, backdrop=options.backdrop)]


def _build(prediction: Prediction, stage: Path, options: BuildOptions, clock: Stopwatch, place: Place) -> Result:
    """Go from maps to files."""
    scene = reconstruct(prediction, options.settings, clock.part(AFTER_INFERENCE, AFTER_RECONSTRUCTION))
    if options.preview:
        clock("preview", AFTER_RECONSTRUCTION)
        image = render_preview(prediction, scene, photo_texture=options.texture == "photo")
        write_preview(image, place(stage.with_name(f"{stage.stem}.preview.png")))
    clock("files", AFTER_PREVIEW)
    facts = write_stage(
        scene,
        place(stage),
        units=options.units,
        up=options.up,
        texture=options.texture,
        backdrop=options.backdrop,
        tint_guessed=options.tint_guessed,
    )
    if options.cubes:
        place(options.cubes).write_text(cubes_text(scene), "utf-8", "backslashreplace")
    if options.maya_script:
        place(stage.with_name(f"{stage.stem}.maya.py")).write_text(maya_text(scene), "ascii", "backslashreplace")
    if options.keep_maps:
        _write_maps(prediction, scene.world_from_camera, place(stage).parent, prefix=f"{stage.stem}.")
    clock("files", 1.0)
    record = scene_record(scene, clock.seconds)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    place(stage.with_name(f"{stage.stem}.scene.json")).write_text(text + "\n", "utf-8", "backslashreplace")
    plates = plate_files(stage, texture=options.texture)
    files = [*(file for file in plates if place(file).exists()), *_build_files(stage, options)]
    summary = record_prediction(prediction) | record_scene(scene, facts) | record_files(files, clock)
    return Result(scene, stage, tuple(files), clock.seconds, summary)


def _write_maps(prediction: Prediction, pose: np.ndarray, folder: Path, prefix: str = "") -> None:
    """Write ``KEPT_FILES``; ``pose`` is world from camera, (4, 4), metres."""
    write_prediction(prediction, folder, prefix)
    write_fspy_project(prediction.camera, pose, prediction.photo.rgb, folder / f"{prefix}camera.fspy")
