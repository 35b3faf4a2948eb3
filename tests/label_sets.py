"""The names that data sets give to what their pictures show, by the kind that Blockout makes of them."""

from blockout.inference.prediction import Kind

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
