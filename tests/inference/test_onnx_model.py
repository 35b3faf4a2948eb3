import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockout.cli import main
from blockout.errors import BlockoutError, EstimateUnusable, MemoryExhausted, WeightsNotFound, WeightsUnusable
from blockout.inference.photo import read_photo
from blockout.inference.predict import Request
from blockout.inference.prediction import DepthMap, DisparityMap, Estimate, MaskStack
from blockout.inference.registry import Task, Weights
from blockout.pipeline import BuildOptions, photo_to_usd
from blockout.reconstruct.settings import Settings
from validators import WrittenStage, assert_valid_stages

onnx = pytest.importorskip("onnx", reason="pip install onnx: the tests write a network with it")


def save_network(
    path: Path, weights: np.ndarray, bias: np.ndarray, sides: tuple[int | str, int | str] = (8, 16), **side: Any
) -> Path:
    """Write a network that mixes the channels of a picture: (C, 3) weights, (C,) bias; and its side file."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    count = len(weights)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "w", "b"], ["answer"])],
        "mix",
        [helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 3, *sides])],
        [helper.make_tensor_value_info("answer", onnx.TensorProto.FLOAT, [1, count, *sides])],
        [
            numpy_helper.from_array(weights.astype(np.float32).reshape(count, 3, 1, 1), "w"),
            numpy_helper.from_array(bias.astype(np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    path.with_suffix(".json").write_text(json.dumps({"size": [8, 16], **side}))
    return path


RED = np.array([[1, 0, 0]])
CLASSES = np.array([[9, -9, -9], [-9, -9, 9]])


def save_depth(path: Path, **side: Any) -> Path:
    return save_network(path, RED, np.array([0.5]), **{"meaning": "disparity", **side})


def estimate(path: Path, room: Path, task: Task = "depth") -> Estimate:
    from blockout.inference.onnx_model import OnnxModel

    return OnnxModel(Weights("onnx", str(path), "cpu"), task).predict(read_photo(room / "room.png"), None)


def test_depth_and_segments_build_a_valid_stage(room: Path, tmp_path: Path) -> None:
    depth = save_depth(tmp_path / "d.onnx", meaning="metres", licence="CC-BY-NC-4.0", version="2")
    segments = save_network(
        tmp_path / "s.onnx", CLASSES, np.zeros(2), meaning="logits", labels=["wall", "post"], licence="MIT"
    )
    options = BuildOptions(Request(str(depth), f"onnx:{segments}"), Settings(shapes="prism"), preview=False)
    result = photo_to_usd(room / "room.png", tmp_path / "a.usd", options)
    sources = json.loads((tmp_path / "a.scene.json").read_text("utf-8"))["estimators"]
    assert [(s["name"], s["version"], s["licence"]) for s in sources[:2]] == [
        ("onnx", "d.onnx 2", "CC-BY-NC-4.0"),
        ("onnx", "s.onnx", "MIT"),
    ]
    assert {prism.label for prism in result.scene.prisms} <= {"wall", "post"}
    absent = assert_valid_stages(WrittenStage(result.stage, result.scene))
    if absent:
        pytest.skip("; ".join(absent))


def test_weights_for_non_commercial_use_print_one_line(
    room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    depth = save_depth(tmp_path / "d.onnx", licence="CC-BY-NC-4.0")
    maps = ["--depth", str(depth), "--segments", str(room / "segments.png"), "--no-preview"]
    assert main(["build", str(room / "room.png"), *maps, "-o", str(tmp_path / "a.usd")]) == 0
    said = capsys.readouterr().out
    assert said.count("non-commercial") == 1


@pytest.mark.parametrize(
    ("meaning", "kind", "is_metric"),
    [
        ("metres", DepthMap, True),
        ("depth", DepthMap, False),
        ("inverse metres", DepthMap, True),
        ("inverse depth", DepthMap, False),
        ("disparity", DisparityMap, None),
    ],
)
def test_the_side_file_says_what_depth_means(
    meaning: str, kind: type, is_metric: bool | None, room: Path, tmp_path: Path
) -> None:
    depth = estimate(save_depth(tmp_path / "d.onnx", meaning=meaning), room).depth
    assert isinstance(depth, kind)
    if isinstance(depth, DepthMap):
        assert depth.is_metric == is_metric
        low, high = (0.5, 1.5) if not meaning.startswith("inverse") else (1 / 1.5, 2)
        assert low <= depth.z.min() <= depth.z.max() <= high


def test_normalisation_channels_and_range_are_kept(room: Path, tmp_path: Path) -> None:
    plain = estimate(save_depth(tmp_path / "a.onnx"), room).depth
    side = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5], "range": 255}
    changed = estimate(save_depth(tmp_path / "b.onnx", **side), room).depth
    blue = estimate(save_depth(tmp_path / "c.onnx", channels="bgr"), room).depth
    assert isinstance(plain, DisparityMap)
    assert isinstance(changed, DisparityMap)
    assert isinstance(blue, DisparityMap)
    np.testing.assert_allclose((changed.values - 0.5) / 255 * 0.5 + 0.1, plain.values - 0.5, atol=1e-5)
    assert not np.allclose(blue.values, plain.values)


def test_probabilities_and_ids_are_classes_too(room: Path, tmp_path: Path) -> None:
    given = {"labels": {"0": "wall", "1": "post"}}
    logits = estimate(
        save_network(tmp_path / "a.onnx", CLASSES, np.zeros(2), meaning="logits", **given), room, "segments"
    )
    half = CLASSES / 36
    shares = save_network(tmp_path / "b.onnx", half, np.full(2, 0.5), meaning="probabilities", **given)
    probabilities = estimate(shares, room, "segments")
    for found in (logits.segments, probabilities.segments):
        assert isinstance(found, MaskStack)
        assert {segment.label for segment in found.segments} <= {"wall", "post"}
        assert not found.is_instance.any()
    ids = estimate(save_network(tmp_path / "c.onnx", RED * 0, np.array([1]), meaning="ids", **given), room, "segments")
    assert isinstance(ids.segments, MaskStack)
    assert [segment.label for segment in ids.segments.segments] == ["post"]


def refuse(path: Path, room: Path, error: type[BlockoutError], *words: str, task: Task = "depth") -> None:
    with pytest.raises(error) as caught:
        estimate(path, room, task)
    said = str(caught.value)
    assert "\n" not in said
    for word in (path.stem, *words):
        assert word in said


def test_a_text_file_is_one_sentence(room: Path, tmp_path: Path) -> None:
    path = save_depth(tmp_path / "d.onnx")
    path.write_text("this is a text\nof two lines\n")
    refuse(path, room, WeightsUnusable, "no network in the ONNX format")
    path.write_bytes(b"")
    refuse(path, room, WeightsUnusable, "empty")


def test_a_truncated_file_is_one_sentence(room: Path, tmp_path: Path) -> None:
    path = save_depth(tmp_path / "d.onnx")
    path.write_bytes(path.read_bytes()[:60])
    refuse(path, room, WeightsUnusable, "no network in the ONNX format")


def test_what_is_not_there_is_told(room: Path, tmp_path: Path) -> None:
    path = save_depth(tmp_path / "d.onnx")
    refuse(tmp_path / "no.onnx", room, WeightsNotFound)
    path.with_suffix(".json").unlink()
    refuse(path, room, WeightsNotFound, "d.json", '"size"', '"meaning"')


@pytest.mark.parametrize(
    ("side", "words"),
    [
        ({"meaning": "logits"}, ["logits", "metres"]),
        ({"meaning": None}, ["None"]),
        ({"size": "large"}, ["size", "large"]),
        ({"size": [0, 8]}, ["size"]),
        ({"std": [0, 1, 1]}, ["std"]),
        ({"mean": [1, 2]}, ["mean"]),
        ({"output": "nothing"}, ["nothing", "answer"]),
        ({"size": [9, 9]}, ["1 x 3 x 9 x 9"]),
        ({"layout": "nhwc"}, ["1 x 8 x 16 x 3"]),
    ],
)
def test_a_side_file_that_does_not_fit_is_told(side: dict, words: list[str], room: Path, tmp_path: Path) -> None:
    refuse(save_depth(tmp_path / "d.onnx", **side), room, WeightsUnusable, *words)


def test_an_output_that_does_not_fit_is_told(room: Path, tmp_path: Path) -> None:
    two = save_network(tmp_path / "two.onnx", CLASSES, np.zeros(2), meaning="metres")
    refuse(two, room, WeightsUnusable, "answer", "(1, 2, 8, 16)")
    wild = save_network(tmp_path / "wild.onnx", RED * np.nan, np.zeros(1), meaning="metres")
    refuse(wild, room, EstimateUnusable, "answer", "100%")
    below = save_network(tmp_path / "below.onnx", RED, np.array([-9]), meaning="metres")
    refuse(below, room, EstimateUnusable, "above 0")
    negative = save_network(tmp_path / "ids.onnx", RED, np.array([-9]), meaning="ids")
    refuse(negative, room, EstimateUnusable, "no classes", task="segments")


class Cramped:
    """A session whose memory holds inputs up to some width."""

    def __init__(self, session: Any, most_px: int) -> None:
        self._session, self._most_px = session, most_px

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        if max(pixels.shape[3] for pixels in inputs.values()) > self._most_px:
            raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for 99 bytes")
        found: list[np.ndarray] = self._session.run(names, inputs)
        return found


def predict_cramped(path: Path, room: Path, most_px: int) -> Estimate:
    from blockout.inference.onnx_model import OnnxModel

    model = OnnxModel(Weights("onnx", str(path), "cpu"), "depth")
    model._session = Cramped(model._session, most_px)
    return model.predict(read_photo(room / "room.png"), None)


def test_where_memory_runs_out_a_smaller_size_is_taken_and_told(room: Path, tmp_path: Path) -> None:
    path = save_network(tmp_path / "d.onnx", RED, np.array([0.5]), ("h", "w"), meaning="metres", size=[56, 112])
    found = predict_cramped(path, room, 60)
    assert isinstance(found.depth, DepthMap)
    assert found.depth.z.shape == (28, 56), "multiples of 14 or 8 as 56 and 112 are"
    assert found.note == "at 56 px, since memory ran out at 112"
    with pytest.raises(MemoryExhausted, match="even at 28 px"):
        predict_cramped(path, room, 20)


def test_a_network_of_one_size_is_not_tried_at_others(room: Path, tmp_path: Path) -> None:
    with pytest.raises(MemoryExhausted, match="even at 16 px"):
        predict_cramped(save_depth(tmp_path / "d.onnx"), room, 12)
