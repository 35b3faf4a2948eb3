"""Whether the sky is sky and the horizon where it is, on photographs that were looked at and marked by hand.

Run as ``python benchmarks/open_sky.py [FOLDER]``; the folder holds the photographs under the names below. Where there
is sky a box was marked that surely is sky, and the horizon where sea or plain show it. What is called sky in the lowest
quarter of these, or in photographs without sky, is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from blockout.inference.embedded import OPEN_COUNTRY, Embedded
from blockout.inference.geometric import Geometric
from blockout.inference.photo import read_photo
from blockout.inference.prediction import Estimate, SegmentMap
from blockout.inference.registry import Estimator

SHARED = Path(__file__).resolve().parents[2] / "shared"
Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the picture
WITH_SKY: dict[str, tuple[Box, float | None]] = {  # and the horizon's row in the middle
    "photos/rgbd/kitti_m3d_005/image.png": ((0.47, 0, 0.6, 0.2), None),
    "photos/nyc/nyc.jpg": ((0, 0, 1, 0.3), 0.7),
    "photos/school/school.jpg": ((0, 0, 1, 0.12), None),
    "training-pack/backgrounds/aws_DeskPortraitD_01.jpg": ((0, 0, 1, 0.2), 0.36),
    "training-pack/backgrounds/aws_PortraitD_01.jpg": ((0, 0, 1, 0.2), None),
    "training-pack/backgrounds/bb_beacon-street-sunset.jpg": ((0.05, 0, 0.6, 0.38), None),
    "training-pack/backgrounds/bb_canyon-wren.jpg": ((0, 0, 0.9, 0.2), None),
    "training-pack/backgrounds/bb_dragonfly-on-lavender.jpg": ((0, 0, 0.4, 0.06), None),
    "training-pack/backgrounds/bb_extreme-desert-hike.jpg": ((0, 0, 0.9, 0.4), None),
    "training-pack/backgrounds/bb_lake-sherburne.jpg": ((0.4, 0, 1, 0.1), None),
    "training-pack/backgrounds/bb_noche-bogota.jpg": ((0, 0, 1, 0.5), 0.61),
    "training-pack/backgrounds/bb_roman-colosseum.jpg": ((0.78, 0, 1, 0.9), None),
    "training-pack/backgrounds/bb_san-francisco-skyline.jpg": ((0, 0, 1, 0.38), None),
    "training-pack/backgrounds/bb_serene.jpg": ((0, 0, 1, 0.2), 0.3),
    "training-pack/backgrounds/bb_singaporean-cityscape.jpg": ((0, 0, 1, 0.15), 0.6),
    "training-pack/backgrounds/bb_sunset-beach.jpg": ((0, 0, 1, 0.35), 0.5),
    "training-pack/backgrounds/bb_taipei-city.jpg": ((0.3, 0, 1, 0.4), None),
    "training-pack/backgrounds/bb_tea-gardens.jpg": ((0.5, 0, 1, 0.2), None),
    "training-pack/backgrounds/el_Jay_Ruzesky.jpg": ((0, 0, 1, 0.12), None),
    "training-pack/backgrounds/el_Rob_Bye.jpg": ((0, 0, 1, 0.3), 0.345),
    "training-pack/backgrounds/el_Ryan_Schroeder.jpg": ((0, 0, 1, 0.4), None),
    "training-pack/backgrounds/el_Sunset_by_the_Pier.jpg": ((0, 0, 1, 0.35), 0.46),
}
LOOKS_UP = (  # sky reaches their lowest quarter
    "training-pack/backgrounds/bb_roman-colosseum.jpg",
    "training-pack/backgrounds/bb_extreme-desert-hike.jpg",
)
WITHOUT_SKY = (
    *(f"photos/rgbd/{name}" for name in ("osd_learn00/image.png", "redwood_00000/image.jpg", "tum_o3d/image.png")),
    *(
        f"training-pack/backgrounds/{name}.jpg"
        for name in (
            *("aws_DeskPortraitA_01", "aws_DeskPortraitB_01", "aws_DeskPortraitC_02", "bb_blue-periwinkle"),
            *("bb_budgie-branch", "bb_colorful-wall", "bb_fragrant-chamomile", "bb_kitten-on-lawn"),
            *("bb_motherboard-circuits", "bb_oakland-zoo-otters", "bb_orange-hallway", "bb_perched-osprey"),
            *("bb_solaris-grapes", "bb_the-spices-of-life", "bb_tunnel-zion-park", "el_Jonas_Nilsson_Lee"),
            *("el_Mr_Lee", "el_Pablo_Garcia_Saldana"),
        )
    ),
)


class FirstAlone(Embedded):
    """The network that ships for all photographs, without the one for open country."""

    def __init__(self) -> None:
        super().__init__()
        self._of_open_country = None


def find_sky(estimate: Estimate) -> np.ndarray:
    """Return (H, W) bool, what an estimate calls sky."""
    assert isinstance(estimate.segments, SegmentMap)
    sky = [row.id for row in estimate.segments.segments if row.kind == "sky"]
    return np.isin(estimate.segments.ids, sky)


def measure(estimator: Estimator, folder: Path) -> dict[str, float]:
    """Return one row of the table: shares of pixels, and degrees."""
    found, wrong, off = [], [], []
    for name, (box, horizon) in WITH_SKY.items():
        estimate = estimator.predict(read_photo(folder / name), None)
        sky, camera, down = find_sky(estimate), estimate.camera, estimate.gravity_cam
        assert camera is not None and down is not None
        height, width = sky.shape
        left, top, right, bottom = (round(at * side) for at, side in zip(box, (width, height) * 2, strict=True))
        found.append(sky[top:bottom, left:right].mean())
        if name not in LOOKS_UP:
            wrong.append(sky[round(0.75 * height) :].mean())
        if horizon is not None:
            row = camera.cy - down[2] / down[1] * camera.fy
            off.append(np.degrees(abs(row - horizon * camera.height) / camera.fy))
    wrong += [find_sky(estimator.predict(read_photo(folder / name), None)).mean() for name in WITHOUT_SKY]
    return {
        "sky found": float(np.mean(found)),
        "a wall": sum(share < 0.5 for share in found),
        "sky where none is": float(np.mean(wrong)),
        "horizon deg, median": float(np.median(off)),
        "mean": float(np.mean(off)),
    }


def main(folder: Path) -> None:
    """Print the table, or one line when there is nothing to measure on."""
    missing = [name for name in (*WITH_SKY, *WITHOUT_SKY) if not (folder / name).is_file()]
    if missing:
        print(f"{folder} lacks {len(missing)} of the photographs, {missing[0]} among them: nothing measured")
        return
    estimators: dict[str, Estimator] = {
        "embedded": Embedded(),
        "its first network alone": FirstAlone(),
        "its second network alone": Embedded(OPEN_COUNTRY),
        "geometric": Geometric(),
    }
    for number, (name, estimator) in enumerate(estimators.items()):
        row = measure(estimator, folder)
        if not number:
            print(" | ".join((f"{len(WITH_SKY)} photographs with sky, {len(WITHOUT_SKY)} without", *row)))
        print(" | ".join((name, *(f"{value:.3f}" for value in row.values()))))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED)
