"""What a user sets in Blender: options of a build, and the sliders of solids and blockouts."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..estimators import DEPTH_NAMES, SEGMENT_NAMES
from . import editing, thickness, tree
from .build import Options
from .places import preferences

Items = list[tuple[str, str, str]]
DEFAULT = ("DEFAULT", "Default", "As the preferences say, else what Blockout chooses")
_items: dict[str, Items] = {}  # Blender keeps no references to what a callback returns


def depth_items(_self: object, _context: object) -> Items:
    """Return the choices of an estimator of depth."""
    return _items.setdefault("depth", [DEFAULT, *((name, name, "") for name in DEPTH_NAMES)])


def segment_items(_self: object, _context: object) -> Items:
    """Return the choices of an estimator of segments."""
    return _items.setdefault("segments", [DEFAULT, *((name, name, "") for name in SEGMENT_NAMES)])


def estimator_items(_self: object, _context: object) -> Items:
    """Return the choices of an estimator that builds start with."""
    names = sorted({*DEPTH_NAMES, *SEGMENT_NAMES})
    chosen_by_blockout = (DEFAULT[0], "Blockout's choice", "What Blockout takes where nothing is chosen")
    return _items.setdefault("estimator", [chosen_by_blockout, *((name, name, "") for name in names)])


class BuildProperties:
    """Options of a build, for the operator and for the panel."""

    detail: IntProperty(name="Detail", description="Levels of parts; 0 is one solid a segment", default=2, min=0, max=6)
    texture: EnumProperty(
        name="Texture",
        items=[
            ("colour", "Colour", "Each segment's mean colour"),
            ("photo", "Photo", "Project the photograph on the faces that it shows"),
        ],
        default="colour",
    )
    depth: EnumProperty(name="Depth", description="Estimator of depth", items=depth_items)
    segments: EnumProperty(name="Segments", description="Estimator of segments", items=segment_items)
    scale_label: StringProperty(
        name="Scale by", description="Label of something in the photo whose height is known, such as door"
    )
    scale_m: FloatProperty(name="Height", description="Its height", default=2.0, min=0.001, unit="LENGTH")
    least_thickness: FloatProperty(
        name="Least", description="Thinnest solid; 0 is no limit", default=0.0, min=0.0, unit="LENGTH"
    )
    most_thickness: FloatProperty(
        name="Most", description="Thickest solid; 0 is no limit", default=0.0, min=0.0, unit="LENGTH"
    )


OPTION_NAMES = tuple(BuildProperties.__annotations__)


def options_of(told: BuildProperties) -> Options:
    """Return what was set as the options of a build."""
    default = preferences().estimator
    return Options(
        detail=told.detail,
        texture=told.texture,
        depth=_chosen(told.depth, default if default in DEPTH_NAMES else ""),
        segments=_chosen(told.segments, default if default in SEGMENT_NAMES else ""),
        scale_reference=(told.scale_label.strip(), told.scale_m) if told.scale_label.strip() else None,
        thickness_range_m=(told.least_thickness, told.most_thickness),
    )


def _chosen(name: str, default: str) -> str:
    return default if name == DEFAULT[0] else name


def draw_options(layout: bpy.types.UILayout, told: BuildProperties) -> None:
    """Show the options of a build."""
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    for name in ("detail", "texture", "depth", "segments"):
        column.prop(told, name)
    column.separator()
    limits = column.column(align=True)
    limits.prop(told, "least_thickness", text="Thickness Min")
    limits.prop(told, "most_thickness", text="Max")
    column.separator()
    known = column.column(align=True)
    known.prop(told, "scale_label", text="Scale by")
    sub = known.row()
    sub.active = bool(told.scale_label.strip())
    sub.prop(told, "scale_m", text="Is High")


class BlockoutSettings(bpy.types.PropertyGroup, BuildProperties):
    """What the panel shows before a build; of the window manager, so that undo leaves it alone."""

    photo: StringProperty(name="Photo", description="A picture file", subtype="FILE_PATH")
    with_selected: BoolProperty(
        name="All Selected", description="Give every selected solid the same thickness", default=False
    )


def _get_thickness(thing: bpy.types.Object) -> float:
    return thing.get(thickness.THICKNESS, 0.0)


def _set_thickness(thing: bpy.types.Object, value: float) -> None:
    things = [thing]
    if bpy.context.window_manager.blockout.with_selected:
        things += [other for other in bpy.context.selected_objects if other != thing]
    for other in filter(thickness.can_change, things):
        thickness.set_thickness(other, value)


def _get_level(root: bpy.types.Object) -> int:
    return root.get(tree.SHOWN, 0)


def _set_level(root: bpy.types.Object, value: int) -> None:
    if tree.ROOT_MARK in root:
        tree.show_level(root, value)


def _get_label(thing: bpy.types.Object) -> str:
    return thing.get(editing.LABEL, "")


def _set_label(thing: bpy.types.Object, label: str) -> None:
    if label.strip() and tree.find_root(thing):
        editing.relabel(thing, label)


def add() -> None:
    """Add the properties to Blender's types."""
    bpy.types.WindowManager.blockout = PointerProperty(type=BlockoutSettings)
    bpy.types.Object.blockout_thickness = FloatProperty(
        name="Thickness",
        description="From the seen face to the hidden side",
        get=_get_thickness,
        set=_set_thickness,
        min=thickness.LEAST_M,
        soft_max=5.0,
        unit="LENGTH",
        step=1,
    )
    bpy.types.Object.blockout_label = StringProperty(
        name="Label", description="What it is; its names follow", get=_get_label, set=_set_label
    )
    bpy.types.Object.blockout_detail = IntProperty(
        name="Detail",
        description="0 shows one solid for each segment, higher levels their parts",
        get=_get_level,
        set=_set_level,
        min=0,
        soft_max=3,
    )


def remove() -> None:
    """Take them away."""
    del bpy.types.WindowManager.blockout
    for name in ("blockout_thickness", "blockout_label", "blockout_detail"):
        delattr(bpy.types.Object, name)
