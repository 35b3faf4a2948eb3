"""Real photographs from the file to the stage, judged by every independent reader and checker that is installed."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.inference.predict import Request
from blockout.pipeline import BuildOptions, Result, photo_to_usd
from PIL import Image
from validators import WrittenStage, assert_valid_stages

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "square.jpg"


@dataclass(frozen=True)
class Case:
    """A photograph, what is asked for, and the stage's format."""

    photo: Path
    options: BuildOptions
    suffix: str


def write_disparity(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the map that a published network made of the school, at the photo's size.

    The file holds the network's 256 x 512 values row by row in 398 x 600, begun again where they ended: 2D_3D brought
    maps to size with np.resize.
    """
    wrapped = np.load(photos / "school" / "school_depth_array.npy")
    disparity = wrapped.ravel()[: 256 * 512].reshape(256, 512)
    assert (wrapped.ravel()[disparity.size :] == wrapped.ravel()[: wrapped.size - disparity.size]).all()
    path = tmp_path_factory.mktemp("maps") / "disparity.npy"
    np.save(path, cv2.resize(disparity, (600, 398), interpolation=cv2.INTER_LINEAR))
    return path


@pytest.fixture(scope="module", params=["example", "nyc", "school"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Result]:
    """Return a case and what was built of it."""
    if request.param == "example":
        case = Case(EXAMPLE, BuildOptions(texture="photo", backdrop=True), ".usd")
    else:
        photos = request.getfixturevalue("shared") / "photos"
        photo = photos / request.param / f"{request.param}.jpg"
        disparity = Request(depth=str(write_disparity(photos, tmp_path_factory)), depth_kind="disparity")
        case = {
            "nyc": Case(photo, BuildOptions(texture="photo"), ".usda"),
            "school": Case(photo, BuildOptions(request=disparity, texture="photo"), ".usdz"),
        }[request.param]
    stage = tmp_path_factory.mktemp("stage") / f"{case.photo.stem}{case.suffix}"
    return case, photo_to_usd(case.photo, stage, case.options)


def test_every_reader_and_checker_agrees_on_the_stage(built: tuple[Case, Result]) -> None:
    case, result = built
    stage = WrittenStage(result.stage, result.scene, texture=case.options.texture, backdrop=case.options.backdrop)
    absent = assert_valid_stages(stage)
    if absent:
        pytest.skip("; ".join(absent))


def test_the_record_tells_what_is_in_the_scene(built: tuple[Case, Result]) -> None:
    _, result = built
    record = json.loads(result.stage.with_suffix(".scene.json").read_text("utf-8"))
    assert [prism["name"] for prism in record["prisms"]] == [prism.name for prism in result.scene.solids()]
    assert len(record["prisms"]) >= 8
    assert all(prism["thickness_m"] > 0 for prism in record["prisms"])
    assert len({tuple(prism["colour_srgb"]) for prism in record["prisms"]}) > len(record["prisms"]) / 2
    assert record["seconds"]


def test_the_preview_shows_more_than_paper(built: tuple[Case, Result]) -> None:
    _, result = built
    with Image.open(result.stage.with_suffix(".preview.png")) as preview:
        picture = np.asarray(preview)
    assert picture.shape[1] > 2 * picture.shape[0]
    assert np.unique(picture.reshape(-1, 3), axis=0).shape[0] > 1000
