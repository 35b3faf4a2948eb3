"""Buttons for afterwards: one measurement, merge, split, parts of one group, export. None of them needs the network."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ..errors import BlockoutError, UsageError
from . import cutting, editing, export
from .places import absolute
from .tree import find_root, roots_in, show_group, solids_below, whole_of

AXES = [
    ("HEIGHT", "High", "From its lowest to its highest point"),
    ("WIDTH", "Wide", "Along the scene's X axis, which is across the photo"),
    ("DEPTH", "Deep", "Along the scene's Y axis, which leads into the photo"),
]
DIRECTIONS = [("WIDTH", "Side by Side", ""), ("HEIGHT", "One on the Other", ""), ("DEPTH", "One behind the Other", "")]
Answer = set[str]


def chosen(context: bpy.types.Context) -> list[bpy.types.Object]:
    """Return the selected solids of blockouts, the active one first."""
    things = [thing for thing in context.selected_objects if thing.type == "MESH" and find_root(thing)]
    active = context.active_object
    return sorted(things, key=lambda thing: thing != active)


def blockout_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the root of the active object's blockout, else of the one that came last."""
    roots = roots_in(context.scene)
    return find_root(context.active_object) or (roots[-1] if roots else None)


class _EditOperator:
    """Reports in words; ``work`` does it."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a solid of a blockout is selected, in object mode."""
        return context.mode == "OBJECT" and bool(chosen(context))

    def execute(self, context: bpy.types.Context) -> Answer:
        """Do it, or tell why not."""
        try:
            self.work(context)  # type: ignore[attr-defined]
        except BlockoutError as error:
            self.report({"ERROR"}, f"Blockout: {error}")  # type: ignore[attr-defined]
            return {"CANCELLED"}
        return {"FINISHED"}


class SetMeasure(_EditOperator, bpy.types.Operator):
    """Tell how large the selected things really are: the whole blockout is rescaled"""

    bl_idname = "blockout.set_measure"
    bl_label = "One Known Measure"

    axis: EnumProperty(name="Along", items=AXES, default="HEIGHT")
    metres: FloatProperty(name="Is Really", default=2.0, min=0.001, unit="LENGTH")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Answer:
        """Ask, beginning with what it is now."""
        self.metres = editing.measure(chosen(context), self.axis)
        return context.window_manager.invoke_props_dialog(self)

    def work(self, context: bpy.types.Context) -> None:
        """Rescale the blockout of the active solid."""
        things = chosen(context)
        now = editing.measure(things, self.axis)
        if now <= 0:
            raise UsageError(f"{things[0].name} has no extent that way: measure it along another axis.")
        editing.rescale(find_root(things[0]), self.metres / now)


class MergeSolids(_EditOperator, bpy.types.Operator):
    """Make one solid of those selected, under the active one's name"""

    bl_idname = "blockout.merge"
    bl_label = "Merge"

    def work(self, context: bpy.types.Context) -> None:
        """Merge them."""
        context.view_layer.objects.active = editing.merge(chosen(context))


class SplitSolids(_EditOperator, bpy.types.Operator):
    """Cut each selected solid in two closed ones"""

    bl_idname = "blockout.split"
    bl_label = "Split"

    direction: EnumProperty(name="Halves", items=DIRECTIONS, default="WIDTH")
    share: FloatProperty(name="At", default=0.5, min=0.01, max=0.99, subtype="FACTOR")

    def work(self, context: bpy.types.Context) -> None:
        """Split them, and select all halves."""
        for thing in chosen(context):
            for half in cutting.split(thing, self.direction, self.share):
                half.select_set(True)


class ShowGroup(bpy.types.Operator):
    """Show this group as one solid, by its parts, or as the detail of the blockout says"""

    bl_idname = "blockout.show_group"
    bl_label = "Show Group"
    bl_options = {"UNDO"}

    how: EnumProperty(items=[("LEVEL", "", ""), ("whole", "", ""), ("parts", "", "")], options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object is a group, or belongs to one, that has a solid to stand for it."""
        return group_of(context.active_object) is not None

    def execute(self, context: bpy.types.Context) -> Answer:
        """Show it so, and leave something of it active."""
        group = group_of(context.active_object)
        assert group
        show_group(group, "" if self.how == "LEVEL" else self.how)
        shown = [thing for thing in solids_below(group) if not thing.hide_viewport]
        for thing in shown:
            thing.select_set(True)
        context.view_layer.objects.active = shown[0] if shown else group
        return {"FINISHED"}


class ExportBlockout(bpy.types.Operator, ExportHelper):
    """Write a blockout as USD, in the layout in which Blockout makes it"""

    bl_idname = "export_scene.blockout"
    bl_label = "Export Blockout"

    filename_ext = ".usd"
    filter_glob: StringProperty(default="*.usd;*.usda;*.usdc;*.usdz", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a blockout."""
        return blockout_of(context) is not None

    def check(self, context: bpy.types.Context) -> bool:
        """Let the name end in .usd unless it ends as another stage does."""
        return False if self.filepath.lower().endswith((".usda", ".usdc", ".usdz")) else super().check(context)

    def execute(self, context: bpy.types.Context) -> Answer:
        """Write it."""
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        try:
            files = export.export(blockout_of(context), absolute(self.filepath))
        except BlockoutError as error:
            self.report({"ERROR"}, f"Blockout: {error}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Blockout: wrote {files[-1]}")
        return {"FINISHED"}


def group_of(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the nearest group at or above an object that has a solid of its own."""
    while thing is not None and whole_of(thing) is None:
        thing = thing.parent
    return thing


def draw_export(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Add the entry to File > Export."""
    self.layout.operator(ExportBlockout.bl_idname, text="Blockout (.usd)")


CLASSES: Sequence[type] = (SetMeasure, MergeSolids, SplitSolids, ShowGroup, ExportBlockout)
