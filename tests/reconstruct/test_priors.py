import pytest
from blockout.inference.labels import kind_of
from blockout.inference.networks.coco_stuff import read_names
from blockout.inference.prediction import SHAPES
from blockout.reconstruct.priors import _PRIORS, expect_shape, expect_thickness, prior_of
from blockout.reconstruct.usual_sizes import LOOKS
from label_sets import DATA_SETS


@pytest.mark.parametrize(
    ("label", "height_m"),
    [
        *(("person", 1.7), ("car, auto, automobile", 1.6), ("Chair", 0.89), ("chairs", 0.89), ("wooden chair", 0.89)),
        *(("table-merged", 0.74), ("dining table", 0.74), ("coffee table, cocktail table", 0.42), ("desk-stuff", 0.74)),
        *(("door-stuff", 2.05), ("screen door, screen", 2.05), ("street light", 6.5), ("fire hydrant", 0.77)),
        *(
            ("sofa_02", 0.84),
            ("bookshelf", 1.35),
            ("night stand", 0.57),
            ("refridgerator", 1.67),
            ("swivel chair", 1.05),
        ),
        *(("bus, autobus", 3.3), ("palm, palm tree", 7.7), ("chest of drawers, chest, bureau", 0.95)),
    ],
)
def test_a_label_tells_the_usual_height(label: str, height_m: float) -> None:
    prior = prior_of(label)
    assert prior is not None
    assert prior.typical_height_m == pytest.approx(height_m, rel=0.03)


@pytest.mark.parametrize(
    "label", ["", "42", "segment", "seg_001", "wall", "floor", "sky", "car park", "table lamp", "traffic light", "椅子"]
)
def test_what_has_no_usual_height_has_none(label: str) -> None:
    assert prior_of(label) is None


@pytest.mark.parametrize("name", _PRIORS)
def test_each_range_rises_and_is_found_by_its_name(name: str) -> None:
    prior = _PRIORS[name]
    assert prior_of(name) is prior
    for low, high in (prior.height_m, prior.thickness_m):
        assert 0 < low < high
    assert prior.height_m[0] < prior.typical_height_m < prior.height_m[1]


def test_what_varies_more_is_less_sure() -> None:
    door, person, tree = (prior_of(label) for label in ("door", "person", "tree"))
    assert door is not None and person is not None and tree is not None
    assert door.height_sigma < person.height_sigma < tree.height_sigma
    assert door.height_sigma == pytest.approx(0.025, abs=0.003)


@pytest.mark.parametrize(
    ("label", "width_m", "thickness_m"),
    [("wall", 5.0, 0.2), ("wall-brick", 1.0, 0.2), ("curtain", 2.0, 0.11), ("mirror-stuff", 1.0, 0.024)],
)
def test_what_hangs_or_closes_off_is_as_thick_however_wide(label: str, width_m: float, thickness_m: float) -> None:
    assert expect_thickness(label, width_m) == pytest.approx(thickness_m, rel=0.05)
    assert prior_of(label) is None


def test_the_longest_name_counts_among_standing_and_thin_things() -> None:
    assert expect_thickness("traffic light", 0.3) == pytest.approx(0.245, rel=0.01)
    assert expect_thickness("ceiling light", 0.3) == pytest.approx(0.24, rel=0.01)
    assert expect_thickness("thing", 1.0) is None


def test_each_prior_names_its_source() -> None:
    assert all(len(prior.source) > 10 for prior in _PRIORS.values())


@pytest.mark.parametrize(
    ("label", "shape"),
    [("wine bottle", "cylinder"), ("sports ball", "sphere"), ("Crates", "box"), ("traffic cone", "cone"), ("tree", "")],
)
def test_some_names_tell_a_shape(label: str, shape: str) -> None:
    assert expect_shape(label) == shape


def test_each_shape_that_a_name_tells_is_one_that_segments_have() -> None:
    assert set(LOOKS) < set(SHAPES)
    names = [name for names in LOOKS.values() for name in names.split(", ")]
    assert len(set(names)) == len(names)


# What has no usual size: names for what comes in all sizes or is left over, for masses, and for what is far away.
SIZELESS = {
    *("box", "case, display case, showcase", "ball", "lamp", "base, pedestal, stand", "plant, flora, plant life"),
    "plant-other",
    *(
        "mountain-merged",
        "mountain, mount",
        "mountain",
        "hill",
        "waterfall, falls",
        "waterdrops",
        "tunnel",
        "vegetation",
    ),
    *("seat", "conveyer belt", "trade name, brand name", "animal, animate being", "hair brush", "polegroup"),
    *("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic"),
    *("otherstructure", "otherfurniture", "otherprop", "furniture-other", "solid-other", "structural-other"),
    *("metal", "plastic", "wood"),
}


def test_all_other_names_of_the_data_sets_have_a_usual_thickness() -> None:
    names = [name.strip() for kinds in DATA_SETS.values() for text in kinds.values() for name in text.split("|")]
    names += read_names()
    things = {name for name in names if kind_of(name) in ("object", "structure")}
    assert {name for name in things if expect_thickness(name, 1.0) is None} == SIZELESS
