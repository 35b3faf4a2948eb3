"""A prepared stage -> a collection in the open scene, with camera, background photo and custom properties."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from .objects import make_objects, read_tree
from .thickness import PAIRS, POINTS
from .tree import IS_WHOLE, LEVELS, ROOT_MARK, show_level

STAGE = "working.usdc"  # as in stage_in.py, which needs USD
PHOTO, BEFORE, SKY = "blockout_photo", "blockout_render_before", "blockout_sky"
MADE = ("collections", "objects", "meshes", "cameras", "materials", "images", "worlds")  # kinds of data
RENDER_SIZE = ("resolution_x", "resolution_y", "resolution_percentage", "pixel_aspect_x", "pixel_aspect_y")
PICTURES = ("photo_mtl", "plate_mtl")  # materials that many solids share
GREY = (0.5, 0.5, 0.5)  # linear
Ready = dict[str, Any]


def has_usd() -> bool:
    """Return whether this Blender can import USD itself: Debian's cannot, though its operator is there."""
    return bool(bpy.app.build_options.usd)


def take_in(scene: bpy.types.Scene, ready: Ready, *, by_usd: bool | None = None) -> bpy.types.Collection:
    """Put a prepared stage into a scene.

    Args:
        scene: shown in the window, or the only one of a Blender without windows.
        ready: the worker's event of this name.
        by_usd: whether Blender's own importer reads it; None is where there is one.

    Returns:
        The new collection, named after the photo.
    """
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    before = {kind: set(getattr(bpy.data, kind)) for kind in MADE}
    try:
        return _fill(scene, ready, has_usd() if by_usd is None else by_usd)
    except BaseException:
        bpy.data.batch_remove(
            [thing for kind in MADE for thing in getattr(bpy.data, kind) if thing not in before[kind]]
        )
        raise


def _fill(scene: bpy.types.Scene, ready: Ready, by_usd: bool) -> bpy.types.Collection:
    folder, photo = Path(ready["folder"]), Path(ready["summary"]["photo"])
    collection = bpy.data.collections.new(photo.stem)
    scene.collection.children.link(collection)
    images_before = set(bpy.data.images)
    things = _import_by_usd(folder / STAGE) if by_usd else make_objects(folder)
    things = _gather(things, collection)
    for image in set(bpy.data.images) - images_before:
        image.pack()  # the run's folder goes
    root = next(thing for thing in things if thing.parent is None)
    _note_facts(root, things, ready)
    camera = next(thing for thing in things if thing.type == "CAMERA")
    facts = next(facts for facts in read_tree(folder)["objects"] if facts["type"] == "Camera")
    _set_lens(camera.data, facts["camera"])
    _show_photo_behind(camera.data, Path(ready["picture"]), folder)
    _frame(scene, camera, root, ready["summary"]["photo_size_px"])
    _colour_world(scene, ready["sky"])
    bpy.context.view_layer.update()  # places of what is hidden next are not worked out any more
    show_level(root, root[LEVELS] - 1)
    return collection


def _import_by_usd(stage: Path) -> list[bpy.types.Object]:
    """Let Blender's importer read a stage; return the new objects."""
    before = set(bpy.data.objects)
    wanted = {
        "filepath": str(stage),
        "create_collection": False,
        "set_frame_range": False,
        "import_textures_mode": "IMPORT_NONE",
        "property_import_mode": "USER",  # since 5.0, before it:
        "attr_import_mode": "USER",
        "mtl_name_collision_mode": "MAKE_UNIQUE",
    }
    known = bpy.ops.wm.usd_import.get_rna_type().properties.keys()
    bpy.ops.wm.usd_import(**{name: value for name, value in wanted.items() if name in known})
    return [thing for thing in bpy.data.objects if thing not in before]


def _gather(things: Iterable[bpy.types.Object], collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """Move objects to a collection, and nowhere else; leave out the one that stood for the scope of materials."""
    kept = []
    for thing in things:
        if thing.type == "EMPTY" and thing.name.partition(".")[0] == "mtl":
            bpy.data.objects.remove(thing)
            continue
        for other in thing.users_collection:
            other.objects.unlink(thing)
        collection.objects.link(thing)
        thing.select_set(False)
        kept.append(thing)
    return kept


def _note_facts(root: bpy.types.Object, things: Iterable[bpy.types.Object], ready: Ready) -> None:
    """Write down what the add-on needs later, and colours for viewports that show those of objects."""
    root[ROOT_MARK] = True
    root[LEVELS] = ready["levels"]
    root[PHOTO] = ready["summary"]["photo"]
    root.empty_display_size = 0.25
    if ready["sky"]:
        root[SKY] = ready["sky"]
    for name, value in ready["facts"].items():
        root[name] = value
    for thing in things:
        if thing.type == "EMPTY":
            thing.empty_display_size = 0.1
        elif thing.type == "MESH":
            thing.color = (*_colour_of(thing), 1.0)
            thing.data[PAIRS] = thing.pop(PAIRS, None) or thing.data.get(PAIRS, 0)  # the importer puts it on either
            thing.data[POINTS] = len(thing.data.vertices)
            if "label" not in thing and thing.parent:  # a solid that stands for the parts beside it
                thing[IS_WHOLE] = True
                for name, value in thing.parent.items():
                    thing[name] = value


def _colour_of(thing: bpy.types.Object) -> list[float]:
    """Return the linear colour of what is not the photo's on an object."""
    plain = [m.diffuse_color for m in thing.data.materials if m and not m.name.startswith(PICTURES)]
    return list(plain[-1])[:3] if plain else [0.8, 0.8, 0.8]


def _set_lens(camera: bpy.types.Camera, facts: dict[str, Any]) -> None:
    """Set lens and film in millimetres; versions of Blender's importer differ in the unit that they take them for."""
    width, height = facts["horizontalAperture"], facts["verticalAperture"]
    camera.sensor_fit = "HORIZONTAL" if width >= height else "VERTICAL"
    camera.sensor_width, camera.sensor_height = width, height
    camera.lens = facts["focalLength"]
    longer = max(width, height)
    camera.shift_x = facts["horizontalApertureOffset"] / longer
    camera.shift_y = facts["verticalApertureOffset"] / longer
    camera.clip_start, camera.clip_end = facts["clippingRange"]
    camera.display_size = 0.5


def _show_photo_behind(camera: bpy.types.Camera, picture: Path, folder: Path) -> None:
    """Show the photo behind everything that the camera sees."""
    image = bpy.data.images.load(str(picture), check_existing=True)
    if picture.is_relative_to(folder):
        image.pack()
    camera.show_background_images = True
    background = camera.background_images.new()
    background.image = image
    background.alpha = 1.0
    background.display_depth = "BACK"
    background.frame_method = "STRETCH"


def _frame(scene: bpy.types.Scene, camera: bpy.types.Object, root: bpy.types.Object, size_px: tuple[int, int]) -> None:
    """Let the scene render through the camera at the photo's size, and note what it did before."""
    render = scene.render
    root[BEFORE] = {name: getattr(render, name) for name in RENDER_SIZE}
    scene.camera = camera
    render.resolution_y, render.resolution_x = size_px
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0


def restore_frame(scene: bpy.types.Scene, root: bpy.types.Object) -> None:
    """Give the scene the resolution back that it had before this blockout came."""
    for name, value in root[BEFORE].items():
        setattr(scene.render, name, value)


def _colour_world(scene: bpy.types.Scene, sky: list[float] | None) -> None:
    """Light a scene that has no World with the photo's sky, or with grey; one that has is left alone."""
    if scene.world:
        return
    scene.world = bpy.data.worlds.new("Blockout sky")
    if bpy.app.version < (5, 0, 0):
        scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*(sky or GREY), 1.0)
