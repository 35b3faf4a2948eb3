"""What Blender gets to know: classes, menus, properties, and the command ``blender --command blockout``."""

from __future__ import annotations

import bpy

from . import command, edit_operators, operators, panel, preferences, properties

CLASSES = (
    properties.BlockoutSettings,
    *preferences.CLASSES,
    operators.ImportBlockout,
    operators.CancelBlockout,
    operators.RestoreRender,
    operators.PhotoHandler,
    *edit_operators.CLASSES,
    *panel.CLASSES,
)
_commands: list[object] = []


def register() -> None:
    """Add everything to Blender."""
    for one in CLASSES:
        bpy.utils.register_class(one)
    properties.add()
    bpy.types.TOPBAR_MT_file_import.append(operators.draw_import)
    bpy.types.TOPBAR_MT_file_export.append(edit_operators.draw_export)
    _commands.append(bpy.utils.register_cli_command("blockout", command.run_command))


def unregister() -> None:
    """Take everything away, last come first."""
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    for run in list(operators.RUNS.values()):
        run.close()
    operators.RUNS.clear()
    bpy.types.TOPBAR_MT_file_export.remove(edit_operators.draw_export)
    bpy.types.TOPBAR_MT_file_import.remove(operators.draw_import)
    properties.remove()
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
