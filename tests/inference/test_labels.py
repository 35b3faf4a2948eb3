import json
from pathlib import Path

import pytest
from blockout.inference.labels import kind_of, words_of
from blockout.inference.prediction import KINDS, Kind

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

# Names of whole data sets, apart from those of the kind "object"; all others are objects.
COCO_PANOPTIC: dict[Kind, str] = {
    "sky": "sky-other-merged",
    "ground": """floor-wood|gravel|playingfield|railroad|river|road|sand|sea|snow|water-other|floor-other-merged|
        pavement-merged|grass-merged|dirt-merged|rug-merged""",
    "structure": """bridge|door-stuff|house|platform|roof|stairs|wall-brick|wall-stone|wall-tile|wall-wood|
        window-blind|window-other|fence-merged|ceiling-merged|mountain-merged|building-other-merged|
        wall-other-merged""",
    "object": """banner|blanket|cardboard|counter|curtain|flower|fruit|light|mirror-stuff|net|pillow|shelf|tent|towel|
        tree-merged|cabinet-merged|table-merged|paper-merged|food-other-merged|rock-merged|dining table|potted plant|
        traffic light|tv""",
}
ADE20K: dict[Kind, str] = {
    "sky": "sky",
    "ground": """floor, flooring|road, route|grass|sidewalk, pavement|earth, ground|water|sea|rug, carpet, carpeting|
        field|sand|path|runway|river|dirt track|land, ground, soil|swimming pool, swimming bath|lake""",
    "structure": """wall|building, edifice|ceiling|windowpane, window|door, double door|mountain, mount|house|
        fence, fencing|railing, rail|column, pillar|skyscraper|fireplace, hearth|grandstand, covered stand|
        stairs, steps|screen door, screen|stairway, staircase|bridge, span|hill|hovel, hut, hutch|tower|
        awning, sunshade|bannister, banister|escalator, moving staircase|stage|step, stair|pier, wharf, wharfage, dock|
        blind, screen""",
    "object": """tree|bed|cabinet|person, individual, someone|table|plant, flora, plant life|curtain, drape, drapery|
        chair|car, auto, automobile|painting, picture|sofa, couch, lounge|shelf|mirror|armchair|seat|desk|rock, stone|
        wardrobe, closet, press|lamp|bathtub, bathing tub|cushion|base, pedestal, stand|box|signboard, sign|
        chest of drawers, chest, bureau|counter|sink|refrigerator, icebox|case, display case, showcase|
        pool table, billiard table|pillow|bookcase|coffee table, cocktail table|toilet, can|flower|book|bench|
        countertop|stove, kitchen stove|palm, palm tree|kitchen island|computer|swivel chair|boat|bar|arcade machine|
        bus, autobus|towel|light, light source|truck, motortruck|chandelier, pendant|streetlight, street lamp|
        booth, cubicle|television receiver|airplane, aeroplane|apparel, wearing apparel|pole|ottoman, pouf|bottle|
        buffet, counter|poster, posting|van|ship|fountain|conveyer belt|canopy|washer, automatic washer|plaything, toy|
        stool|barrel, cask|basket, handbasket|waterfall, falls|tent, collapsible shelter|bag|minibike, motorbike|
        cradle|oven|ball|food, solid food|tank, storage tank|trade name, brand name|microwave|pot, flowerpot|
        animal, animate being|bicycle, bike|dishwasher|screen, silver screen|blanket, cover|sculpture|
        hood, exhaust hood|sconce|vase|traffic light, traffic signal|tray|ashcan, trash can|fan|crt screen|plate|
        monitor, monitoring device|bulletin board, notice board|shower|radiator|glass, drinking glass|clock|flag""",
}
CITYSCAPES: dict[Kind, str] = {
    "sky": "sky",
    "ground": "ground|road|sidewalk|parking|rail track|terrain",
    "structure": "building|wall|fence|guard rail|bridge|tunnel",
    "object": """unlabeled|ego vehicle|rectification border|out of roi|static|dynamic|pole|polegroup|traffic light|
        traffic sign|vegetation|person|rider|car|truck|bus|caravan|trailer|train|motorcycle|bicycle|license plate""",
}
NYU40: dict[Kind, str] = {
    "ground": "floor|floor mat",
    "structure": "wall|door|window|ceiling|blinds|otherstructure",
    "object": """cabinet|bed|chair|sofa|table|bookshelf|picture|counter|desk|shelves|curtain|dresser|pillow|mirror|
        clothes|books|refridgerator|television|paper|towel|shower curtain|box|whiteboard|person|night stand|toilet|
        sink|lamp|bathtub|bag|otherfurniture|otherprop""",
}
DATA_SETS = {"COCO panoptic": COCO_PANOPTIC, "ADE20K": ADE20K, "Cityscapes": CITYSCAPES, "NYU40": NYU40}


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
