"""Synthetic scenes with true geometry: put together, looked at through a random camera, lit, photographed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from .material_folder import FREE, MaterialFolder
from .material_pictures import gather_materials, read_skies
from .relight import Relight, Seen
from .render import cast
from .render_effects import Lens, photograph
from .render_mirrors import add_mirrors, find_mirrors
from .render_shade import shade
from .render_shadows import cast_shadows
from .render_sky import Light
from .render_solids import SceneSolids, Solids, pack
from .render_views import View
from .synthesis_desks import build_desk
from .synthesis_landscapes import build_landscape
from .synthesis_materials import Materials
from .synthesis_models import Model, gather_models
from .synthesis_rooms import build_room, build_table_top
from .synthesis_stage import SKY, Stage
from .synthesis_streets import build_place, build_skyline, build_street

NOTHING = 0  # instance of the sky and of what is too small
SORTS = ("room", "desk", "table", "street", "place", "skyline", "landscape")
SHARES = (0.27, 0.17, 0.12, 0.15, 0.1, 0.07, 0.12)
MOST_INSTANCES = 65535
FARTHEST_M = 1000.0


@dataclass(frozen=True)
class Scenes:
    """Pictures with the truth; all arrays are (S, H, W) or (S,).

    Attributes:
        rgb: (S, H, W, 3) uint8, sRGB.
        depth: float32, metres along the optical axis; infinite for the sky.
        ids: int32 instances, 0 for the sky.
        kind, shape: uint8, indices into ``prediction.KINDS`` and ``render_solids.SHAPES``.
        normal: (S, H, W, 3) float32, camera axes (x right, y down, z forward); zero for the sky.
        camera: (S, 4) float32: focal length px, pitch (up positive) and roll radians, height over the ground metres.
        down: (S, 3) float32, gravity in camera axes.
    """

    rgb: torch.Tensor
    depth: torch.Tensor
    ids: torch.Tensor
    kind: torch.Tensor
    shape: torch.Tensor
    normal: torch.Tensor
    camera: torch.Tensor
    down: torch.Tensor


class Studio:
    """Makes scenes of a seed: number ``i`` is the same whatever batch, order or process it is made in."""

    def __init__(
        self,
        pack_folder: Path | None = None,
        seed: int = 0,
        held_out: bool = False,
        device: torch.device | str = "cpu",
        licences: tuple[str, ...] = FREE,
        cycles: float = 0.0,
    ) -> None:
        folder = MaterialFolder(pack_folder, licences, held_out) if pack_folder else None
        table = gather_materials(folder, drawn=int(held_out))
        self.models: dict[str, list[Model]] = gather_models(folder, table)
        self.materials: Materials = table.finish(read_skies(folder))
        self.on_device = self.materials.to(device)
        self.seed, self.device = seed, torch.device(device)
        self._relight = Relight(cycles, seed, self.materials) if cycles else None

    def make(self, numbers: list[int], size: tuple[int, int]) -> Scenes:
        """Return the scenes with these numbers, each (height, width) px in multiples of 16."""
        made = [self._compose(number, size) for number in numbers]
        solids = pack([stage.solids for stage, *_ in made]).to(self.device)
        view = _stack_views([eye for _, eye, *_ in made], size, self.device)
        light = Light(**{name: _column([m[2] for m in made], name) for name in Light.__dataclass_fields__}).to(
            self.device
        )
        lens = Lens(**{name: _column([m[3] for m in made], name) for name in Lens.__dataclass_fields__})
        seen, normal = self._see(numbers, [stage.solids for stage, *_ in made], solids, view, light)

        def truth(name: str, nothing: int) -> torch.Tensor:
            return torch.where(seen.surface >= 0, solids.table[name][seen.surface.clamp(min=0)].long(), nothing)

        return Scenes(
            rgb=photograph(seen.colour, lens, [np.random.default_rng([self.seed, number, 1]) for number in numbers]),
            depth=torch.where(seen.depth > FARTHEST_M, torch.inf, seen.depth),
            ids=truth("instance", NOTHING).int(),
            kind=truth("kind", SKY).to(torch.uint8),
            shape=truth("shape", 0).to(torch.uint8),
            normal=torch.einsum("skc,cshw->shwk", view.axes, normal),
            camera=torch.tensor([[eye["focal"], eye["pitch"], eye["roll"], eye["height"]] for _, eye, *_ in made]),
            down=view.axes @ torch.tensor([0.0, -1.0, 0.0], device=self.device),
        )

    def _see(
        self, numbers: list[int], scenes: list[SceneSolids], solids: Solids, view: View, light: Light
    ) -> tuple[Seen, torch.Tensor]:
        """Return what cameras see of scenes, and (3, S, H, W) world normals there."""
        hits = cast(solids, view, self.on_device.is_opaque)
        surface = torch.where(hits.solid >= 0, solids.surface[hits.solid.clamp(min=0)], -1)
        shadows = cast_shadows(solids, hits, self.on_device, light)
        colour, normal = shade(solids, view, hits, self.on_device, light, shadows)
        mirrors = find_mirrors(solids.table, surface, hits.points)
        colour = add_mirrors(colour, mirrors, scenes, (view, hits), (self.on_device, light, shadows))
        seen = Seen(colour, hits.depth, surface)
        rows = self._relight.choose(numbers, scenes) if self._relight else []
        if self._relight and rows:
            seen = self._relight.render(rows, scenes, seen, (solids, view, hits), (self.on_device, light))
        return seen, normal

    def _compose(self, number: int, size: tuple[int, int]) -> tuple[Stage, dict, dict, dict]:
        rng = np.random.default_rng([self.seed, number])
        stage = Stage(rng, self.materials, self.models)
        sort = str(rng.choice(SORTS, p=SHARES))
        build = {
            "room": build_room,
            "desk": build_desk,
            "table": build_table_top,
            "street": build_street,
            "place": build_place,
            "skyline": build_skyline,
            "landscape": build_landscape,
        }[sort]
        far = build(stage)
        return stage, _aim(rng, sort, far, size), _light(rng, sort, far, len(self.materials.skies)), _lens(rng, sort)


def _aim(rng: np.random.Generator, sort: str, far: float, size: tuple[int, int]) -> dict:
    """Return a camera that fits a scene."""
    fov = np.radians(np.clip(rng.normal(62, 13), 32, 105))
    focal = max(size) / 2 / np.tan(fov / 2)
    pitch, height = rng.normal(-4, 7), float(np.clip(rng.lognormal(np.log(1.6), 0.2), 0.7, 3.5))
    if sort == "room":
        height = rng.uniform(0.7, 2.0)
        pitch = rng.normal(-14, 13) if height > 1.0 else rng.normal(-6, 8)
    elif sort == "desk":
        height = rng.uniform(1.1, 2.3)
        pitch = -np.degrees(np.arctan((height - rng.uniform(0.2, 0.9)) / far)) + rng.normal(0, 6)
    elif sort == "table":
        pitch = -rng.uniform(15, 65)
        height = float(np.clip(far * np.tan(np.radians(-pitch) * rng.uniform(0.7, 1.1)), 0.12, 2.5))
    elif sort == "landscape":
        height, pitch = float(np.exp(rng.uniform(np.log(1.2), np.log(35)))), rng.normal(-2, 6)
    elif rng.random() < 0.15:  # from above
        height, pitch = rng.uniform(4, 18), rng.normal(-16, 8)
    roll = rng.normal(0, 2.5) if rng.random() < 0.8 else rng.uniform(-15, 15)
    pitch, roll = np.radians(np.clip(pitch, -75, 40)), np.radians(roll)
    forward = np.array([0, np.sin(pitch), -np.cos(pitch)])
    right, down = np.array([1.0, 0, 0]), np.array([0, -np.cos(pitch), -np.sin(pitch)])
    axes = np.stack([np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, forward])
    return {"focal": focal, "pitch": pitch, "roll": roll, "height": height, "axes": axes}


def _stack_views(eyes: list[dict], size: tuple[int, int], device: torch.device) -> View:
    origin = torch.tensor([[0.0, eye["height"], 0.0] for eye in eyes], dtype=torch.float32)
    axes = torch.tensor(np.array([eye["axes"] for eye in eyes]), dtype=torch.float32)
    focal = torch.tensor([eye["focal"] for eye in eyes], dtype=torch.float32)
    return View(origin.to(device), axes.to(device), focal.to(device), size)


def _column(rows: list[dict], name: str) -> torch.Tensor:
    values = torch.as_tensor(np.array([row[name] for row in rows]))
    return values.float() if values.is_floating_point() else values


def _light(rng: np.random.Generator, sort: str, far: float, skies: int) -> dict:
    inside = sort in ("room", "desk", "table")
    azimuth, rise = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(12, 75))
    if inside:
        rise = np.radians(rng.uniform(25, 80))
    sun_dir = np.array([np.cos(rise) * np.sin(azimuth), np.sin(rise), np.cos(rise) * np.cos(azimuth)])
    warm = np.array([1.0, rng.uniform(0.7, 1.0), rng.uniform(0.45, 1.0)])
    if rng.random() < 0.3:
        warm = np.ones(3)
    night = not inside and rng.random() < 0.12
    strength = rng.choice([0.0, rng.uniform(0.2, 1.0), rng.uniform(1.0, 2.5)]) * (0.03 if night else 1)
    cool = np.array([rng.uniform(0.6, 1.0), rng.uniform(0.8, 1.0), 1.0]) if rng.random() < 0.6 else warm
    zenith = np.array([0.15, 0.3, 0.75]) * rng.uniform(0.3, 1.3) * rng.uniform(0.8, 1.2, 3)
    horizon = np.clip(np.array([0.75, 0.85, 1.0]) * rng.uniform(0.4, 1.2) * rng.uniform(0.85, 1.15, 3), 0, 1.4)
    if rng.random() < 0.25:  # overcast
        zenith = horizon * rng.uniform(0.6, 1.1)
    if rng.random() < 0.15:  # dusk
        horizon = horizon * [1.2, 0.75, 0.5]
    elif rng.random() < 0.2:  # of any colour, from violet to teal
        zenith, horizon = rng.uniform(0.03, 0.6, 3), rng.uniform(0.1, 1.0, 3)
    dim = rng.uniform(0.05, 0.25) if night else 1.0
    ambient = cool * rng.uniform(0.25, 1.0) * (rng.uniform(0.15, 0.5) if night else 1)
    lamp = warm * rng.uniform(0.2, 3) * (inside and rng.random() < 0.6)
    return {
        "sun_dir": sun_dir,
        "sun": warm * strength * 1.4,
        "ambient": ambient,
        "bounce": ambient * rng.uniform(0.3, 0.9) * rng.uniform(0.8, 1.1, 3),
        "zenith": zenith * dim,
        "horizon": horizon * dim,
        "cloud": np.full(3, rng.uniform(0.5, 1.2)) * dim,
        "cover": rng.uniform(0.0, 1.0),
        "sky": int(rng.integers(skies)) if skies and rng.random() < 0.35 else -1,
        "turn": rng.random(),
        "haze_m": 1e5 if inside else float(np.exp(rng.uniform(np.log(120), np.log(8000)))),
        "lamp": lamp,
        "lamp_at": np.array([rng.uniform(-2, 2), rng.uniform(1.5, 2.3), rng.uniform(-4, 0.5)]),
        "reach_m": float(np.clip(far * 1.3, 2.5, 70)),
        "softness": rng.uniform(0.002, 0.05),
    }


def _lens(rng: np.random.Generator, sort: str) -> dict:
    return {
        "exposure": rng.normal(0, 0.45),
        "balance": np.exp(rng.normal(0, 0.1, 3)),
        "contrast": rng.uniform(0.75, 1.35),
        "saturation": rng.uniform(0.45, 1.4),
        "blur_px": max(0.3, abs(rng.normal(0, 0.7))),
        "noise": max(0.0, rng.normal(0.008, 0.014)),
        "vignette": max(0.0, rng.normal(0, 0.25)),
        "bloom": max(0.0, rng.normal(0, 0.12)),
        "lift": max(0.0, rng.normal(0, 0.03)),
        "quality": int(rng.integers(45, 98)),
    }


def to_device(scenes: Scenes, device: torch.device | str) -> Scenes:
    """Return the same scenes on a device."""
    return replace(scenes, **{name: value.to(device) for name, value in vars(scenes).items()})
