"""How high and how thick common things are, in metres, by the names of COCO, COCO-Stuff, ADE20K, Cityscapes and NYU40.

A range holds about 95 of 100 things of that name: heights of what stands on the ground from foot to top, thicknesses
from front to back whichever side is the front.

Each group names what its sizes were compared with: pages that were read for it, most of them guides for buyers and
builders, not measurements of many things; the ranges are widened from theirs. Of "unchecked" groups no source was read:
they hold what is commonly known of such things, are wide, and weigh little. What data sets label without its pole, such
as traffic lights and signs, has no height here.
"""

from __future__ import annotations

Row = tuple[float, float, float, float]  # height from, to, thickness from, to

STANDING: dict[str, dict[str, Row]] = {  # by source: of names, what stands and has a usual height
    "NCD Risk Factor Collaboration, A century of trends in adult human height, eLife 2016;5:e13410": {
        "person, pedestrian, man, woman, rider": (1.5, 1.9, 0.2, 0.7),
    },
    "heights at the shoulder, heads added: classes of dogs (touslestoutous.com), cats (catscaress.com), horses "
    "(animalsguides.com), elephants (biologyinsights.com), giraffes (Britannica)": {
        "dog": (0.25, 0.85, 0.2, 1.1),
        "cat": (0.2, 0.45, 0.12, 0.5),
        "horse, zebra": (1.4, 2.3, 0.5, 2.5),
        "elephant": (2.2, 3.5, 1.3, 5.5),
        "giraffe": (4.0, 5.6, 0.8, 2.8),
    },
    "unchecked, other animals": {
        "cow": (1.3, 1.7, 0.6, 2.5),
        "sheep": (0.65, 1.1, 0.35, 1.3),
        "bear": (0.8, 1.5, 0.6, 2.2),
    },
    "size guides for chairs (designingidea.com, asktfurniture.net), sofas (homenish.com, adorncroft.com) and tables "
    "(engineerfix.com: 71 to 76 cm)": {
        "chair": (0.76, 1.05, 0.4, 0.65),
        "sofa, couch": (0.7, 1.05, 0.75, 1.05),
        "table": (0.7, 0.78, 0.6, 1.8),
        "coffee table": (0.35, 0.52, 0.4, 1.3),
        "desk": (0.7, 0.78, 0.5, 0.9),
        "night stand, nightstand": (0.45, 0.72, 0.3, 0.5),
        "counter, countertop, kitchen island, bar": (0.85, 1.15, 0.55, 0.95),
    },
    "unchecked, other seats and tables; EN 1335-1 and EN 1729-1 rule some": {
        "swivel chair, office chair": (0.85, 1.3, 0.5, 0.75),
        "armchair": (0.75, 1.1, 0.7, 1.0),
        "bench": (0.4, 0.95, 0.35, 0.7),
        "stool": (0.4, 0.8, 0.3, 0.5),
        "ottoman": (0.35, 0.5, 0.4, 0.8),
        "pool table": (0.75, 0.86, 1.1, 2.8),
    },
    "guides for makers of beds (woodbin.com: mattress 41 to 61 cm, headboard above) and bookcases (26 to 31 cm deep)": {
        "bed": (0.4, 1.3, 0.9, 2.2),
        "bookcase, bookshelf, bookshelves": (0.8, 2.3, 0.22, 0.45),
    },
    "unchecked, storage and what stands in rooms": {
        "cradle, crib": (0.8, 1.1, 0.5, 1.4),
        "cabinet, cupboard": (0.6, 2.2, 0.3, 0.65),
        "wardrobe": (1.7, 2.4, 0.5, 0.7),
        "dresser, chest of drawers": (0.7, 1.3, 0.4, 0.6),
        "buffet, sideboard": (0.7, 1.2, 0.4, 0.6),
        "shelf, shelves": (0.6, 2.3, 0.2, 0.5),
        "floor lamp": (1.3, 1.9, 0.25, 0.6),
        "potted plant": (0.3, 1.8, 0.2, 1.0),
    },
    "size guides for refrigerators (thespruce.com) and toilets (dimensions.guide, homenish.com)": {
        "refrigerator, refridgerator": (1.4, 2.0, 0.55, 0.92),
        "toilet": (0.65, 0.85, 0.5, 0.78),
    },
    "unchecked, kitchens and baths; EN 1116 rules some": {
        "stove, oven": (0.8, 0.95, 0.55, 0.7),
        "dishwasher, washer": (0.8, 1.0, 0.5, 0.7),
        "bathtub": (0.45, 0.65, 0.65, 0.9),
        "shower": (1.85, 2.2, 0.75, 1.2),
    },
    "sizes of doors in the USA (80 in), England (1981 mm), Australia (2040 mm): yoforia.com, civilscoops.com": {
        "door": (1.95, 2.15, 0.03, 0.2),
    },
    "unchecked, guards; building codes rule some": {
        "railing, rail, banister, bannister": (0.85, 1.2, 0.04, 0.15),
        "fence": (0.8, 2.2, 0.03, 0.2),
    },
    "classes of cars (engineerfix.com, cystinose.org)": {
        "car": (1.37, 1.88, 1.6, 5.1),
    },
    "Directive 96/53/EC (4 m high, 2.55 m wide, 12 m and 15 m long); London's double-deckers are 4.4 m high": {
        "truck, trailer": (2.0, 4.0, 1.9, 12.0),
        "bus": (2.7, 4.2, 2.4, 15.0),
    },
    "bicycles as racks are planned for (dosmith.com.au: handlebars 0.75 to 1.1 m, length 1.5 to 1.8 m)": {
        "bicycle, bike": (0.85, 1.15, 0.15, 1.9),
    },
    "unchecked, other vehicles": {
        "van, minivan": (1.7, 2.7, 1.8, 6.0),
        "caravan": (2.3, 2.8, 2.0, 7.0),
        "train, tram": (3.3, 4.4, 2.4, 25.0),
        "motorcycle, motorbike, minibike": (1.0, 1.35, 0.5, 2.2),
    },
    "heights of lamp posts by kind of street (engineeringdiscoveries.com, mocled.com)": {
        "streetlight, street light, street lamp": (3.5, 12.0, 0.15, 0.6),
    },
    "outlets of hydrants 18 to 36 in above the ground (engine2rescue1.com and city codes)": {
        "fire hydrant": (0.6, 1.0, 0.25, 0.5),
    },
    "unchecked, other things in streets": {
        "parking meter": (1.2, 1.7, 0.15, 0.4),
        "bollard": (0.7, 1.1, 0.1, 0.3),
        "trash can, ashcan, bin": (0.5, 1.3, 0.3, 0.8),
        "mailbox": (0.9, 1.5, 0.3, 0.6),
        "pole": (2.5, 11.0, 0.05, 0.4),
        "guard rail, guardrail": (0.65, 0.9, 0.1, 0.35),
    },
    "unchecked, shelters and machines": {
        "tent": (1.0, 3.0, 1.5, 6.0),
        "booth, cubicle": (1.9, 2.6, 0.8, 2.5),
        "arcade machine": (1.5, 2.0, 0.6, 1.0),
        "hovel, hut": (2.0, 4.0, 2.0, 6.0),
    },
    "unchecked, luggage; airlines limit some": {
        "suitcase": (0.5, 0.8, 0.2, 0.5),
        "backpack": (0.4, 0.6, 0.15, 0.35),
    },
    "unchecked, vessels; an oil drum is 0.88 m high and 0.58 m wide": {
        "barrel, cask": (0.6, 1.0, 0.4, 0.7),
    },
    "unchecked, plants": {
        "bush, hedge": (0.5, 2.5, 0.5, 2.5),
        "tree, palm": (3.0, 20.0, 1.5, 10.0),
    },
    "storeys of 3.1 m (dwellings) and 3.9 m (offices): height calculator of the Council on Tall Buildings (CTBUH)": {
        "house": (3.0, 12.0, 5.0, 15.0),
        "building": (3.0, 60.0, 5.0, 40.0),
        "skyscraper": (60.0, 400.0, 20.0, 70.0),
    },
}

THIN: dict[str, dict[str, tuple[float, float]]] = {  # by source: thickness from, to, of what may have any height
    "unchecked, walls, windows and columns": {
        "wall": (0.1, 0.4),
        "window, windowpane": (0.06, 0.2),
        "blind, blinds": (0.02, 0.1),
        "column, pillar": (0.2, 1.0),
        "fireplace": (0.3, 0.9),
    },
    "unchecked, what hangs, cloth in folds": {
        "curtain, drape, drapery": (0.05, 0.25),
        "mirror, picture, painting, poster, whiteboard, blackboard, bulletin board": (0.01, 0.06),
        "banner, flag, signboard, towel": (0.01, 0.1),
        "tv, television, monitor, screen, television receiver, crt screen": (0.03, 0.3),
        "chandelier, sconce, light": (0.15, 0.7),
        "radiator, clock": (0.03, 0.2),
        "awning, canopy": (0.5, 2.5),
    },
    "unchecked, what data sets label without its pole": {
        "traffic light": (0.1, 0.6),
        "stop sign, traffic sign, street sign": (0.03, 0.2),
    },
    "unchecked, what lies": {
        "pillow, cushion": (0.1, 0.3),
        "book, books": (0.12, 0.3),  # as they stand on a shelf
        "laptop, keyboard": (0.02, 0.25),
        "microwave, toaster": (0.2, 0.45),
        "sink": (0.35, 0.6),
        "bottle, cup, vase, wine glass, glass": (0.05, 0.2),
        "bowl, pot, flowerpot": (0.1, 0.4),
        "computer, hood": (0.15, 0.5),
        "blanket": (0.02, 0.15),
    },
    "unchecked, what games are played with; their rules limit some": {
        "sports ball": (0.04, 0.3),
        "tennis racket": (0.02, 0.04),
        "baseball bat": (0.05, 0.07),
        "baseball glove": (0.08, 0.2),
        "skateboard": (0.1, 0.25),
        "surfboard, snowboard, ski": (0.02, 0.12),
        "kite": (0.01, 0.3),
        "toy, plaything": (0.05, 0.4),
    },
    "unchecked, what is eaten, and from what": {
        "apple, orange": (0.06, 0.1),
        "banana, carrot, donut": (0.03, 0.12),
        "broccoli, hot dog, sandwich, fruit, vegetable": (0.05, 0.2),
        "pizza, cake, salad, food": (0.1, 0.35),
        "plate, tray": (0.15, 0.35),
        "fork, knife, spoon, toothbrush, scissors, straw": (0.01, 0.03),
        "blender, hair drier": (0.08, 0.2),
    },
    "unchecked, plants and what is made of cloth or paper": {
        "flower, leaves, branch": (0.03, 0.4),
        "clothes, apparel, cloth, textile": (0.03, 0.3),
        "paper, cardboard, napkin": (0.003, 0.03),
        "net": (0.01, 0.05),
    },
    "unchecked, vessels and aircraft, across": {
        "boat": (1.2, 6.0),
        "ship": (5.0, 40.0),
        "airplane, aeroplane": (3.0, 40.0),
    },
    "unchecked, what is built": {
        "ceiling, roof": (0.1, 0.5),
        "stairs, steps, stairway, staircase, step, escalator": (0.8, 4.0),
        "bridge": (2.0, 15.0),
        "tower": (3.0, 30.0),
        "grandstand": (3.0, 30.0),
        "platform, stage, pier, wharf": (1.5, 20.0),
        "fountain": (0.5, 5.0),
        "sculpture": (0.2, 1.5),
        "pedestal": (0.2, 1.0),
        "cage": (0.3, 1.5),
    },
    "unchecked, what stands about": {
        "fan": (0.2, 0.5),
        "basket": (0.2, 0.5),
        "tank": (0.5, 6.0),
        "bird": (0.08, 0.3),
        "rock, stone": (0.2, 2.0),
    },
    "unchecked, what is carried": {
        "umbrella": (0.6, 1.2),
        "handbag, bag": (0.1, 0.35),
        "hat": (0.15, 0.35),
        "frisbee, shoe, eye glasses": (0.03, 0.3),
        "cell phone, remote, mouse": (0.01, 0.06),
        "tie, license plate": (0.003, 0.03),
    },
}

# What things of a name look like as a whole, to ``prediction.SHAPES``; those of many shapes are not named.
LOOKS: dict[str, str] = {
    "box": "box, crate, carton, parcel, brick, book, refrigerator, refridgerator, microwave, oven, stove, dishwasher, "
    "washer, cabinet, cupboard, wardrobe, dresser, chest of drawers, suitcase, container, picture, "
    "painting, poster, mirror",
    "cylinder": "bottle, cup, mug, vase, wine glass, can, jar, bucket, barrel, cask, drum, tank, silo, bin, trash can, "
    "ashcan, flowerpot, candle, bollard, fire hydrant, column, pillar",
    "sphere": "ball, sports ball, globe, balloon, orange, apple",
    "cone": "cone, traffic cone",
}
