"""Make synthetic scenes of known geometry, from nothing but a seed, as ../shared/tools/evaluate_stage.py reads them.

    python benchmarks/scenes.py [--count 40] [--seed 1000] [-o .cache/scenes]

A scene's folder holds photo.png; depth.npy, (H, W) float32 metres along the optical axis, 0 = sky; segments.png, uint8
instances, 0 = sky; segments.json {id: class}; instances.json {id: name}; camera.json; and gt_<name>.ply, the closed
mesh of each instance, hidden sides included, in the camera's frame: x right, y up, looking along -z, metres.

Scene k of a seed never depends on how many are made. Seed 1000 is for development; all others are held out.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from scene_pictures import Picture, photograph
from scene_rooms import bedroom, dining_room, living_room, storage, table_top
from scene_sets import Set, View
from scene_solids import join
from scene_streets import car_park, from_a_drone, park, street, suburb

SCENES = Path(__file__).resolve().parents[1] / ".cache" / "scenes"
COUNT, DEVELOPMENT_SEED = 40, 1000
LEAST_THINGS, LEAST_SHARE, MOST_SHARE = 3, 0.004, 0.45  # of a picture: so many things of so much of it, none of more
STUFF = ("ground", "wall", "ceiling")
DRAWS = 40
SETS: tuple[Callable[[np.random.Generator], Set], ...] = (  # scene k is of kind k modulo their number
    dining_room,
    street,
    living_room,
    suburb,
    storage,
    park,
    bedroom,
    from_a_drone,
    table_top,
    car_park,
)


def make_scene(number: int, seed: int) -> tuple[str, View, Picture]:
    """Return the set's name, the camera and the picture of a scene; sets that show too little are drawn anew."""
    make = SETS[number % len(SETS)]
    for draw in range(DRAWS):
        rng = np.random.default_rng([seed, number, draw])
        place = make(rng)
        picture = photograph(place, rng)
        if _is_worth_a_picture(picture):
            return make.__name__, place.view, picture
    raise RuntimeError(f"scene {number} of seed {seed}: none of {DRAWS} draws of {make.__name__} shows enough")


def _is_worth_a_picture(picture: Picture) -> bool:
    share = np.bincount(picture.ids.ravel(), minlength=len(picture.instances) + 1)[1:] / picture.ids.size
    things = [s for s, thing in zip(share, picture.instances, strict=True) if thing.label not in STUFF]
    return sum(s > LEAST_SHARE for s in things) >= LEAST_THINGS and max(things) < MOST_SHARE


def write_scene(folder: Path, view: View, picture: Picture) -> None:
    """Write a scene's files; instances that the camera does not see are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("gt_*.ply"):
        old.unlink()
    seen = [k for k in np.unique(picture.ids).tolist() if k]
    counts: Counter[str] = Counter()
    classes, names = {0: "sky"}, {0: "sky"}
    for k in seen:
        thing = picture.instances[k - 1]
        counts[thing.label] += 1
        classes[k], names[k] = thing.label, f"{thing.label.replace(' ', '_')}_{counts[thing.label]}"
        solid = join([mesh for mesh, _ in thing.parts])
        solid.visual = trimesh.visual.ColorVisuals()
        solid.export(folder / f"gt_{names[k]}.ply")
    Image.fromarray(picture.rgb).save(folder / "photo.png")
    Image.fromarray(picture.ids).save(folder / "segments.png")
    np.save(folder / "depth.npy", picture.depth_m)
    (folder / "segments.json").write_text(json.dumps(classes, indent=1))
    (folder / "instances.json").write_text(json.dumps(names, indent=1))
    height, width = view.size
    camera = {"fx": view.focal_px, "fy": view.focal_px, "cx": width / 2, "cy": height / 2}
    (folder / "camera.json").write_text(json.dumps(camera | {"width": width, "height": height}, indent=1))


def make_scenes(output: Path, count: int = COUNT, seed: int = DEVELOPMENT_SEED) -> None:
    """Make scenes below a folder, and print what each shows."""
    for number in range(count):
        name, view, picture = make_scene(number, seed)
        folder = output / f"{number:03d}_{name}"
        write_scene(folder, view, picture)
        labels = Counter(picture.instances[k - 1].label for k in np.unique(picture.ids).tolist() if k)
        print(f"{folder.name}: " + ", ".join(f"{many} {label}" for label, many in labels.items()), flush=True)


def main() -> None:
    """Read the command line and make the scenes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("-o", "--output", type=Path, default=SCENES)
    args = parser.parse_args()
    make_scenes(args.output, args.count, args.seed)


if __name__ == "__main__":
    main()
