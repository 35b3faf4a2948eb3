"""What stands outdoors, and sometimes in rooms: people, vehicles, plants, cut-outs."""

from __future__ import annotations

import numpy as np

from .render_solids import CYLINDER, PRISM, SPHERE, UNIT_BOX, Surface, place
from .synthesis_stage import OBJECT, Point, Stage, beside, draw_paint

Half = tuple[float, float]  # of a width and a length, metres


def add_person(stage: Stage, at: Point, yaw: float) -> None:
    """Add somebody who stands or walks."""
    new, solids, h = stage.begin(), stage.solids, stage.between(1.45, 1.95)
    skin = stage.look(
        "any", new, shape=PRISM, gain=0.1, colour=tuple(np.array([1.2, 0.85, 0.7]) * stage.between(0.3, 1))
    )
    top, legs = stage.look("cloth", new, shape=PRISM), stage.look("cloth", new, shape=PRISM)
    wide, stride = stage.between(0.17, 0.26), stage.between(0, 0.5)
    solids.add_round(skin, place(beside(at, yaw, 0, 0, h * 0.93), (h * 0.055, h * 0.07, h * 0.06), yaw), sphere=True)
    solids.add_round(top, place(beside(at, yaw, 0, 0, h * 0.67), (wide, h * 0.17, wide * 0.6), yaw), 0.8)
    solids.add_round(top, place(beside(at, yaw, 0, 0, h * 0.83), (wide * 0.8, h * 0.05, wide * 0.5), yaw), sphere=True)
    for side in (-1, 1):
        leg = place(
            beside(at, yaw, side * wide * 0.45, side * stride * 0.2, h * 0.25),
            (0.08, h * 0.26, 0.09),
            yaw,
            side * stride * 0.5,
        )
        solids.add_round(legs, leg)
        arm = place(
            beside(at, yaw, side * wide * 1.1, -side * stride * 0.2, h * 0.64),
            (0.05, h * 0.17, 0.055),
            yaw,
            -side * stride,
        )
        solids.add_round(top, arm)


def add_vehicle(stage: Stage, at: Point, yaw: float) -> None:
    """Add a car, a van, a lorry or a bus; its length runs along z."""
    rng = stage.rng
    model = stage.model("car")
    if model is not None and rng.random() < 0.3:
        stage.put(model, at, yaw)
        return
    new = stage.begin()
    gloss, colour = stage.between(0.2, 1.0), tuple(draw_paint(rng) / 0.5)
    looks = {
        "paint": stage.look("any", new, shape=PRISM, gain=0.1, gloss=gloss, colour=colour),
        "glass": stage.look("any", new, shape=PRISM, gain=0.2, gloss=1.0, colour=(0.15, 0.17, 0.2)),
        "dark": stage.look("any", new, shape=PRISM, gain=0.2, colour=(0.1, 0.1, 0.1)),
    }
    if rng.random() < 0.25:
        half = (stage.between(0.95, 1.25), stage.between(2.5, 5.5))
        low, top, radius = 0.45, stage.between(2.0, 3.4), 1.4
        _add_van(stage, at, yaw, half, (low, top), looks)
    else:
        half = (stage.between(0.8, 0.95), stage.between(1.8, 2.4))
        low, top, radius = 0.25, stage.between(1.35, 1.75), 1.0
        _add_car(stage, at, yaw, half, (low, top), looks)
    radius *= stage.between(0.28, 0.36)
    for side in (-1, 1):
        _add_wheels(stage, beside(at, yaw, side * (half[0] - 0.08), 0, radius), yaw, half[1], radius, looks["dark"])
        _add_lamps(stage, beside(at, yaw, side * half[0] * 0.75, 0, low + 0.3), yaw, half[1], new)


def _add_van(
    stage: Stage, at: Point, yaw: float, half: Half, levels: tuple[float, float], looks: dict[str, Surface]
) -> None:
    (w, length), (low, top), add = half, levels, stage.solids.add_box
    belt = low + (top - low) * 0.45
    rise = top - belt
    add(looks["paint"], beside(at, yaw, 0, 0, (low + belt) / 2), (w, (belt - low) / 2, length), yaw)
    add(looks["glass"], beside(at, yaw, 0, 0, belt + rise * 0.3), (w * 1.005, rise * 0.3, length * 1.002), yaw)
    add(looks["paint"], beside(at, yaw, 0, 0, belt + rise * 0.8), (w, rise * 0.2, length), yaw)


def _add_car(
    stage: Stage, at: Point, yaw: float, half: Half, levels: tuple[float, float], looks: dict[str, Surface]
) -> None:
    (w, length), (low, top), add = half, levels, stage.solids.add_box
    belt = low + (top - low) * 0.5
    add(looks["paint"], beside(at, yaw, 0, 0, (low + belt) / 2), (w, (belt - low) / 2, length), yaw)
    middle = beside(at, yaw, 0, -0.1 * length, (belt + top) / 2)
    planes = UNIT_BOX.copy()  # windows lean inwards
    planes[:2, 1] = 0.12
    planes[:2, 3] = 0.95
    planes[4:6, 1] = stage.between(0.15, 0.4)
    planes[4:6, 3] = 0.85
    stage.solids.add(looks["glass"], place(middle, (w * 0.92, (top - belt) / 2, length * 0.62), yaw), planes)
    add(looks["paint"], beside(at, yaw, 0, -0.1 * length, top), (w * 0.76, 0.03, length * 0.4), yaw)


def _add_wheels(stage: Stage, at: Point, yaw: float, length: float, radius: float, look: Surface) -> None:
    """Add the two of a side."""
    for end in (-0.62, 0.62):
        wheel = np.array(place(beside(at, yaw, 0, end * length), (radius, 0.11, radius), yaw))
        wheel[:, 0], wheel[:, 1] = _axis(yaw, 1) * radius, _axis(yaw, 0) * 0.11  # the axle lies along x
        stage.solids.add_round(look, wheel)


def _add_lamps(stage: Stage, at: Point, yaw: float, length: float, instance: int) -> None:
    """Add the two of a side."""
    for end in (-1, 1):
        colour = (1.5, 1.4, 1.2) if end > 0 else (1.2, 0.1, 0.1)
        lamp = stage.look("any", instance, shape=PRISM, gain=0, colour=colour)
        stage.solids.add_box(lamp, beside(at, yaw, 0, end * length), (0.14, 0.07, 0.02), yaw)


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
