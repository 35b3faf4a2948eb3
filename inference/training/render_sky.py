"""Light of a scene, and the sky it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .render_vectors import columns_of, of_scene, rows_where, take
from .synthesis_materials import Materials


@dataclass(frozen=True)
class Light:
    """Light and air of each scene; colours linear.

    Attributes:
        sun_dir: (S, 3) float32, unit, towards the sun.
        sun, ambient, bounce: (S, 3) float32 colours of the sun, of light from above and from below.
        zenith, horizon, cloud: (S, 3) float32 of the sky.
        cover: (S,) float32, share of clouds; sky: (S,) int64, panorama or -1; turn: (S,) float32, of it, in turns.
        haze_m: (S,) float32, distance over which air hides two thirds.
        lamp, lamp_at: (S, 3) float32, a lamp's colour and place, world.
        reach_m: (S,) float32, width of what the shadow map covers.
        softness: (S,) float32, of shadows, share of the map.
    """

    sun_dir: torch.Tensor
    sun: torch.Tensor
    ambient: torch.Tensor
    bounce: torch.Tensor
    zenith: torch.Tensor
    horizon: torch.Tensor
    cloud: torch.Tensor
    cover: torch.Tensor
    sky: torch.Tensor
    turn: torch.Tensor
    haze_m: torch.Tensor
    lamp: torch.Tensor
    lamp_at: torch.Tensor
    reach_m: torch.Tensor
    softness: torch.Tensor

    def to(self, device: torch.device | str) -> Light:
        """Return the same on a device."""
        return Light(**{name: value.to(device) for name, value in vars(self).items()})

    def of(self, rows: torch.Tensor | list[int]) -> Light:
        """Return that of some scenes."""
        return Light(**{name: value[rows] for name, value in vars(self).items()})


def sky_colour(materials: Materials, light: Light, scene: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Return (3, N) linear colours of the sky in unit directions (3, N), world, of a scene (1,) or scenes (N,)."""
    rise = direction[1].clamp(min=0)
    horizon, zenith, cloud = (of_scene(values, scene) for values in (light.horizon, light.zenith, light.cloud))
    turn = take(light.turn, scene)
    colour = torch.lerp(horizon, zenith, rise.sqrt())
    plane, drift, field = direction[::2] / (rise + 0.12), turn * 7, torch.zeros_like(rise)
    for octave in range(4):
        k = 1.7 * 2**octave
        bent = torch.sin(plane.flip(0) * (k * 0.6) + drift * 3).mul_(0.8).add_(drift).add_(plane, alpha=k)
        field.addcmul_(torch.sin(bent[0]), torch.sin(bent[1] + octave), value=1.6**-octave)
    clouds = ((field * 0.5 + take(light.cover, scene) * 2 - 1) * 1.5).clamp(0, 1)
    colour = torch.lerp(colour, cloud, clouds * (rise * 8).clamp(max=1))
    if len(materials.skies):
        _, height, width, _ = materials.skies.shape
        sky = take(light.sky, scene).expand_as(rise)
        photo = rows_where(sky >= 0)
        x, y, z = columns_of(direction, photo)
        around = torch.atan2(x, z) / (2 * torch.pi) + take(turn.expand_as(rise), photo)
        column = (around % 1 * (width - 1)).long()
        row = ((1 - (0.2 + 0.8 * torch.asin(y.clamp(0, 1)) / (torch.pi / 2))) * (height - 1)).long()
        seen = take(materials.skies.view(-1, 3), (take(sky, photo) * height + row) * width + column)
        bright = columns_of((zenith + horizon).expand_as(colour), photo)
        colour.index_copy_(1, photo, (seen.T / 255) ** 2.2 * bright)
    return colour
