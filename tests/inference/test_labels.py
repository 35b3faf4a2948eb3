import json
from pathlib import Path

import pytest
from blockout.inference.labels import kind_of, words_of
from blockout.inference.prediction import KINDS, Kind
from label_sets import DATA_SETS

LABELS: dict[Kind, list[str]] = {
    "sky": ["sky", "Sky", "sky-other", "clouds", "fog", "sky-other-merged"],
    "ground": [
        *("floor", "road", "grass", "sidewalk", "carpet", "sand", "snow", "water", "sea", "river", "field", "dirt"),
        *("floor-wood", "ground-other", "water-other", "playingfield", "pavement", "tile floor", "swimming pool"),
        *("floor, flooring", "earth, ground", "parking lot", "dirt track", "floor_02", "Wooden floors", "gravel"),
    ],
    "structure": [
        *("wall", "wall-brick", "brick wall", "building-other", "building 3", "house", "ceiling-tile", "fence"),
        *("bridge", "window-blind", "door-stuff", "tower", "skyscraper", "hill", "mountain", "stairs", "roof"),
        *("building, edifice", "windowpane, window", "wall-other-merged", "guard rail", "Building"),
    ],
    "object": [
        *("car", "person", "street sign", "floor lamp", "wall clock", "water bottle", "house plant", "surfboard"),
        *("tree", "segment", "", "42", "sea lion", "snowboard", "stone", "wood", "metal", "mirror-stuff", "seg_001"),
    ],
}


@pytest.mark.parametrize(("label", "kind"), [(label, kind) for kind, labels in LABELS.items() for label in labels])
def test_a_label_tells_the_kind(label: str, kind: Kind) -> None:
    assert kind_of(label) == kind


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_names_of_a_data_set_fall_into_their_kinds(name: str) -> None:
    expected = {label.strip(): kind for kind, text in DATA_SETS[name].items() for label in text.split("|")}
    assert {label: kind_of(label) for label in expected} == expected


def test_the_lists_are_whole() -> None:
    counts = {name: sum(text.count("|") + 1 for text in kinds.values()) for name, kinds in DATA_SETS.items()}
    assert (counts["ADE20K"], counts["Cityscapes"], counts["NYU40"]) == (150, 35, 40)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Wooden Chair_02", ["wooden", "chair"]),
        ("floor, flooring", ["floor"]),
        ("wall-brick", ["wall"]),
        ("brick", ["brick"]),
        ("construction--flat--crosswalk-plain", ["construction", "flat", "crosswalk"]),
        ("42", []),
    ],
)
def test_a_label_s_words_end_with_the_noun(label: str, words: list[str]) -> None:
    assert words_of(label) == words


def test_coco_stuff_labels_fall_into_all_kinds(shared: Path) -> None:
    labels = [
        row["name"] for row in json.loads((shared / "fixtures/deeplab/cocostuff_labels.json").read_text())["labels"]
    ]
    kinds = {label: kind_of(label) for label in labels}
    assert {kind: sum(k == kind for k in kinds.values()) for kind in KINDS}["sky"] == 3
    assert all(kinds[label] == "object" for label in labels[:67])
    assert all(kinds[label] == "structure" for label in labels if label.startswith(("wall-", "building-", "ceiling-")))
    assert all(kinds[label] == "ground" for label in labels if label.startswith("floor-"))
