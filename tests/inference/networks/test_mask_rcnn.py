import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")

from blockout.inference.networks.boxes import pool_boxes
from blockout.inference.networks.mask_rcnn import Limits, MaskRCNNEstimator, load, paste_mask, rename
from blockout.inference.networks.mask_rcnn_heads import POOLED_SIDE
from blockout.inference.prediction import Photo

pytestmark = pytest.mark.fixtures
TOLERANCE = 1e-3  # of the largest value


def assert_close(found, expected) -> None:
    found = np.asarray(found)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()


@pytest.fixture(scope="module")
def estimator(mask_rcnn_checkpoint) -> MaskRCNNEstimator:
    return load(mask_rcnn_checkpoint, "cpu")


@pytest.fixture(scope="module")
def staged(mask_rcnn) -> dict[str, np.ndarray]:
    return mask_rcnn.outputs("staged.npz")


@pytest.fixture(scope="module")
def limits(mask_rcnn) -> Limits:
    settings = mask_rcnn.recipe["constructor"]
    return Limits(
        short_px=settings["min_size"],
        long_px=settings["max_size"],
        kept_proposals=settings["rpn_post_nms_top_n_test"],
        score=settings["box_score_thresh"],
        detections=settings["box_detections_per_img"],
    )


@pytest.fixture(scope="module")
def rgb(mask_rcnn) -> Any:
    return torch.from_numpy(mask_rcnn.picture()).permute(2, 0, 1)


@pytest.fixture(scope="module")
def pyramid(estimator, rgb, limits) -> tuple:
    """Return the prepared picture, its size without padding and the levels of its pyramid."""
    picture, size = estimator.network.prepare(rgb, limits)
    with torch.inference_mode():
        return picture, size, estimator.network.backbone(picture)


def test_a_picture_is_prepared_as_the_original_does(pyramid, staged) -> None:
    picture, size, _ = pyramid
    assert tuple(picture.shape) == tuple(staged["transform_shape"])
    assert size == tuple(staged["image_size"])
    assert_close(picture[0, :, 0], staged["transformed_row0"])


def test_the_pyramid_is_the_original_s(pyramid, staged) -> None:
    levels = pyramid[2]
    for level, name in zip(levels, ("0", "1", "2", "3", "pool"), strict=True):
        assert_close(level[0].mean((1, 2)), staged[f"fpn_{name}_channel_mean"])
    assert_close(levels[3][0], staged["fpn_3"])
    assert_close(levels[4][0], staged["fpn_pool"])


def test_proposals_are_the_original_s(estimator, pyramid, staged, limits) -> None:
    picture, size, levels = pyramid
    with torch.inference_mode():
        told = [estimator.network.rpn["head"](level) for level in levels]
        proposals = estimator.network.propose(levels, tuple(picture.shape[2:]), size, limits)
    for index, (logits, _) in enumerate(told):
        assert_close(logits[0], staged[f"rpn_objectness_{index}"])
    assert_close(told[2][1][0], staged["rpn_deltas_2"])
    assert_close(proposals, staged["proposals"])


def test_what_the_box_head_says_is_the_original_s(estimator, pyramid, staged) -> None:
    _, size, levels = pyramid
    proposals = torch.from_numpy(staged["proposals"])
    with torch.inference_mode():
        logits, offsets = estimator.network.roi_heads.classify(pool_boxes(levels[:4], proposals, size, POOLED_SIDE))
    assert_close(logits, staged["box_class_logits"])
    assert_close(offsets[:8], staged["box_deltas_first8"])


def test_detections_and_pasted_masks_are_the_original_s(estimator, rgb, limits, staged) -> None:
    with torch.inference_mode():
        found = estimator.network(rgb, limits)
    assert np.array_equal(found.labels, staged["labels"])
    assert_close(found.boxes, staged["boxes"])
    assert_close(found.scores, staged["scores"])
    assert_close(found.masks, staged["mask_logits_28"])
    for logits, box, expected in zip(found.masks, found.boxes, staged["mask_pasted_u8"], strict=True):
        likely, top, left = paste_mask(logits, box, expected.shape)
        whole = np.zeros(expected.shape)
        whole[top : top + likely.shape[0], left : left + likely.shape[1]] = likely
        assert np.abs(255 * whole - expected).max() < 1


def test_the_names_of_2019_become_those_of_today(mask_rcnn) -> None:
    renamed = json.loads((mask_rcnn.folder / "new_to_legacy_keys.json").read_text())
    listed = [name for name, *_ in json.loads((mask_rcnn.folder / "maskrcnn_keys.json").read_text())]
    assert [rename(renamed.get(name, name)) for name in listed] == listed
    assert [rename(name) for name in listed] == listed


def test_a_file_of_2019_gives_the_same_network(mask_rcnn, mask_rcnn_checkpoint, estimator, scratch) -> None:
    renamed = json.loads((mask_rcnn.folder / "new_to_legacy_keys.json").read_text())
    tensors = torch.load(mask_rcnn_checkpoint, weights_only=True)
    legacy = scratch / "legacy.pth"
    torch.save({renamed.get(key, key): value for key, value in tensors.items()}, legacy)
    again = load(legacy, "cpu").network.state_dict()
    legacy.unlink()
    assert all(torch.equal(again[key], value) for key, value in estimator.network.state_dict().items())


def test_things_become_overlapping_masks_over_the_photo(mask_rcnn, estimator, limits, monkeypatch) -> None:
    monkeypatch.setattr("blockout.inference.networks.mask_rcnn.Limits", lambda **_: replace(limits, score=0.0))
    picture = mask_rcnn.picture()
    stack = estimator.predict(Photo(picture), None).segments
    count, height, width = stack.scores.shape
    assert (count, len(stack.cell_px)) == (len(stack.segments), len(stack.segments))
    assert max(height, width) <= 640
    assert height / width == pytest.approx(picture.shape[0] / picture.shape[1], rel=0.02)
    assert stack.is_instance.all()
    assert (stack.cell_px >= 1).all()
    scores = [segment.score for segment in stack.segments]
    assert scores == sorted(scores, reverse=True)
