"""How high and how thick common things are, in metres, by the names of COCO, COCO-Stuff, ADE20K, Cityscapes and NYU40.

A range holds about 95 of 100 things of that name: heights of what stands on the ground from foot to top, thicknesses
from front to back whichever side is the front. Each group names the source that its sizes are taken or widened from;
where standards rule a size it is theirs, elsewhere the range is wide and weighs little.
"""

from __future__ import annotations

Row = tuple[float, float, float, float]  # height from, to, thickness from, to

STANDING: dict[str, dict[str, Row]] = {  # by source: of names, what stands and has a usual height
    "NCD Risk Factor Collaboration, A century of trends in adult human height, eLife 2016": {
        "person, pedestrian, man, woman, rider": (1.5, 1.9, 0.2, 0.7),
    },
    "R. M. Nowak, Walker's Mammals of the World, 1999, from shoulder height and length": {
        "dog": (0.3, 0.8, 0.2, 1.1),
        "cat": (0.2, 0.45, 0.12, 0.5),
        "horse, zebra": (1.4, 2.3, 0.5, 2.5),
        "cow": (1.3, 1.7, 0.6, 2.5),
        "sheep": (0.65, 1.1, 0.35, 1.3),
        "bear": (0.8, 1.5, 0.6, 2.2),
        "elephant": (2.2, 3.5, 1.3, 5.5),
        "giraffe": (4.0, 5.6, 0.8, 2.8),
    },
    "seats and tables: EN 1729-1, EN 527-1, EN 1335-1; E. Neufert, Architects' Data": {
        "chair": (0.75, 1.0, 0.4, 0.65),
        "swivel chair, office chair": (0.85, 1.3, 0.5, 0.75),
        "armchair": (0.75, 1.1, 0.7, 1.0),
        "sofa, couch": (0.7, 1.0, 0.75, 1.05),
        "bench": (0.4, 0.95, 0.35, 0.7),
        "stool": (0.4, 0.8, 0.3, 0.5),
        "ottoman": (0.35, 0.5, 0.4, 0.8),
        "table": (0.7, 0.78, 0.6, 1.8),
        "coffee table": (0.35, 0.5, 0.4, 1.3),
        "pool table": (0.75, 0.86, 1.1, 2.8),
        "desk": (0.7, 0.78, 0.5, 0.9),
    },
    "beds and storage: E. Neufert, Architects' Data": {
        "bed": (0.4, 1.2, 0.9, 2.2),
        "cradle, crib": (0.8, 1.1, 0.5, 1.4),
        "night stand, nightstand": (0.4, 0.7, 0.3, 0.5),
        "cabinet, cupboard": (0.6, 2.2, 0.3, 0.65),
        "wardrobe": (1.7, 2.4, 0.5, 0.7),
        "dresser, chest of drawers": (0.7, 1.3, 0.4, 0.6),
        "buffet, sideboard": (0.7, 1.2, 0.4, 0.6),
        "bookcase, bookshelf, bookshelves": (0.8, 2.3, 0.22, 0.45),
        "shelf, shelves": (0.6, 2.3, 0.2, 0.5),
        "floor lamp": (1.3, 1.9, 0.25, 0.6),
        "potted plant": (0.3, 1.8, 0.2, 1.0),
    },
    "kitchens and baths: EN 1116, EN 997; E. Neufert, Architects' Data": {
        "counter, countertop, kitchen island, bar": (0.85, 1.15, 0.55, 0.95),
        "stove, oven": (0.8, 0.95, 0.55, 0.7),
        "dishwasher, washer": (0.8, 1.0, 0.5, 0.7),
        "refrigerator, refridgerator": (1.4, 2.0, 0.55, 0.8),
        "toilet": (0.65, 0.85, 0.5, 0.75),
        "bathtub": (0.45, 0.65, 0.65, 0.9),
        "shower": (1.85, 2.2, 0.75, 1.2),
    },
    "doors and guards: DIN 18101, DIN 18065, International Building Code 1015": {
        "door": (1.95, 2.15, 0.03, 0.2),
        "railing, rail, banister, bannister": (0.85, 1.2, 0.04, 0.15),
        "fence": (0.8, 2.2, 0.03, 0.2),
    },
    "vehicles: Directive 96/53/EC (4 m high, 2.55 m wide, 12 and 13.5 m long), UIC 505-1, ISO 4210": {
        "car": (1.4, 1.8, 1.6, 4.9),
        "van, minivan": (1.7, 2.7, 1.8, 6.0),
        "truck, trailer": (2.0, 4.0, 1.9, 12.0),
        "bus": (2.7, 4.0, 2.4, 13.0),
        "caravan": (2.3, 2.8, 2.0, 7.0),
        "train, tram": (3.3, 4.4, 2.4, 25.0),
        "motorcycle, motorbike, minibike": (1.0, 1.35, 0.5, 2.2),
        "bicycle, bike": (0.9, 1.15, 0.15, 1.8),
    },
    "streets: Manual on Uniform Traffic Control Devices (2A.18, 4D.15), EN 40-2, AWWA C502, AASHTO guardrails": {
        "fire hydrant": (0.6, 1.0, 0.25, 0.5),
        "parking meter": (1.2, 1.7, 0.15, 0.4),
        "bollard": (0.7, 1.1, 0.1, 0.3),
        "trash can, ashcan, bin": (0.5, 1.3, 0.3, 0.8),
        "mailbox": (0.9, 1.5, 0.3, 0.6),
        "traffic light": (2.4, 6.0, 0.1, 0.6),
        "stop sign, traffic sign, street sign": (2.0, 3.6, 0.03, 0.2),
        "streetlight, street light, street lamp": (3.5, 11.0, 0.15, 2.0),
        "pole": (2.5, 11.0, 0.05, 0.4),
        "guard rail, guardrail": (0.65, 0.9, 0.1, 0.35),
    },
    "luggage: IATA's cabin and checked sizes": {
        "suitcase": (0.5, 0.8, 0.2, 0.5),
        "backpack": (0.4, 0.6, 0.15, 0.35),
    },
    "plants: E. Neufert, Architects' Data": {
        "bush, hedge": (0.5, 2.5, 0.5, 2.5),
        "tree, palm": (3.0, 20.0, 1.5, 10.0),
    },
    "houses: storeys of 2.7 to 3.5 m, E. Neufert; tall buildings: Council on Tall Buildings and Urban Habitat": {
        "house": (3.0, 12.0, 5.0, 15.0),
        "building": (3.0, 60.0, 5.0, 40.0),
        "skyscraper": (60.0, 400.0, 20.0, 70.0),
    },
}

THIN: dict[str, dict[str, tuple[float, float]]] = {  # by source: thickness from, to, of what may have any height
    "walls, windows and columns: DIN 4172, E. Neufert, Architects' Data": {
        "wall": (0.1, 0.4),
        "window, windowpane": (0.06, 0.2),
        "blind, blinds": (0.02, 0.1),
        "column, pillar": (0.2, 1.0),
        "fireplace": (0.3, 0.9),
    },
    "what hangs: goods as sold, cloth in folds": {
        "curtain, drape, drapery": (0.05, 0.25),
        "mirror, picture, painting, poster, whiteboard, blackboard, bulletin board": (0.01, 0.06),
        "banner, flag, signboard, towel": (0.01, 0.1),
        "tv, television, monitor, screen, television receiver, crt screen": (0.03, 0.3),
        "chandelier, sconce, light": (0.15, 0.7),
        "radiator": (0.05, 0.2),
    },
    "what lies: goods as sold": {
        "pillow, cushion": (0.1, 0.3),
        "book, books": (0.12, 0.3),  # as they stand on a shelf
        "laptop, keyboard": (0.02, 0.25),
        "microwave, toaster": (0.2, 0.45),
        "sink": (0.35, 0.6),
        "bottle, cup, vase, wine glass, glass": (0.05, 0.2),
    },
}
