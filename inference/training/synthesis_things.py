"""Things of synthetic scenes: assemblies of solids, and models, that stand on something."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .render_solids import (
    BOX,
    CONE,
    CYLINDER,
    GABLE,
    HIP,
    NONE,
    PRISM,
    SHED,
    SPHERE,
    UNIT_BOX,
    SceneSolids,
    Surface,
    place,
    regular_prism,
)
from .synthesis_materials import Materials
from .synthesis_models import Model

SKY, GROUND, STRUCTURE, OBJECT = range(4)
Point = tuple[float, float, float]


@dataclass
class Stage:
    """A scene in the making: what the makers of things share.

    Attributes:
        rng: of this scene alone.
        materials: pictures to pick from.
        models: by role.
        solids: what has been made.
    """

    rng: np.random.Generator
    materials: Materials
    models: dict[str, list[Model]]
    solids: SceneSolids = field(default_factory=SceneSolids)
    last: int = 0

    def begin(self) -> int:
        """Return a new instance."""
        self.last += 1
        return self.last

    def between(self, low: float, high: float) -> float:
        """Return a number between two, evenly."""
        return float(self.rng.uniform(low, high))

    def look(self, use: str, instance: int, kind: int = OBJECT, shape: int = BOX, **known: object) -> Surface:
        """Return a surface with a texture for a use and random colours."""
        rng = self.rng
        tint = np.clip(rng.uniform(0.45, 1.25) + rng.normal(0, 0.13, 3), 0.05, 1.6)
        if rng.random() < 0.1:
            tint = rng.uniform(0.05, 1.5, 3)
        texture = self.materials.pick(rng, use)
        if rng.random() < (0.5 if use in ("wall", "metal", "wood") else 0.2):  # plain paint
            mean = self.materials.mean[texture].mean().item()
            tint = _paint(rng) / max(mean, 0.1)
            known = {"gain": float(rng.uniform(0, 0.5))} | known
        return Surface(
            instance,
            kind,
            shape,
            texture=texture,
            **{
                "tile_m": float(np.exp(rng.uniform(-1.4, 1.1))),
                "colour": tuple(float(c) for c in tint),
                "gain": float(rng.uniform(0.5, 1.4)),
                "offset": tuple(rng.random(2).tolist()),
                "gloss": float(max(0.0, rng.normal(0.0, 0.35))),
            }
            | known,  # type: ignore[arg-type]
        )

    def put(self, model: Model, at: Point, yaw: float, height_m: float = 0.0, kind: int = OBJECT) -> float:
        """Add a model that stands at a point and return its height, metres."""
        height = height_m or self.between(model.low_m, model.high_m)
        stretch = np.array([height * self.between(0.85, 1.2), height, height * self.between(0.85, 1.2)])
        turn = place((0, 0, 0), (1, 1, 1), yaw)[:, :3]
        corners = (model.corners * stretch) @ turn.T + np.asarray(at, np.float32)
        tint = np.clip(self.rng.uniform(0.6, 1.3) + self.rng.normal(0, 0.15, 3), 0.1, 1.6)
        surface = Surface(
            self.begin(), kind, model.shape, colour=tuple(tint.tolist()), gain=self.between(0.8, 1.3), gloss=0.1
        )
        textures = model.textures
        if self.rng.random() < 0.35 and model.role not in ("tree", "plant", "house", "car"):  # other clothes
            textures = np.full(
                len(textures), self.materials.pick(self.rng, str(self.rng.choice(["any", "cloth", "wood"])))
            )
        self.solids.add_mesh(surface, corners.astype(np.float32), model.uv, textures)
        return height

    def model(self, *roles: str) -> Model | None:
        """Return a model of one of the roles at random; None where there is none."""
        able = [model for role in roles for model in self.models.get(role, [])]
        return able[self.rng.integers(len(able))] if able else None


def _paint(rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:  # whites, greys, blacks
        return np.clip(rng.choice([0.08, 0.2, 0.5, 0.75, 0.88, 0.93]) + rng.normal(0, 0.04, 3), 0.02, 1)
    grey = rng.uniform(0.1, 0.9)
    return np.clip(grey + rng.normal(0, 0.22, 3), 0.03, 1)


def add_small_thing(stage: Stage, at: Point, size_m: float, stack: bool = True) -> float:
    """Add something that lies on tables: a box, bottle, mug, bowl, ball, book, screen ... and return its height."""
    rng, solids = stage.rng, stage.solids
    x, y, z = at
    yaw = stage.between(0, 6.3)
    model = stage.model("small")
    if model is not None and rng.random() < 0.2:
        return stage.put(model, at, yaw, height_m=min(size_m * 1.5, stage.between(model.low_m, model.high_m)))
    sort = rng.choice(
        ["box", "box", "packet", "book", "bottle", "mug", "bowl", "ball", "can", "prism", "screen", "cone", "bag"]
    )
    new = stage.begin()
    r, h = size_m * stage.between(0.25, 0.6), size_m * stage.between(0.5, 1.6)
    use = str(rng.choice(["print", "any", "print", "metal"]))
    face = 0.0 if rng.random() < 0.6 else stage.between(0.05, 0.5)
    if sort in ("box", "packet"):
        w, d = (
            size_m * stage.between(0.2, 0.8),
            size_m * (stage.between(0.1, 0.3) if sort == "packet" else stage.between(0.2, 0.8)),
        )
        solids.add_box(stage.look(use, new, tile_m=face), (x, y + h / 2, z), (w / 2, h / 2, d / 2), yaw)
    elif sort == "book":
        h = size_m * stage.between(0.05, 0.25)
        half = (size_m * stage.between(0.4, 0.8), h / 2, size_m * stage.between(0.4, 0.7))
        solids.add_box(stage.look("print", new, tile_m=0.0), (x, y + h / 2, z), half, yaw)
    elif sort == "bottle":
        h, r = size_m * stage.between(1.2, 2.2), size_m * stage.between(0.18, 0.35)
        look = stage.look(use, new, shape=CYLINDER, gloss=stage.between(0, 1))
        solids.add_round(look, place((x, y + h * 0.35, z), (r, h * 0.35, r)))
        solids.add_round(look, place((x, y + h * 0.78, z), (r, h * 0.08, r)), 0.4)
        solids.add_round(
            stage.look("any", new, shape=CYLINDER), place((x, y + h * 0.93, z), (r * 0.4, h * 0.07, r * 0.4))
        )
    elif sort == "mug":
        h = r * stage.between(1.6, 2.6)
        solids.add_round(
            stage.look(use, new, shape=CYLINDER, gloss=0.6),
            place((x, y + h / 2, z), (r, h / 2, r)),
            stage.between(0.9, 1.3),
        )
        out = np.array([np.cos(yaw), np.sin(yaw)]) * r * 1.25
        solids.add_box(
            stage.look("any", new, shape=CYLINDER),
            (x + out[0], y + h / 2, z + out[1]),
            (r * 0.4, h * 0.3, r * 0.1),
            -yaw,
        )
    elif sort == "bowl":
        h = r * stage.between(0.4, 1.1)
        solids.add_round(
            stage.look("any", new, shape=CONE, gloss=0.6),
            place((x, y + h / 2, z), (r * 0.6, h / 2, r * 0.6)),
            stage.between(1.3, 2.2),
        )
    elif sort == "ball":
        h = 2 * r
        solids.add_round(
            stage.look("any", new, shape=SPHERE), place((x, y + r, z), (r, r * stage.between(0.7, 1), r)), sphere=True
        )
    elif sort == "can":
        solids.add_round(
            stage.look(use, new, shape=CYLINDER, tile_m=face), place((x, y + h / 2, z), (r * 0.7, h / 2, r * 0.7), yaw)
        )
    elif sort == "cone":
        solids.add_round(
            stage.look("any", new, shape=CONE), place((x, y + h / 2, z), (r, h / 2, r)), stage.between(0, 0.6)
        )
    elif sort == "screen":
        w = size_m * stage.between(1.0, 2.2)
        h = w * stage.between(0.5, 0.8)
        solids.add_box(
            stage.look("print", new, tile_m=0.0, gloss=0.3),
            (x, y + h * 0.65, z),
            (w / 2, h / 2, w * 0.03),
            yaw,
            stage.between(-0.2, 0.2),
        )
        solids.add_box(stage.look("metal", new), (x, y + h * 0.15, z), (w * 0.08, h * 0.15, w * 0.05), yaw)
        solids.add_box(stage.look("metal", new), (x, y + 0.01, z), (w * 0.2, 0.01, w * 0.14), yaw)
        h *= 1.15
    elif sort == "bag":
        solids.add_round(
            stage.look("print", new, shape=PRISM, tile_m=face),
            place((x, y + h * 0.45, z), (r, h * 0.5, r * 0.6), yaw),
            sphere=True,
        )
    else:
        planes = regular_prism(int(rng.integers(3, 7)), yaw)
        solids.add(stage.look("any", new, shape=PRISM), place((x, y + h / 2, z), (r, h / 2, r)), planes)
    if stack and rng.random() < 0.2 and sort in ("box", "book", "can"):
        add_small_thing(stage, (x, y + h, z), size_m * 0.6, stack=False)
    return float(h)


def add_table(stage: Stage, at: Point, yaw: float, things: int = 4, half_m: tuple[float, float] | None = None) -> float:
    """Add a table, desk or bench with things on it, of a known size or any, and return how high it is, metres."""
    rng = stage.rng
    model = stage.model("table")
    if half_m is not None:
        half, height = np.array(half_m), stage.between(0.65, 0.8)
        _table_solids(stage, at, yaw, half, height)
    elif model is not None and rng.random() < 0.35:
        height = stage.put(model, at, yaw)
        half = np.array(model.reach) * height * 0.7
    else:
        half, height = np.array([stage.between(0.35, 1.1), stage.between(0.3, 0.5)]), stage.between(0.4, 0.8)
        _table_solids(stage, at, yaw, half, height)
    for _ in range(rng.integers(0, things + 1)):
        local = rng.uniform(-0.85, 0.85, 2) * half
        add_small_thing(stage, _beside(at, yaw, float(local[0]), float(local[1]), height), stage.between(0.08, 0.3))
    return float(height)


def _table_solids(stage: Stage, at: Point, yaw: float, half: np.ndarray, height: float) -> None:
    new, thick, leg = stage.begin(), stage.between(0.015, 0.05), stage.between(0.015, 0.04)
    top, legs = stage.look("wood", new), stage.look("metal", new)
    if stage.rng.random() < 0.2:
        frame = place((at[0], at[1] + height - thick, at[2]), (half[0], thick, half[0]))
        stage.solids.add_round(top, frame)
        stage.solids.add_round(legs, place((at[0], at[1] + height / 2, at[2]), (leg, height / 2, leg)))
        return
    stage.solids.add_box(top, (at[0], at[1] + height - thick, at[2]), (half[0], thick, half[1]), yaw)
    if stage.rng.random() < 0.3:  # closed sides
        for side in (-1, 1):
            centre = _beside(at, yaw, side * (half[0] - 0.03), 0, height / 2 - thick)
            stage.solids.add_box(legs, centre, (0.02, height / 2 - thick, half[1] * 0.95), yaw)
        if stage.rng.random() < 0.6:
            centre = _beside(at, yaw, half[0] * 0.6, 0, height / 2 - thick)
            stage.solids.add_box(top, centre, (half[0] * 0.35, height / 2 - thick, half[1] * 0.9), yaw)
        return
    for a in (-1, 1):
        for b in (-1, 1):
            centre = _beside(at, yaw, a * (half[0] - 2 * leg), b * (half[1] - 2 * leg), height / 2 - thick)
            stage.solids.add_box(legs, centre, (leg, height / 2 - thick, leg), yaw)


def _beside(at: Point, yaw: float, x: float, z: float, y: float = 0.0) -> Point:
    """Return a point given in a thing's own axes."""
    c, s = np.cos(yaw), np.sin(yaw)
    return (float(at[0] + c * x + s * z), at[1] + y, float(at[2] - s * x + c * z))


beside = _beside


def add_chair(stage: Stage, at: Point, yaw: float) -> None:
    """Add a chair, stool or office chair."""
    rng, solids = stage.rng, stage.solids
    model = stage.model("chair")
    if model is not None and rng.random() < 0.4:
        stage.put(model, at, yaw)
        return
    new, seat, r = stage.begin(), stage.between(0.4, 0.5), stage.between(0.19, 0.27)
    cloth = stage.look(str(rng.choice(["cloth", "wood"])), new, shape=PRISM)
    legs = stage.look("metal", new, shape=PRISM)
    thick = stage.between(0.015, 0.06)
    solids.add_box(cloth, (at[0], at[1] + seat, at[2]), (r, thick, r), yaw)
    back, lean = stage.between(0.18, 0.32), stage.between(-0.25, 0.0)
    if rng.random() < 0.85:
        centre = _beside(at, yaw, 0, -r, seat + back + 0.1)
        solids.add_box(cloth, centre, (r * stage.between(0.8, 1), back, 0.02 + thick / 3), yaw, lean)
        solids.add_box(legs, _beside(at, yaw, 0, -r, seat + back / 2), (0.03, back / 2 + 0.08, 0.015), yaw, lean)
    if rng.random() < 0.5:
        solids.add_round(legs, place((at[0], at[1] + seat / 2 + 0.03, at[2]), (0.025, seat / 2 - 0.03, 0.025)))
        for turn in range(5):
            spoke = yaw + turn * 1.257
            centre = (at[0] + 0.14 * np.cos(spoke), at[1] + 0.06, at[2] - 0.14 * np.sin(spoke))
            solids.add_box(legs, centre, (0.14, 0.02, 0.02), spoke)
    else:
        for a in (-1, 1):
            for b in (-1, 1):
                solids.add_box(
                    legs, _beside(at, yaw, a * r * 0.85, b * r * 0.85, seat / 2), (0.018, seat / 2, 0.018), yaw
                )
    if rng.random() < 0.4:
        for side in (-1, 1):
            solids.add_box(legs, _beside(at, yaw, side * r, 0.02, seat + 0.2), (0.025, 0.02, r * 0.8), yaw)
            solids.add_box(legs, _beside(at, yaw, side * r, 0.1, seat + 0.1), (0.02, 0.1, 0.02), yaw)


def add_sofa(stage: Stage, at: Point, yaw: float, bed: bool = False) -> None:
    """Add a sofa, an armchair or a bed."""
    model = stage.model("bed" if bed else "sofa")
    if model is not None and stage.rng.random() < 0.45:
        stage.put(model, at, yaw)
        return
    new, solids = stage.begin(), stage.solids
    w, d = (
        (stage.between(0.45, 0.95), stage.between(0.95, 1.1))
        if bed
        else (stage.between(0.4, 1.2), stage.between(0.38, 0.5))
    )
    seat, arm, thick = stage.between(0.3, 0.5), stage.between(0.5, 0.7), stage.between(0.06, 0.14)
    cloth, other = stage.look("cloth", new, shape=PRISM), stage.look("cloth", new, shape=PRISM)
    solids.add_box(cloth, _beside(at, yaw, 0, 0, seat / 2), (w, seat / 2, d), yaw)
    back = stage.between(0.4, 0.6) if bed else stage.between(0.7, 0.95)
    solids.add_box(cloth if not bed else other, _beside(at, yaw, 0, -d, back / 2), (w, back / 2, thick), yaw)
    if bed:
        solids.add_box(other, _beside(at, yaw, 0, d * 0.25, seat + 0.03), (w * 1.02, 0.05, d * 0.76), yaw)
    for side in (-1, 1):
        if bed or stage.rng.random() < 0.3:
            centre = _beside(at, yaw, side * w * 0.5, -d * 0.65, seat + 0.06)
            solids.add_round(other, place(centre, (min(w * 0.4, 0.35), 0.09, 0.2), yaw), sphere=True)
        if not bed:
            solids.add_box(cloth, _beside(at, yaw, side * w, 0, arm / 2), (thick, arm / 2, d), yaw)


def add_storage(stage: Stage, at: Point, yaw: float, high_m: float = 2.2) -> None:
    """Add a shelf with things on it, a cupboard or a chest of drawers; its back is at the point."""
    rng, solids = stage.rng, stage.solids
    model = stage.model("storage")
    if model is not None and rng.random() < 0.3:
        stage.put(model, _beside(at, yaw, 0, 0.3), yaw)
        return
    new, w, d, h = stage.begin(), stage.between(0.25, 0.9), stage.between(0.13, 0.3), stage.between(0.5, high_m)
    look = stage.look("wood", new)
    front = _beside(at, yaw, 0, d)
    if rng.random() < 0.5:
        solids.add_box(look, (front[0], at[1] + h / 2, front[2]), (w, h / 2, d), yaw)
        other = stage.look("wood", new)
        for level in np.linspace(0, h, int(rng.integers(2, 6)))[:-1]:
            tall = h / 5
            solids.add_box(
                other, _beside(at, yaw, 0, 2 * d, float(level) + tall / 2 + 0.02), (w * 0.95, tall / 2, 0.012), yaw
            )
    else:
        _open_shelf(stage, at, yaw, look, (w, d, h))
    for _ in range(rng.integers(0, 4)):
        top = _beside(at, yaw, stage.between(-0.8, 0.8) * w, d, h)
        add_small_thing(stage, top, stage.between(0.1, 0.35))


def _open_shelf(stage: Stage, at: Point, yaw: float, look: Surface, size: Point) -> None:
    w, d, h = size
    solids = stage.solids
    for side in (-1, 1):
        solids.add_box(look, _beside(at, yaw, side * w, d, h / 2), (0.015, h / 2, d), yaw)
    if stage.rng.random() < 0.7:
        solids.add_box(look, _beside(at, yaw, 0, 0.01, h / 2), (w, h / 2, 0.01), yaw)
    levels = np.linspace(0.03, h, int(stage.rng.integers(2, 6)))
    for level in levels:
        solids.add_box(look, _beside(at, yaw, 0, d, float(level)), (w, 0.012, d), yaw)
    for level in levels[:-1]:
        space = float(levels[1] - levels[0])
        for x in np.arange(-w + 0.1, w - 0.05, stage.between(0.1, 0.35)):
            if stage.rng.random() < 0.6:
                at_level = _beside(at, yaw, float(x), d * 1.2, float(level) + 0.012)
                _book_or_box(stage, at_level, yaw, space)


def _book_or_box(stage: Stage, at: Point, yaw: float, space: float) -> None:
    w, h, d = stage.between(0.015, 0.09), space * stage.between(0.35, 0.85) / 2, stage.between(0.06, 0.12)
    look = stage.look("print", stage.begin(), tile_m=0.0)
    if stage.rng.random() < 0.2:
        stage.solids.add_round(look, place((at[0], at[1] + h, at[2]), (w, h, w)), stage.between(0.6, 1.2))
        return
    stage.solids.add_box(look, (at[0], at[1] + h, at[2]), (w, h, d), yaw)


def add_clutter(stage: Stage, at: Point, size_m: float = 0.6) -> None:
    """Add a heap of boxes, cylinders, balls and the like on the ground."""
    model = stage.model("floor")
    if model is not None and stage.rng.random() < 0.3:
        stage.put(model, at, stage.between(0, 6.3))
        return
    for _ in range(stage.rng.integers(1, 5)):
        x, z = stage.rng.normal(0, size_m, 2)
        add_small_thing(stage, (at[0] + float(x), at[1], at[2] + float(z)), size_m * stage.between(0.4, 1.3))


def add_person(stage: Stage, at: Point, yaw: float) -> None:
    """Add somebody who stands or walks."""
    new, solids, h = stage.begin(), stage.solids, stage.between(1.45, 1.95)
    skin = stage.look(
        "any", new, shape=PRISM, gain=0.1, colour=tuple(np.array([1.2, 0.85, 0.7]) * stage.between(0.3, 1))
    )
    top, legs = stage.look("cloth", new, shape=PRISM), stage.look("cloth", new, shape=PRISM)
    wide, stride = stage.between(0.17, 0.26), stage.between(0, 0.5)
    solids.add_round(skin, place(_beside(at, yaw, 0, 0, h * 0.93), (h * 0.055, h * 0.07, h * 0.06), yaw), sphere=True)
    solids.add_round(top, place(_beside(at, yaw, 0, 0, h * 0.67), (wide, h * 0.17, wide * 0.6), yaw), 0.8)
    solids.add_round(top, place(_beside(at, yaw, 0, 0, h * 0.83), (wide * 0.8, h * 0.05, wide * 0.5), yaw), sphere=True)
    for side in (-1, 1):
        leg = place(
            _beside(at, yaw, side * wide * 0.45, side * stride * 0.2, h * 0.25),
            (0.08, h * 0.26, 0.09),
            yaw,
            side * stride * 0.5,
        )
        solids.add_round(legs, leg)
        arm = place(
            _beside(at, yaw, side * wide * 1.1, -side * stride * 0.2, h * 0.64),
            (0.05, h * 0.17, 0.055),
            yaw,
            -side * stride,
        )
        solids.add_round(top, arm)


def add_vehicle(stage: Stage, at: Point, yaw: float) -> None:
    """Add a car, a van, a lorry or a bus; its length runs along z."""
    rng, solids = stage.rng, stage.solids
    model = stage.model("car")
    if model is not None and rng.random() < 0.3:
        stage.put(model, at, yaw)
        return
    new = stage.begin()
    paint = stage.look(
        "any", new, shape=PRISM, gain=0.1, gloss=stage.between(0.2, 1.0), colour=tuple(_paint(rng) / 0.5)
    )
    glass = stage.look("any", new, shape=PRISM, gain=0.2, gloss=1.0, colour=(0.15, 0.17, 0.2))
    dark = stage.look("any", new, shape=PRISM, gain=0.2, colour=(0.1, 0.1, 0.1))
    big = rng.random() < 0.25
    w, length = (
        (stage.between(0.95, 1.25), stage.between(2.5, 5.5))
        if big
        else (stage.between(0.8, 0.95), stage.between(1.8, 2.4))
    )
    h, low = (stage.between(2.0, 3.4), 0.45) if big else (stage.between(1.35, 1.75), 0.25)
    belt = low + (h - low) * (0.5 if not big else 0.45)
    solids.add_box(paint, _beside(at, yaw, 0, 0, (low + belt) / 2), (w, (belt - low) / 2, length), yaw)
    if big:
        solids.add_box(
            glass, _beside(at, yaw, 0, 0, belt + (h - belt) * 0.3), (w * 1.005, (h - belt) * 0.3, length * 1.002), yaw
        )
        solids.add_box(paint, _beside(at, yaw, 0, 0, belt + (h - belt) * 0.8), (w, (h - belt) * 0.2, length), yaw)
    else:
        cabin = place(
            _beside(at, yaw, 0, -0.1 * length, (belt + h) / 2), (w * 0.92, (h - belt) / 2, length * 0.62), yaw
        )
        planes = UNIT_BOX.copy()
        planes[:2, 1] = 0.12
        planes[:2, 3] = 0.95
        planes[4:6, 1] = stage.between(0.15, 0.4)
        planes[4:6, 3] = 0.85
        solids.add(glass, cabin, planes)
        solids.add_box(paint, _beside(at, yaw, 0, -0.1 * length, h), (w * 0.76, 0.03, length * 0.4), yaw)
    r = stage.between(0.28, 0.36) * (1.4 if big else 1)
    for side in (-1, 1):
        for end in (-0.62, 0.62):
            wheel = place(_beside(at, yaw, side * (w - 0.08), end * length, r), (r, 0.11, r), yaw)
            wheel[:, [0, 1]] = wheel[:, [1, 0]] * [r / 0.11, 0.11 / r]  # the axle lies along x
            axle = np.array(wheel)
            axle[:, 0], axle[:, 1] = wheel[:, 0] * 0 + _axis(yaw, 1) * r, _axis(yaw, 0) * 0.11
            solids.add_round(dark, axle)
        for end in (-1, 1):
            lamp = stage.look("any", new, shape=PRISM, gain=0, colour=(1.5, 1.4, 1.2) if end > 0 else (1.2, 0.1, 0.1))
            solids.add_box(lamp, _beside(at, yaw, side * w * 0.75, end * length, low + 0.3), (0.14, 0.07, 0.02), yaw)


def _axis(yaw: float, axis: int) -> np.ndarray:
    return place((0, 0, 0), (1, 1, 1), yaw)[:, axis]


def add_plant(stage: Stage, at: Point, height_m: float) -> None:
    """Add a tree, a bush or a potted plant: model, cut-out or solids."""
    rng, solids = stage.rng, stage.solids
    role = "tree" if height_m > 2.5 else "plant"
    model, cards = stage.model(role), stage.materials.cards.get(role)
    choice = rng.random()
    if model is not None and choice < 0.4:
        stage.put(model, at, stage.between(0, 6.3), height_m)
        return
    if cards is not None and choice < 0.6:
        add_card(stage, at, height_m, int(rng.choice(cards)), PRISM)
        return
    new = stage.begin()
    leaf = np.array([0.75, 1.05, 0.45]) * stage.between(0.35, 1.2) * rng.uniform(0.8, 1.25, 3)
    leaves = stage.look(
        "leaves", new, shape=SPHERE, colour=tuple(leaf), gain=1.6, gloss=0.0, tile_m=stage.between(0.4, 2)
    )
    bark = stage.look("bark", new, shape=CYLINDER, gloss=0.0)
    h, trunk = height_m, height_m * stage.between(0.15, 0.45)
    thick = 0.02 + 0.02 * h
    if rng.random() < 0.2:  # conifer
        solids.add_round(bark, place((at[0], at[1] + trunk / 2, at[2]), (thick, trunk / 2, thick)))
        for level in range(3):
            r, y = h * 0.22 * (1 - level * 0.25), at[1] + trunk + level * (h - trunk) * 0.27
            solids.add_round(leaves, place((at[0], y + h * 0.17, at[2]), (r, h * 0.17, r)), 0.05)
        return
    solids.add_round(
        bark, place((at[0], at[1] + (trunk + h * 0.2) / 2, at[2]), (thick, (trunk + h * 0.2) / 2, thick)), 0.6
    )
    wide = h * stage.between(0.15, 0.4)
    for _ in range(rng.integers(3, 10)):
        x, y, z = rng.normal(0, 0.4, 3)
        r = wide * stage.between(0.3, 0.7)
        centre = (at[0] + x * wide, at[1] + trunk + (h - trunk) * (0.5 + 0.35 * np.clip(y, -1, 1)), at[2] + z * wide)
        solids.add_round(leaves, place(centre, (r, r * stage.between(0.6, 1), r)), sphere=True)


def add_card(stage: Stage, at: Point, height_m: float, texture: int, shape: int) -> None:
    """Add a cut-out that stands upright and nearly faces the camera at x = z = 0."""
    w = height_m * stage.between(0.4, 0.6)
    toward = np.array([-at[2], at[0]]) / max(np.hypot(at[0], at[2]), 1e-6) * w * (1 if stage.rng.random() < 0.5 else -1)
    left, right = (np.array([at[0] + k * toward[0], at[1], at[2] + k * toward[1]]) for k in (-1, 1))
    up = np.array([0, height_m, 0])
    corners = np.array([[left, right, right + up], [left, right + up, left + up]], np.float32)
    uv = np.array([[[0, 1], [1, 1], [1, 0]], [[0, 1], [1, 0], [0, 0]]], np.float32) * 0.996 + 0.002
    tint = tuple(np.clip(stage.rng.uniform(0.5, 1.2) + stage.rng.normal(0, 0.1, 3), 0.1, 1.5).tolist())
    stage.solids.add_mesh(Surface(stage.begin(), OBJECT, shape, colour=tint), corners, uv, np.full(2, texture))


ROOFS = (GABLE, GABLE, HIP, SHED)
__all__ = ["NONE", "ROOFS", "Stage", "beside"]
