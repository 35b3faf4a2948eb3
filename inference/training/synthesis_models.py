"""Models from GLB files as triangles with textures, scaled to the size of what they show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .material_folder import MaterialFolder
from .render_solids import BOX, CYLINDER, PRISM, SPHERE
from .synthesis_materials import MaterialTable

MOST_TRIANGLES = 3000
# word in the file's name -> role, least and greatest height in metres, shape; the first that occurs counts
SORTS: tuple[tuple[str, str, float, float, int], ...] = (
    ("curtain", "skip", 0, 0, PRISM),
    ("ShelfF", "skip", 0, 0, PRISM),
    ("DoorB", "skip", 0, 0, PRISM),
    ("RoomWindow", "skip", 0, 0, PRISM),
    ("elevator", "skip", 0, 0, PRISM),
    ("rug", "rug", 0.02, 0.05, BOX),
    ("pictureframe_standing", "small", 0.15, 0.3, BOX),
    ("DeskPortrait", "small", 0.15, 0.3, BOX),
    ("picture", "frame", 0.3, 1.0, BOX),
    ("PortraitD", "frame", 0.3, 1.0, BOX),
    ("armchair", "sofa", 0.75, 1.0, PRISM),
    ("stool", "chair", 0.4, 0.65, PRISM),
    ("chair", "chair", 0.75, 1.1, PRISM),
    ("Chair", "chair", 0.75, 1.1, PRISM),
    ("couch", "sofa", 0.7, 0.95, PRISM),
    ("ofa", "sofa", 0.7, 1.0, PRISM),
    ("bed", "bed", 0.5, 1.1, PRISM),
    ("Bed", "bed", 0.7, 1.2, PRISM),
    ("CoffeeTable", "table", 0.35, 0.5, PRISM),
    ("BalconyTable", "table", 0.45, 0.75, PRISM),
    ("table_low", "table", 0.35, 0.5, PRISM),
    ("lamp_table", "small", 0.35, 0.6, PRISM),
    ("ookshelf", "storage", 1.2, 2.1, BOX),
    ("table", "table", 0.68, 0.8, PRISM),
    ("KitchenTable", "table", 0.7, 0.8, PRISM),
    ("ableware", "small", 0.08, 0.2, PRISM),
    ("Tablet", "skip", 0, 0, BOX),
    ("esk", "table", 0.7, 1.1, PRISM),
    ("shelf_B", "skip", 0, 0, PRISM),
    ("shelf_A", "skip", 0, 0, PRISM),
    ("Shelf", "storage", 1.8, 2.6, PRISM),
    ("ShoeRack", "storage", 0.8, 1.2, PRISM),
    ("Wardrobe", "storage", 1.8, 2.3, BOX),
    ("cabinet", "storage", 0.7, 1.4, BOX),
    ("NightStand", "storage", 0.45, 0.7, BOX),
    ("TVCabinet", "storage", 0.4, 0.6, BOX),
    ("efrigerator", "storage", 1.5, 2.0, BOX),
    ("Airconditioner", "storage", 0.8, 1.9, BOX),
    ("lamp_standing", "lamp", 1.4, 1.9, PRISM),
    ("godot_lamp", "street", 3.5, 6.0, PRISM),
    ("cactus", "small", 0.12, 0.5, PRISM),
    ("Vase", "small", 0.15, 0.4, CYLINDER),
    ("Ball", "floor", 0.2, 0.7, SPHERE),
    ("Trash", "floor", 0.3, 0.6, CYLINDER),
    ("TrashCan", "street", 0.9, 1.3, BOX),
    ("Bucket", "floor", 0.3, 1.0, CYLINDER),
    ("Cluttering", "floor", 0.7, 1.8, BOX),
    ("Fitness", "floor", 0.8, 1.2, PRISM),
    ("umbbell", "floor", 0.15, 0.4, PRISM),
    ("PalletJack", "floor", 0.9, 1.3, PRISM),
    ("barrel", "floor", 0.6, 1.1, CYLINDER),
    ("crate", "floor", 0.3, 1.0, BOX),
    ("Computer", "small", 0.35, 0.55, PRISM),
    ("Speaker", "small", 0.06, 0.3, CYLINDER),
    ("tea_set", "small", 0.03, 0.15, CYLINDER),
    ("bell_pepper", "small", 0.07, 0.1, SPHERE),
    ("banana", "small", 0.05, 0.1, PRISM),
    ("plate", "small", 0.02, 0.03, CYLINDER),
    ("MagicCube", "small", 0.05, 0.08, BOX),
    ("book_set", "small", 0.2, 0.3, BOX),
    ("book_single", "small", 0.2, 0.3, BOX),
    ("cypress", "tree", 5, 14, PRISM),
    ("tree", "tree", 4, 11, SPHERE),
    ("bush", "plant", 0.6, 2.2, SPHERE),
    ("hedge", "plant", 0.8, 1.8, BOX),
    ("fern", "plant", 0.3, 0.8, SPHERE),
    ("flowers", "plant", 0.2, 0.7, PRISM),
    ("grass", "plant", 0.2, 0.8, PRISM),
    ("car", "car", 1.35, 1.75, PRISM),
    ("fence", "street", 0.8, 1.3, BOX),
    ("well", "street", 1.6, 2.5, PRISM),
    ("cart", "street", 1.0, 1.6, PRISM),
    ("market_stand", "street", 2.0, 2.8, PRISM),
    ("house", "house", 5, 12, PRISM),
    ("barracks", "house", 5, 10, PRISM),
    ("building", "house", 8, 16, PRISM),
    ("Column", "floor", 2.5, 3.0, BOX),
    ("InfoDesk", "table", 0.9, 1.1, BOX),
)


@dataclass(frozen=True, eq=False)
class Model:
    """A model that stands on y = 0 at the origin, 1 m high.

    Attributes:
        corners: (T, 3, 3) float32; uv: (T, 3, 2) float32, copies of the texture, v down; textures: (T,) int64.
        reach: (x, z) half extents, for a height of 1.
        low_m, high_m: of the heights that what it shows may have.
        shape: of a segment that shows it.
    """

    role: str
    corners: np.ndarray
    uv: np.ndarray
    textures: np.ndarray
    reach: tuple[float, float]
    low_m: float
    high_m: float
    shape: int


def gather_models(folder: MaterialFolder | None, table: MaterialTable) -> dict[str, list[Model]]:
    """Read models/*.glb of a folder by role, and add their pictures to the table; none without a folder."""
    found: dict[str, list[Model]] = {}
    for path in folder.files("models") if folder else []:
        sort = next((sort for sort in SORTS if sort[0] in path.stem), None)
        if path.suffix == ".glb" and sort and sort[1] != "skip":
            model = _read_model(path, sort, table)
            if model is not None:
                found.setdefault(model.role, []).append(model)
    return found


def _read_model(path: Path, sort: tuple[str, str, float, float, int], table: MaterialTable) -> Model | None:
    import trimesh

    scene: Any = trimesh.load(path, force="scene")
    parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]
    if not parts or sum(len(part.faces) for part in parts) > MOST_TRIANGLES:
        return None
    corners, uv, textures = [], [], []
    for part in parts:
        corners.append(part.triangles)
        coordinates = getattr(part.visual, "uv", None)
        if coordinates is None:
            coordinates = np.zeros((len(part.vertices), 2))
        uv.append(coordinates[part.faces] * [1, -1])
        textures.append(np.full(len(part.faces), table.add(_picture(part))))
    points = np.concatenate(corners)
    low, high = points.reshape(-1, 3).min(axis=0), points.reshape(-1, 3).max(axis=0)
    size = np.maximum(high - low, 1e-6)
    points = (points - [(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]) / size[1]
    return Model(
        sort[1],
        points.astype(np.float32),
        np.concatenate(uv).astype(np.float32),
        np.concatenate(textures),
        (float(size[0] / size[1] / 2), float(size[2] / size[1] / 2)),
        sort[2],
        sort[3],
        sort[4],
    )


def _picture(part: object) -> np.ndarray:
    """Return (h, w, 4) uint8 of a mesh's base colour."""
    material = getattr(getattr(part, "visual", None), "material", None)
    image = getattr(material, "baseColorTexture", None)
    if image is None:
        colour = getattr(material, "main_color", np.array([150, 150, 150, 255]))
        return np.broadcast_to(np.asarray(colour, np.uint8), (8, 8, 4)).copy()
    return np.asarray(image.convert("RGBA"))
