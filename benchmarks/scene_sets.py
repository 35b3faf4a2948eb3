"""What is built for one picture: a camera, and things that find their places before it. World: metres, y up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from scene_things import Maker, Thing
from shapely.geometry import MultiPoint, Polygon

TRIES = 12  # draws of a place before a thing is left out
SIZES = ((480, 640), (480, 640), (480, 640), (640, 480), (400, 800), (512, 512))


@dataclass(frozen=True)
class View:
    """A camera: where it stands, how it is turned, and its picture.

    Attributes:
        position: (x, y, z) m.
        yaw_deg, pitch_deg, roll_deg: 0 looks along -z; a positive yaw turns left, a positive pitch up.
        fov_deg: across the longer side of the picture.
        size: (height, width) px.
    """

    position: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    fov_deg: float
    size: tuple[int, int]

    @property
    def focal_px(self) -> float:
        """Return the focal length in pixels."""
        return max(self.size) / 2 / float(np.tan(np.radians(self.fov_deg) / 2))

    @property
    def half_width(self) -> float:
        """Return how far the picture reaches to either side at unit distance."""
        return self.size[1] / 2 / self.focal_px


@dataclass(eq=False)
class Set:
    """What is built for one picture.

    Attributes:
        view: the camera.
        shell: ground, walls and ceiling.
        things: all else.
        is_indoors: whether light comes through walls and ceiling, as from windows out of view.
    """

    view: View
    shell: list[Thing]
    is_indoors: bool
    things: list[Thing] = field(default_factory=list)
    taken: list[Polygon] = field(default_factory=list)

    def add(self, thing: Thing, *, gap_m: float = 0.05) -> bool:
        """Add a thing unless it would stand in another or before the lens; say whether it was added."""
        ground = footprint(thing).buffer(gap_m)
        x, _, z = self.view.position
        near = MultiPoint([(x, z)]).buffer(1.0)
        if ground.intersects(near) or any(ground.intersects(other) for other in self.taken):
            return False
        self.taken.append(ground)
        self.things.append(thing)
        return True

    def scatter(self, rng: Generator, thing: Thing, near_m: float, far_m: float, turn_deg: float | None = None) -> bool:
        """Add a thing somewhere in view, at times cut by the frame."""
        for _ in range(TRIES):
            away = np.sqrt(rng.uniform(near_m**2, far_m**2))
            aside = rng.uniform(-1.05, 1.05) * self.view.half_width * away
            yaw = np.radians(self.view.yaw_deg)
            x = self.view.position[0] + aside * np.cos(yaw) - away * np.sin(yaw)
            z = self.view.position[2] - aside * np.sin(yaw) - away * np.cos(yaw)
            turn = rng.uniform(0, 360) if turn_deg is None else turn_deg
            if self.add(thing.placed(x, z, turn)):
                return True
        return False


def footprint(thing: Thing) -> Polygon:
    """Return the convex hull of a thing as seen from above, (x, z) m."""
    return MultiPoint(np.concatenate([mesh.vertices[:, [0, 2]] for mesh, _ in thing.parts])).convex_hull


def pick(rng: Generator, makers: tuple[Maker, ...]) -> Thing:
    """Make one of several kinds of thing."""
    return makers[int(rng.integers(len(makers)))](rng)


def look(rng: Generator, **given: object) -> View:
    """Return a camera with what is given, and random values for the rest."""
    values = {
        "position": (0.0, rng.uniform(1.2, 1.8), 0.0),
        "yaw_deg": 0.0,
        "pitch_deg": rng.uniform(-20, 5),
        "roll_deg": rng.normal(0, 1.2),
        "fov_deg": rng.uniform(45, 85),
        "size": SIZES[int(rng.integers(len(SIZES)))],
    }
    return View(**values | given)  # type: ignore[arg-type]


def lay(rng: Generator, place: Set, support: Thing, makers: tuple[Maker, ...], count: int) -> None:
    """Stand things on top of a table that has just been placed."""
    surface = footprint(support).buffer(-0.04)
    middle = np.array(surface.centroid.coords[0])
    laid: list[Polygon] = []
    for _ in range(count * TRIES):
        thing = pick(rng, makers)
        x, z = middle + rng.uniform(-0.9, 0.9, 2)
        moved = thing.placed(x, z, rng.uniform(0, 360), support.top)
        ground = footprint(moved)
        if surface.contains(ground) and not any(ground.intersects(other) for other in laid):
            laid.append(ground.buffer(0.02))
            place.things.append(moved)
        if len(laid) == count:
            break
