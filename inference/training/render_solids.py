"""What the ray caster sees: convex solids, triangles and their surfaces, as flat arrays that travel to any device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

FACES = 8  # half-spaces of a polytope, at most
SHAPES = ("none", "box", "cylinder", "sphere", "cone", "prism")  # cone: also wedge roofs
NONE, BOX, CYLINDER, SPHERE, CONE, PRISM = range(len(SHAPES))
CARD_FACE = 3  # of a triangle, in ``Hits.face``


@dataclass
class Surface:
    """How one solid or mesh looks, and what it is.

    Attributes:
        instance: identity within its scene; 0 belongs to nothing.
        kind: index into ``prediction.KINDS``.
        shape: index into ``SHAPES``.
        texture: index into the materials' table.
        tile_m: metres that one copy of the texture covers; 0 stretches it over each face.
        colour: what the texture is multiplied with.
        gain: contrast of the texture around its mean, 0 for plain colour.
        offset: where the texture begins, in copies.
        gloss: strength of the mirrored sky and of highlights.
        mirror: share of the light from above that it throws back at a flat angle, where it is level and at height 0.
        ripple: how far waves bend that, radians.
        glow: light of its own.
        casts: whether it throws a shadow.
    """

    instance: int
    kind: int
    shape: int
    texture: int = 0
    tile_m: float = 1.0
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gain: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)
    gloss: float = 0.0
    mirror: float = 0.0
    ripple: float = 0.0
    glow: float = 0.0
    casts: bool = True


def _half_spaces(rows: list[tuple[float, float, float, float]]) -> np.ndarray:
    planes = np.zeros((FACES, 4), np.float32)
    planes[:, 3] = 1.0  # 0 . x <= 1 holds everywhere
    planes[: len(rows)] = rows
    return planes


UNIT_BOX = _half_spaces([(1, 0, 0, 1), (-1, 0, 0, 1), (0, 1, 0, 1), (0, -1, 0, 1), (0, 0, 1, 1), (0, 0, -1, 1)])
GABLE = _half_spaces([(1, 0, 0, 1), (-1, 0, 0, 1), (0, 0.5, 1, 0.5), (0, 0.5, -1, 0.5), (0, -1, 0, 1)])
HIP = _half_spaces([(1, 0.3, 0, 0.7), (-1, 0.3, 0, 0.7), (0, 0.5, 1, 0.5), (0, 0.5, -1, 0.5), (0, -1, 0, 1)])
SHED = _half_spaces([(1, 0, 0, 1), (-1, 0, 0, 1), (0, 1, 1, 0), (0, 0, -1, 1), (0, -1, 0, 1)])


def regular_prism(sides: int, turn: float = 0.0) -> np.ndarray:
    """Return (8, 4) float32 half-spaces of an upright prism with 3 to 6 sides around the unit circle."""
    angles = turn + 2 * np.pi * np.arange(sides) / sides
    reach = np.cos(np.pi / sides)
    sides_of_it = [(float(np.cos(a)), 0.0, float(np.sin(a)), float(reach)) for a in angles]
    return _half_spaces([*sides_of_it, (0, 1, 0, 1), (0, -1, 0, 1)])


def place(
    centre: tuple[float, float, float], half: tuple[float, float, float], yaw: float = 0.0, tilt: float = 0.0
) -> np.ndarray:
    """Return (3, 4) float32 world_from_local of a solid in the cube from -1 to 1.

    Args:
        centre: world, metres.
        half: half extents along the solid's own axes, metres.
        yaw: turn about the world's Y, radians.
        tilt: turn about the solid's own X before that, radians.
    """
    cy, sy, ct, st = np.cos(yaw), np.sin(yaw), np.cos(tilt), np.sin(tilt)
    turn = np.array([[cy, sy * st, sy * ct], [0, ct, -st], [-sy, cy * st, cy * ct]])
    return np.concatenate([turn * np.asarray(half), np.asarray(centre, float)[:, None]], axis=1).astype(np.float32)


@dataclass
class SceneSolids:
    """A scene while it is put together: lists that ``pack`` turns into arrays.

    Attributes:
        surfaces: one for each solid and one for each mesh.
        frames: (3, 4) world_from_local of each solid.
        planes: (8, 4) local half-spaces of each polytope, None for round solids.
        rounds: (middle, slope, is sphere) of each round solid: radius is middle - slope * y.
        meshes: (surface, (T, 3, 3) world metres, (T, 3, 2) texture copies, (T,) texture).
    """

    surfaces: list[Surface] = field(default_factory=list)
    frames: list[np.ndarray] = field(default_factory=list)
    planes: list[np.ndarray | None] = field(default_factory=list)
    rounds: list[tuple[float, float, float]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    meshes: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(self, surface: Surface, frame: np.ndarray, planes: np.ndarray) -> None:
        """Add a convex polytope."""
        self._append(surface, frame, planes, (0.0, 0.0, 0.0))

    def add_box(
        self,
        surface: Surface,
        centre: tuple[float, float, float],
        half: tuple[float, float, float],
        yaw: float = 0.0,
        tilt: float = 0.0,
    ) -> None:
        """Add a box by its centre and half extents, metres."""
        self.add(surface, place(centre, half, yaw, tilt), UNIT_BOX)

    def add_round(self, surface: Surface, frame: np.ndarray, taper: float = 1.0, sphere: bool = False) -> None:
        """Add a cylinder, frustum or cone (top radius over base radius is ``taper``), or an ellipsoid."""
        rounds = (0.0, 0.0, 1.0) if sphere else ((1 + taper) / 2, (1 - taper) / 2, 0.0)
        self._append(surface, frame, None, rounds)

    def add_mesh(self, surface: Surface, corners: np.ndarray, uv: np.ndarray, textures: np.ndarray) -> None:
        """Add triangles: (T, 3, 3) world metres, (T, 3, 2) copies of the texture, (T,) its index."""
        self.meshes.append((len(self.surfaces), corners, uv, textures))
        self.surfaces.append(surface)

    def _append(
        self, surface: Surface, frame: np.ndarray, planes: np.ndarray | None, rounds: tuple[float, float, float]
    ) -> None:
        self.owners.append(len(self.surfaces))
        self.surfaces.append(surface)
        self.frames.append(frame)
        self.planes.append(planes)
        self.rounds.append(rounds)


@dataclass(frozen=True)
class Solids:
    """Solids of several scenes as arrays; P polytopes, then Q round solids, then T triangles: one numbering.

    Attributes:
        boxes: how many of the polytopes are boxes; they are the first.
        scene: (P + Q + T,) int64, which scene each belongs to.
        surface: (P + Q + T,) int64, row of the surface tables.
        corners: (P + Q + T, 8, 3) float32, world metres: corners of what bounds it.
        local_from_world: (P + Q + T, 3, 4) float32; for a triangle (u, v, height over its plane).
        planes: (P, 8, 4) float32, world: n . x <= d inside.
        rounds: (Q, 3) float32.
        uv, texture: (T, 3, 2) float32 and (T,) int64 of the triangles.
        half: (S, 3) float32, half extents of each surface's solid, metres.
        table: name -> (S, ...) column of the surfaces.
    """

    boxes: int
    scene: torch.Tensor
    surface: torch.Tensor
    corners: torch.Tensor
    local_from_world: torch.Tensor
    planes: torch.Tensor
    rounds: torch.Tensor
    uv: torch.Tensor
    texture: torch.Tensor
    half: torch.Tensor
    table: dict[str, torch.Tensor]

    @property
    def starts(self) -> tuple[int, int]:
        """Return the first number of a round solid and of a triangle."""
        return len(self.planes), len(self.planes) + len(self.rounds)

    def to(self, device: torch.device | str) -> Solids:
        """Return the same on a device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        return replace(self, table={name: value.to(device) for name, value in self.table.items()}, **moved)


def pack(scenes: list[SceneSolids]) -> Solids:
    """Turn scenes into arrays for the ray caster."""
    base = np.cumsum([0, *(len(scene.surfaces) for scene in scenes)])
    surfaces = [surface for scene in scenes for surface in scene.surfaces]
    frames = np.array([f for scene in scenes for f in scene.frames], np.float32).reshape(-1, 3, 4)
    of_scene = np.repeat(np.arange(len(scenes)), [len(scene.frames) for scene in scenes])
    owner = np.array([base[i] + o for i, scene in enumerate(scenes) for o in scene.owners], np.int64)
    planes = [p for scene in scenes for p in scene.planes]
    sort = np.array([0 if p is UNIT_BOX else 1 if p is not None else 2 for p in planes])
    order, flat = np.argsort(sort, kind="stable"), int((sort < 2).sum())
    inverse = _inverted(frames)
    local_planes = np.array([planes[i] for i in order[:flat]], np.float32).reshape(-1, FACES, 4)
    rounds = np.array([r for scene in scenes for r in scene.rounds], np.float32).reshape(-1, 3)
    half = np.ones((len(surfaces), 3), np.float32)
    half[owner] = np.linalg.norm(frames[:, :, :3], axis=1)
    mesh = _pack_meshes(scenes, base)
    cube = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8)
    widest = np.maximum(1, rounds[:, 0] + np.abs(rounds[:, 1]))[:, None, None]  # of those that widen towards the top
    corners = (frames[:, :, :3] * widest ** [1, 0, 1] @ cube + frames[:, :, 3:]).transpose(0, 2, 1)
    arrays = {
        "scene": np.concatenate([of_scene[order], mesh["scene"]]),
        "surface": np.concatenate([owner[order], mesh["surface"]]),
        "corners": np.concatenate([corners[order], mesh["corners"][:, [0, 1, 2, 0, 1, 2, 0, 1]]]).astype(np.float32),
        "local_from_world": np.concatenate([inverse[order], mesh["local"]]).astype(np.float32),
        "planes": _to_world(local_planes, inverse[order[:flat]]),
        "rounds": rounds[order[flat:]],
        "uv": mesh["uv"],
        "texture": mesh["texture"],
        "half": half,
    }
    columns = {name: [getattr(s, name) for s in surfaces] for name in Surface.__dataclass_fields__}
    table = {name: torch.as_tensor(np.asarray(c)) for name, c in columns.items()}
    table = {name: column.float() if column.is_floating_point() else column for name, column in table.items()}
    boxes = int((sort == 0).sum())
    return Solids(boxes, **{name: torch.as_tensor(value) for name, value in arrays.items()}, table=table)


def _inverted(frames: np.ndarray) -> np.ndarray:
    x, y, z = frames[:, :, :3].astype(np.float64).transpose(2, 0, 1)
    turn = np.stack([np.cross(y, z), np.cross(z, x), np.cross(x, y)], axis=1)
    turn /= np.einsum("nk,nk->n", x, turn[:, 0])[:, None, None]
    return np.concatenate([turn, -turn @ frames[:, :, 3:]], axis=2)


def _to_world(planes: np.ndarray, local_from_world: np.ndarray) -> np.ndarray:
    normal = planes[:, :, :3] @ local_from_world[:, :, :3]
    reach = planes[:, :, 3] - (planes[:, :, :3] @ local_from_world[:, :, 3:])[:, :, 0]
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    length[length == 0] = 1.0
    return np.concatenate([normal / length, reach[:, :, None] / length], axis=2).astype(np.float32)


def _pack_meshes(scenes: list[SceneSolids], base: np.ndarray) -> dict[str, np.ndarray]:
    rows = [(i, base[i] + m[0], *m[1:]) for i, scene in enumerate(scenes) for m in scene.meshes]
    counts = [len(row[2]) for row in rows]
    corners = np.concatenate([np.zeros((0, 3, 3)), *(row[2] for row in rows)])
    uv = np.concatenate([np.zeros((0, 3, 2)), *(row[3] for row in rows)]).astype(np.float32)
    texture = np.concatenate([np.zeros(0, np.int64), *(row[4] for row in rows)]).astype(np.int64)
    of_scene = np.repeat(np.array([row[0] for row in rows], np.int64), counts)
    surface = np.repeat(np.array([row[1] for row in rows], np.int64), counts)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(first, second)
    area = np.linalg.norm(normal, axis=1)
    keep = area > 1e-10
    normal = normal[keep] / area[keep, None]
    frame = np.stack([first[keep], second[keep], normal, corners[keep, 0]], axis=2)
    return {
        "scene": of_scene[keep],
        "surface": surface[keep],
        "corners": corners[keep],
        "local": _inverted(frame),
        "uv": uv[keep],
        "texture": texture[keep],
    }
