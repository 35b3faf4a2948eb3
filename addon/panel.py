"""The sidebar's panels: a photo and its options, what is under way, and what can be changed afterwards."""

from __future__ import annotations

import bpy

from .operators import RUNS, CancelBlockout, ImportBlockout, RestoreRender
from .properties import OPTION_NAMES, draw_options


class BlockoutPanel(bpy.types.Panel):
    """A photo, its options, and the button that builds."""

    bl_idname = "VIEW3D_PT_blockout"
    bl_label = "Photo as Blockout"
    bl_space_type, bl_region_type, bl_category = "VIEW_3D", "UI", "Blockout"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        layout, told = self.layout, context.window_manager.blockout
        layout.prop(told, "photo", text="")
        build = layout.row()
        build.scale_y = 1.4
        build.enabled = bool(told.photo)
        button = build.operator(ImportBlockout.bl_idname, text="Build Blockout", icon="MESH_CUBE")
        button.filepath = told.photo
        for name in OPTION_NAMES:
            setattr(button, name, getattr(told, name))
        for number, run in RUNS.items():
            row = layout.row(align=True)
            row.progress(factor=run.fraction, text=run.words)
            row.operator(CancelBlockout.bl_idname, text="", icon="X").run = str(number)
        draw_options(layout, told)
        layout.operator(RestoreRender.bl_idname)


CLASSES = (BlockoutPanel,)
