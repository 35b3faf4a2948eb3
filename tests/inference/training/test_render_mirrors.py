"""Level surfaces show what is over them, where a mirror would."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.inference.training.render import cast
from blockout.inference.training.render_mirrors import add_mirrors, find_mirrors
from blockout.inference.training.render_shade import shade
from blockout.inference.training.render_shadows import cast_shadows
from blockout.inference.training.render_sky import Light
from blockout.inference.training.render_solids import SceneSolids, Surface, pack
from blockout.inference.training.render_views import View
from blockout.inference.training.synthesis import Studio

FOCAL_PX, SIZE = 100.0, (96, 128)
EYE_M, AWAY_M = 1.5, 6.0


def look(mirror: float, ripple: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the surfaces that a level camera sees of a red lamp over a floor, and both without and with mirrors."""
    scene = SceneSolids()
    scene.add_box(Surface(1, 1, 0, gain=0.0, mirror=mirror, ripple=ripple), (0, -0.5, 0), (50, 0.5, 50))
    scene.add_box(
        Surface(2, 3, 0, gain=0.0, colour=(2.0, 0.0, 0.0), glow=50.0, casts=False), (0, 1, -AWAY_M), (0.3, 0.2, 0.1)
    )
    solids, materials = pack([scene]), Studio(seed=1).on_device
    axes = torch.tensor([[[1.0, 0, 0], [0, -1, 0], [0, 0, -1]]])
    view = View(torch.tensor([[0.0, EYE_M, 0]]), axes, torch.tensor([FOCAL_PX]), SIZE)
    colours = {"ambient": 0.2, "bounce": 0.2, "zenith": 0.2, "horizon": 0.2, "cloud": 0.2, "haze_m": 1e6}
    light = Light(
        **{
            field.name: torch.full((1, 3), colours.get(field.name, 0.0))
            if field.name in ("sun", "ambient", "bounce", "zenith", "horizon", "cloud", "lamp", "lamp_at")
            else torch.full((1,), colours.get(field.name, 1.0))
            for field in fields(Light)
            if field.name not in ("sun_dir", "sky")
        },
        sun_dir=torch.tensor([[0.6, 0.8, 0.0]]),
        sky=torch.tensor([-1]),
    )
    hits = cast(solids, view, materials.is_opaque)
    shadows = cast_shadows(solids, hits, materials, light)
    plain, _ = shade(solids, view, hits, materials, light, shadows)
    surface = torch.where(hits.solid >= 0, solids.surface[hits.solid.clamp(min=0)], -1)
    mirrors = find_mirrors(solids.table, surface, hits.points)
    return surface, plain, add_mirrors(plain, mirrors, [scene], (view, hits), (materials, light, shadows))


def rows_of_red(picture: torch.Tensor) -> np.ndarray:
    middle = picture[:, 0, :, SIZE[1] // 2]
    return np.flatnonzero((middle[0] > 2 * middle[1] + 0.2).numpy())


def test_a_mirror_shows_a_lamp_as_far_below_the_floor_as_it_hangs_over_it() -> None:
    *_, plain, mirrored = look(1.0)
    horizon, near = SIZE[0] / 2, AWAY_M - 0.1
    above = [horizon + FOCAL_PX * (EYE_M - y) / near for y in (1.2, 0.8)]
    below = [horizon + FOCAL_PX * (EYE_M + y) / near for y in (0.8, 1.2)]
    assert np.allclose(rows_of_red(plain)[[0, -1]] + [0, 1], above, atol=1)
    added = np.setdiff1d(rows_of_red(mirrored), rows_of_red(plain))
    assert np.allclose(added[[0, -1]] + [0, 1], below, atol=1)


def test_what_is_no_mirror_stays_as_it_is() -> None:
    *_, plain, same = look(0.0)
    assert same is plain
    surface, plain, mirrored = look(1.0)
    assert torch.equal(mirrored[:, surface != 0], plain[:, surface != 0])


def test_waves_shift_the_mirrored_lamp_and_leave_it_bright() -> None:
    *_, still = look(1.0)
    *_, rough = look(1.0, ripple=0.05)
    assert not torch.equal(still, rough)
    assert abs(len(rows_of_red(rough)) - len(rows_of_red(still))) < len(rows_of_red(still))


def test_a_weak_mirror_shows_less() -> None:
    *_, plain, strong = look(1.0)
    *_, weak = look(0.3)
    floor = (strong - plain).abs().sum(0) > 0.1
    assert ((weak - plain).abs().sum(0)[floor] < 0.5 * (strong - plain).abs().sum(0)[floor]).all()
