import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import CameraInvalid, MapAspectMismatch, MapNotFound, UnknownEstimator
from blockout.inference import registry
from blockout.inference.camera import camera_from_fov, write_camera
from blockout.inference.photo import read_photo
from blockout.inference.predict import MAP_FILES, Request, predict, write_prediction
from blockout.inference.prediction import Camera, DepthMap, Estimate, Photo, Prediction, Segment, SegmentMap, Source
from PIL import Image

DOWN = np.array([0.0, 0.8, 0.6])
PHOTO = Photo(np.zeros((40, 60, 3), np.uint8), path=Path("room.png"))


class Fake:
    """An estimator at half the photo's size that remembers what it was asked."""

    version, licence = "1.5", "CC0-1.0"

    def __init__(self, name: str, camera: Camera | None = None, gravity_cam: np.ndarray | None = None) -> None:
        self.name, self.camera, self.gravity_cam = name, camera, gravity_cam
        self.known: list[Camera | None] = []

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        self.known.append(camera)
        height, width = photo.size[0] // 2, photo.size[1] // 2
        ids = np.ones((height, width), np.int32)
        ids[:, width // 2 :] = 2
        segments = SegmentMap(ids, (Segment(1, "wall", "structure"), Segment(2, "cat", score=0.5)))
        depth = DepthMap(np.where(ids == 1, 4, 2).astype(np.float32))
        return Estimate(depth, segments, self.camera, self.gravity_cam)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    return register(monkeypatch, Fake("fake", camera_from_fov(80, (20, 30), "three lines"), DOWN))


def register(monkeypatch: pytest.MonkeyPatch, estimator: Fake) -> Fake:
    monkeypatch.setitem(registry.DEPTH_ESTIMATORS, estimator.name, lambda: estimator)
    monkeypatch.setitem(registry.SEGMENT_ESTIMATORS, estimator.name, lambda: estimator)
    return estimator


@pytest.fixture
def depth_file(tmp_path: Path) -> Path:
    np.save(tmp_path / "depth.npy", np.full((80, 120), 3.0))
    return tmp_path / "depth.npy"


@pytest.fixture
def segments_file(tmp_path: Path) -> Path:
    Image.new("L", (60, 40), 4).save(tmp_path / "ids.png")
    return tmp_path / "ids.png"


def test_an_estimator_named_for_both_runs_once_and_its_maps_fit_the_photo(fake: Fake) -> None:
    prediction = predict(PHOTO, Request("fake", "fake"))
    assert fake.known == [None]
    assert prediction.depth.z.shape == prediction.segments.ids.shape == PHOTO.size
    assert set(np.unique(prediction.depth.z)) == {2, 4}
    assert prediction.gravity_cam is DOWN
    assert prediction.sources == tuple(Source(t, "fake", "1.5", "CC0-1.0") for t in ("depth", "segments", "camera"))


def test_an_estimated_camera_is_brought_to_the_photos_size(fake: Fake) -> None:
    camera = predict(PHOTO, Request("fake", "fake")).camera
    assert ((camera.height, camera.width), camera.fov_deg) == (PHOTO.size, pytest.approx(80))
    assert camera.source == "fake: three lines"


@pytest.mark.parametrize(
    ("photo", "request_", "source"),
    [
        (PHOTO, Request("fake", "fake", fov_deg=50, focal_mm=30), "--fov 50"),
        (PHOTO, Request("fake", "fake", focal_mm=30), "--focal-mm 30"),
        (replace(PHOTO, focal_px=70.0), Request("fake", "fake"), "EXIF"),
    ],
)
def test_a_stated_camera_is_told_to_the_estimator(fake: Fake, photo: Photo, request_: Request, source: str) -> None:
    prediction = predict(photo, request_)
    assert fake.known == [prediction.camera]
    assert prediction.camera.source == source
    assert prediction.sources[2] == Source("camera", source)


def test_the_estimator_of_the_segments_may_give_the_camera_of_a_depth_file(fake: Fake, depth_file: Path) -> None:
    prediction = predict(PHOTO, Request(str(depth_file), "fake"))
    assert (prediction.depth.z == 3).all()
    assert prediction.depth.is_metric
    assert prediction.camera.source == "fake: three lines"
    assert [source.name for source in prediction.sources] == ["depth.npy", "fake", "fake"]
    assert prediction.gravity_cam is DOWN


def test_the_depth_estimators_camera_goes_before_the_segment_estimators(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, Fake("other", camera_from_fov(30, (40, 60), "other: a guess")))
    prediction = predict(PHOTO, Request("other", "fake"))
    assert prediction.camera.source == "other: a guess"
    assert [source.name for source in prediction.sources] == ["other", "fake", "other"]
    assert prediction.gravity_cam is DOWN  # the other one does not see it


def test_a_camera_that_an_estimator_assumes_is_not_called_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, Fake("other", camera_from_fov(40, (40, 60), "assumed 40 degrees")))
    prediction = predict(PHOTO, Request("other", "other"))
    assert prediction.camera.fov_deg == pytest.approx(40)  # its depth was made with it
    assert prediction.sources[2] == Source("camera", "assumed 40 degrees")


def test_two_files_need_no_estimator(depth_file: Path, segments_file: Path) -> None:
    prediction = predict(PHOTO, Request(str(depth_file), str(segments_file)))
    assert prediction.segments.segments == (Segment(4, "segment"),)
    assert prediction.gravity_cam is None
    assert prediction.camera.source == "assumed 55 degrees"
    assert prediction.sources == (
        Source("depth", "depth.npy"),
        Source("segments", "ids.png"),
        Source("camera", "assumed 55 degrees"),
    )


def test_a_file_that_cannot_be_used_is_told_before_an_estimator_runs(fake: Fake, tmp_path: Path) -> None:
    with pytest.raises(MapNotFound):
        predict(PHOTO, Request("fake", str(tmp_path / "nowhere.png")))
    Image.new("L", (60, 60), 4).save(tmp_path / "square.png")
    with pytest.raises(MapAspectMismatch, match=r"square\.png: the segment map has 60 x 60 px and the photo 60 x 40"):
        predict(PHOTO, Request("fake", str(tmp_path / "square.png")))
    with pytest.raises(CameraInvalid):
        predict(PHOTO, Request("fake", "fake", fov_deg=0))
    with pytest.raises(UnknownEstimator):
        predict(PHOTO, Request("fake", "fact"))
    assert fake.known == []


def test_the_options_of_a_depth_file_are_passed_on(tmp_path: Path, segments_file: Path) -> None:
    Image.fromarray(np.full((40, 60), 512, np.uint16)).save(tmp_path / "d.png")
    request = Request(str(tmp_path / "d.png"), str(segments_file), depth_scale_m=1 / 256)
    assert (predict(PHOTO, request).depth.z == 2).all()
    assert not predict(PHOTO, replace(request, depth_kind="disparity")).depth.is_metric


def test_progress_rises_from_0_to_below_1(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, Fake("other"))
    stages: list[tuple[str, float]] = []
    predict(PHOTO, Request("fake", "other"), lambda stage, fraction: stages.append((stage, fraction)))
    assert [stage for stage, _ in stages] == ["camera", "maps", "fake", "other", "fit to photo"]
    fractions = [fraction for _, fraction in stages]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1] < 1) == (0, True)


def assert_equal(a: Prediction, b: Prediction) -> None:
    np.testing.assert_array_equal(a.depth.z, b.depth.z)
    np.testing.assert_array_equal(a.segments.ids, b.segments.ids)
    assert a.depth.is_metric == b.depth.is_metric
    assert a.segments.segments == b.segments.segments
    assert replace(a.camera, source="") == replace(b.camera, source="")
    np.testing.assert_allclose(a.gravity_cam, b.gravity_cam, atol=1e-12)


@pytest.mark.parametrize("prefix", ["", "the room."])
@pytest.mark.parametrize("is_metric", [True, False])
def test_a_written_prediction_comes_back_equal(fake: Fake, tmp_path: Path, is_metric: bool, prefix: str) -> None:
    predicted = predict(PHOTO, Request("fake", "fake"))
    z = predicted.depth.z.copy()
    z[0, 0] = np.nan
    predicted = replace(predicted, depth=DepthMap(z, is_metric))
    write_prediction(predicted, tmp_path, prefix)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(prefix + name for name in MAP_FILES)
    depth, segments, camera = (tmp_path / f"{prefix}{n}" for n in ("depth.npy", "segments.png", "camera.json"))
    assert_equal(predict(PHOTO, Request(str(depth), str(segments), camera_file=camera)), predicted)


def test_the_same_prediction_gives_the_same_bytes(fake: Fake, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_prediction(predict(PHOTO, Request("fake", "fake")), tmp_path / name)
    for name in MAP_FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_camera_file_names_its_source(fake: Fake, tmp_path: Path) -> None:
    write_prediction(predict(PHOTO, Request("fake", "fake")), tmp_path)
    table = json.loads((tmp_path / "camera.json").read_text())
    assert set(table) == {"fx", "fy", "cx", "cy", "width", "height", "source", "down_cam"}
    assert table["source"] == "fake: three lines"


def test_gravity_that_is_stated_goes_before_an_estimate(fake: Fake, tmp_path: Path) -> None:
    camera = predict(PHOTO, Request("fake", "fake")).camera
    write_camera(replace(camera, down_cam=(0.0, 0.6, 0.8)), tmp_path / "camera.json")
    predicted = predict(PHOTO, Request("fake", "fake", camera_file=tmp_path / "camera.json"))
    assert predicted.gravity_cam == pytest.approx((0.0, 0.6, 0.8))
    assert predict(PHOTO, Request(camera_file=tmp_path / "camera.json")).gravity_cam == pytest.approx((0.0, 0.6, 0.8))


def test_a_real_photograph_goes_through_the_embedded_estimator_and_back(shared: Path, tmp_path: Path) -> None:
    photo = read_photo(shared / "photos/school/school.jpg")
    predicted = predict(photo, Request())
    write_prediction(predicted, tmp_path)
    files = Request(str(tmp_path / "depth.npy"), str(tmp_path / "segments.png"), camera_file=tmp_path / "camera.json")
    assert_equal(predict(photo, files), predicted)
    assert len(predicted.segments.segments) > 1


def test_maps_made_elsewhere_fit_their_photograph(shared: Path) -> None:
    folder = shared / "photos/rgbd/osd_learn00"
    request = Request(str(folder / "depth.npz"), str(folder / "instances.png"), camera_file=folder / "intrinsics.json")
    prediction = predict(read_photo(folder / "image.png"), request)
    assert prediction.camera.fx == pytest.approx(525, abs=0.01)
    assert np.isfinite(prediction.depth.z[prediction.segments.ids > 0]).mean() > 0.8
