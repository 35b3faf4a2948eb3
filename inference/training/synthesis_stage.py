"""A synthetic scene in the making: what the makers of things share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .render_solids import BOX, SceneSolids, Surface, place
from .synthesis_materials import Materials
from .synthesis_models import Model

SKY, GROUND, STRUCTURE, OBJECT = range(4)
Point = tuple[float, float, float]


@dataclass
class Stage:
    """A scene in the making.

    Attributes:
        rng: of this scene alone.
        materials: pictures to pick from.
        models: by role.
        solids: what has been made.
        vivid: how far from grey its colours are; most places are sober.
    """

    rng: np.random.Generator
    materials: Materials
    models: dict[str, list[Model]]
    solids: SceneSolids = field(default_factory=SceneSolids)
    last: int = 0
    vivid: float = field(init=False)

    def __post_init__(self) -> None:
        self.vivid = float(self.rng.uniform(0.1, 1.2))

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
        tint = np.clip(rng.uniform(0.45, 1.25) + rng.normal(0, 0.13 * self.vivid, 3), 0.05, 1.6)
        if rng.random() < 0.1 * self.vivid:
            tint = rng.uniform(0.05, 1.5, 3)
        texture = self.materials.pick(rng, use)
        if rng.random() < (0.5 if use in ("wall", "metal", "wood") else 0.2):  # plain paint
            mean = self.materials.mean[texture].mean().item()
            tint = draw_paint(rng, self.vivid) / max(mean, 0.1)
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

    def polish(self, look: Surface, chance: float) -> None:
        """Let a level surface at height 0 mirror a little, with some chance."""
        if self.rng.random() < chance:
            look.mirror, look.ripple = self.between(0.1, 0.6), self.between(0.0, 0.006)

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


def draw_paint(rng: np.random.Generator, vivid: float = 1.0) -> np.ndarray:
    """Return the colour of a paint: (3,) float, from 0 to 1; ``vivid`` times as far from grey as paints may be."""
    if rng.random() < 0.5:  # whites, greys, blacks
        return np.clip(rng.choice([0.08, 0.2, 0.5, 0.75, 0.88, 0.93]) + rng.normal(0, 0.04, 3), 0.02, 1)
    grey = rng.uniform(0.1, 0.9)
    return np.clip(grey + rng.normal(0, 0.22 * vivid, 3), 0.03, 1)


def ahead(away: float, angle: float) -> Point:
    """Return the place on the ground that is so far from the camera's foot, radians to the right of straight ahead."""
    return (float(away * np.sin(angle)), 0.0, float(-away * np.cos(angle)))


def beside(at: Point, yaw: float, x: float, z: float, y: float = 0.0) -> Point:
    """Return a point given in a thing's own axes."""
    c, s = np.cos(yaw), np.sin(yaw)
    return (float(at[0] + c * x + s * z), at[1] + y, float(at[2] - s * x + c * z))
