"""The sidebar's panels: a photo and its options, what is under way, and what can be changed afterwards."""

from __future__ import annotations

import bpy

from . import edit_operators as edit
from .editing import LABEL
from .operators import RUNS, CancelBlockout, ImportBlockout, RestoreRender
from .properties import OPTION_NAMES, draw_options
from .thickness import SOURCE, THICKNESS, can_change
from .tree import LEVELS, find_root

WAYS = (("parts", "Parts"), ("whole", "Whole"), ("LEVEL", "By Detail"))


class _Panel:
    bl_space_type, bl_region_type, bl_category = "VIEW_3D", "UI", "Blockout"


class BlockoutPanel(_Panel, bpy.types.Panel):
    """A photo, its options, and the button that builds."""

    bl_idname = "VIEW3D_PT_blockout"
    bl_label = "Photo as Blockout"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, told = self.layout, context.window_manager.blockout
        layout.prop(told, "photo", text="")
        build = layout.row()
        build.scale_y = 1.4
        text = "Build Blockout" if told.photo else "Choose a Photo..."
        button = build.operator(ImportBlockout.bl_idname, text=text, icon="MESH_CUBE")
        button.filepath = told.photo
        for name in OPTION_NAMES:
            setattr(button, name, getattr(told, name))
        for number, run in RUNS.items():
            row = layout.row(align=True)
            row.progress(factor=run.fraction, text=run.words)
            row.operator(CancelBlockout.bl_idname, text="", icon="X").run = str(number)
        draw_options(layout, told)


class SolidPanel(_Panel, bpy.types.Panel):
    """Thickness and label of the active solid, and what can be done with those selected."""

    bl_idname = "VIEW3D_PT_blockout_solid"
    bl_label = "Solid"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether something of a blockout is active."""
        thing = context.active_object
        return thing is not None and LABEL in thing and find_root(thing) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, thing = self.layout, context.active_object
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(thing, "blockout_label")
        if THICKNESS in thing and thing.type == "MESH":
            row = column.row()
            row.enabled = can_change(thing)
            row.prop(thing, "blockout_thickness", slider=True)
            column.prop(context.window_manager.blockout, "with_selected")
            column.label(text=str(thing.get(SOURCE, "")), icon="INFO")
        group = edit.group_of(thing)
        if group:
            row = layout.row(align=True)
            for how, text in WAYS:
                row.operator(edit.ShowGroup.bl_idname, text=text).how = how
        row = layout.row(align=True)
        row.operator(edit.MergeSolids.bl_idname)
        row.operator_menu_enum(edit.SplitSolids.bl_idname, "direction", text="Split")


class WholePanel(_Panel, bpy.types.Panel):
    """Detail and scale of a blockout, and its way out."""

    bl_idname = "VIEW3D_PT_blockout_whole"
    bl_label = "Whole Blockout"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is one."""
        return edit.blockout_of(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, root = self.layout, edit.blockout_of(context)
        assert root
        row = layout.row()
        row.enabled = root[LEVELS] > 1
        row.prop(root, "blockout_detail", slider=True)
        layout.operator(edit.SetMeasure.bl_idname, text="One Known Measure...")
        layout.operator(RestoreRender.bl_idname)
        layout.operator(edit.ExportBlockout.bl_idname, text="Export Blockout...", icon="EXPORT")


CLASSES = (BlockoutPanel, SolidPanel, WholePanel)
