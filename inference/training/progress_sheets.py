"""Sheets that show what a network in training sees beside what is true: a row for each picture of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch

CELL_PX = (96, 128)
GAP_PX = 2
KIND_COLOURS = np.array([[80, 160, 200], [80, 140, 80], [200, 90, 90], [60, 200, 220]], np.uint8)  # sky, ground, ...


def draw_scene_sheet(batch: Mapping[str, torch.Tensor], depth: torch.Tensor, kind: torch.Tensor) -> np.ndarray:
    """Return (H, W, 3) uint8 sRGB: photos, nearness and kinds as seen and as they are.

    Args:
        batch: of ``scene_targets.make_batch``; its ``depth`` is a logarithm.
        depth: (B, h, w) float, the same as the network tells it.
        kind: (B, h, w) int64, likewise.
    """
    columns = [
        _photos(batch["rgb"]),
        _shades(-depth, depth.isfinite()),
        _shades(-batch["depth"], batch["depth"].isfinite()),
        list(KIND_COLOURS[kind.cpu().numpy()]),
        list(KIND_COLOURS[batch["kind"].cpu().numpy()]),
    ]
    return _draw_sheet(columns)


def draw_pair_sheet(batch: Mapping[str, torch.Tensor], mask: torch.Tensor, depth: torch.Tensor) -> np.ndarray:
    """Return (H, W, 3) uint8 sRGB: backgrounds, pairs to them, masks and depths as seen and as they are.

    Args:
        batch: of ``pair_task.stack``.
        mask, depth: (B, 1, h, w) float from 0 to 1, as the network tells them.
    """
    known = batch["depth"].isfinite()[:, 0]
    columns = [_photos(batch["background"]), _photos(batch["overlay"])]
    for values in (mask, batch["mask"]):
        columns.append(_greys(values[:, 0]))
    columns += [_shades(-depth[:, 0], torch.ones_like(known)), _shades(-batch["depth"][:, 0], known)]
    return _draw_sheet(columns)


def _photos(rgb: torch.Tensor) -> list[np.ndarray]:
    return list((rgb.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())


def _greys(values: torch.Tensor) -> list[np.ndarray]:
    return _photos(values[:, None].expand(-1, 3, -1, -1))


def _shades(values: torch.Tensor, known: torch.Tensor) -> list[np.ndarray]:
    """Return pictures from dark (least) to light (greatest), black where nothing is known."""
    pictures = []
    for row, mask in zip(values.float().cpu().numpy(), known.cpu().numpy(), strict=True):
        low, high = np.quantile(row[mask], [0.02, 0.98]) if mask.any() else (0.0, 1.0)
        part = np.clip((np.where(mask, row, low) - low) / max(high - low, 1e-6), 0, 1)
        shaded = cv2.applyColorMap((part * 255).astype(np.uint8), cv2.COLORMAP_MAGMA)[..., ::-1]
        pictures.append(np.where(mask[..., None], shaded, 0).astype(np.uint8))
    return pictures


def _draw_sheet(columns: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    height, width = CELL_PX
    sheet = np.full((len(columns[0]) * (height + GAP_PX), len(columns) * (width + GAP_PX), 3), 255, np.uint8)
    for column, pictures in enumerate(columns):
        for row, picture in enumerate(pictures):
            top, left = row * (height + GAP_PX), column * (width + GAP_PX)
            cell = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST)
            sheet[top : top + height, left : left + width] = cell
    return sheet
