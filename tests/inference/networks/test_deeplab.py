import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")

from blockout.inference.networks.coco_stuff import read_names
from blockout.inference.networks.deeplab import DeepLabEstimator, load, prepare, resize
from blockout.inference.prediction import Photo

pytestmark = pytest.mark.fixtures
LOGITS_TOLERANCE = 1e-3
CLEAR_MARGIN = 0.01  # of the likeliest class over the next: below, rounding may decide


@pytest.fixture(scope="module")
def estimator(deeplab_checkpoint) -> DeepLabEstimator:
    return load(deeplab_checkpoint, "cpu")


@pytest.mark.parametrize(
    ("whole_sizes", "stored"), [(False, "logits"), (True, "logits_recompute_scale")], ids=["scale", "whole sizes"]
)
def test_logits_are_the_original_s_however_copies_are_scaled(deeplab, estimator, whole_sizes, stored) -> None:
    with torch.inference_mode():
        logits = estimator.network(prepare(deeplab.picture()), whole_sizes=whole_sizes)[0].numpy()
    assert np.abs(logits - deeplab.outputs("direct.npz")[stored]).max() < LOGITS_TOLERANCE


def test_one_scale_alone_gives_the_original_s_logits(deeplab, estimator) -> None:
    with torch.inference_mode():
        logits = estimator.network.base(prepare(deeplab.picture()))[0].numpy()
    assert np.abs(logits - deeplab.outputs("direct.npz")["logits_single_scale"]).max() < LOGITS_TOLERANCE


def test_labels_of_a_picture_at_its_own_size_are_the_original_s(deeplab, estimator) -> None:
    likely = estimator.classify(deeplab.picture())
    first, second = np.sort(likely, axis=0)[:-3:-1]
    clear = first - second > CLEAR_MARGIN
    assert clear.mean() > 0.2
    assert (likely.argmax(axis=0) == deeplab.outputs("direct.npz")["labels"])[clear].all()


def test_a_picture_is_resized_as_the_original_does(deeplab) -> None:
    with Image.open(deeplab.folder / "demo_resized_rgb.png") as resized:
        assert np.array_equal(resize(deeplab.picture(), 513), np.asarray(resized))


def test_the_whole_way_gives_the_original_s_labels(deeplab, estimator) -> None:
    expected = deeplab.outputs("demo.npz")
    likely = estimator.classify(resize(deeplab.picture(), 513))
    clear = expected["margin"] > CLEAR_MARGIN
    assert np.array_equal(likely.argmax(axis=0)[clear], expected["labels"][clear])


def test_each_class_that_wins_somewhere_is_a_mask_with_its_name(deeplab, estimator) -> None:
    labels = deeplab.outputs("demo.npz")["labels"]
    stack = estimator.predict(Photo(deeplab.picture()), None).segments
    assert stack.scores.shape[1:] == labels.shape
    assert not stack.is_instance.any()
    often = np.flatnonzero(np.bincount(labels.ravel(), minlength=182) > 0.01 * labels.size)
    assert {read_names()[label] for label in often} <= {segment.label for segment in stack.segments}
    assert all(0 < segment.score <= 1 for segment in stack.segments)


def test_a_result_names_its_weights_and_their_licence(estimator, deeplab_checkpoint) -> None:
    assert (estimator.name, estimator.version) == ("deeplab-cocostuff", deeplab_checkpoint.name)
    assert "MIT" in estimator.licence


def test_the_random_field_keeps_what_is_certain(deeplab, estimator, deeplab_checkpoint) -> None:
    pytest.importorskip("pydensecrf", reason="pydensecrf is not installed: pip install 'blockout[crf]'")
    sharp = load(deeplab_checkpoint, "cpu", is_sharp=True)
    assert sharp.name == "deeplab-cocostuff-crf"
    plain, refined = (each.classify(deeplab.picture()) for each in (estimator, sharp))
    assert refined.shape == plain.shape
    certain = plain.max(axis=0) > 0.9
    assert (plain.argmax(axis=0) == refined.argmax(axis=0))[certain].mean() > 0.95
