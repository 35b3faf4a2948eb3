"""The extension's preferences, and the button that tells what an outside Python has."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..errors import BlockoutError
from .places import PACKAGE, package_folders
from .properties import estimator_items
from .worker import Worker, find_interpreter

PATIENCE_S = 20.0


class BlockoutPreferences(bpy.types.AddonPreferences):
    """What holds for every build."""

    bl_idname = PACKAGE

    estimator: EnumProperty(
        name="Estimator",
        description="Stands for Default in Depth and Segments, where it does that",
        items=estimator_items,
    )
    python: StringProperty(
        name="Outside Python",
        description="A Python, or the folder of its virtual environment, that has Blockout's packages and torch; "
        "empty is Blender's own, which has no torch",
        subtype="FILE_PATH",
    )
    cache: StringProperty(
        name="Cache",
        description="Folder for files while a photo is worked on; empty is the system's",
        subtype="DIR_PATH",
    )
    found: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def draw(self, context: bpy.types.Context) -> None:
        """Draw them."""
        layout = self.layout
        layout.prop(self, "estimator")
        row = layout.row(align=True)
        row.prop(self, "python")
        row.operator(CheckPython.bl_idname, text="Check", icon="CHECKMARK")
        for line in filter(None, self.found.split("\n")):
            layout.label(text=line)
        layout.prop(self, "cache")
        if not bpy.app.online_access:
            layout.label(text="Online access is off in Blender's System preferences: nothing is downloaded")


class CheckPython(bpy.types.Operator):
    """Start the worker's Python and tell what it has"""

    bl_idname = "blockout.check_python"
    bl_label = "Check Outside Python"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask a worker what it is."""
        told = context.preferences.addons[PACKAGE].preferences
        try:
            told.found = check_python(bpy.path.abspath(told.python))
        except BlockoutError as error:
            told.found = ""
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told.found.replace("\n", "; "))
        return {"FINISHED"}


def check_python(outside: str) -> str:
    """Return in lines which Python works for Blockout and what it has.

    Raises:
        BlockoutError: it cannot be started, or lacks a package.
    """
    worker = Worker({"task": "probe"}, find_interpreter(outside, package_folders()))
    try:
        events = worker.wait(PATIENCE_S)
    finally:
        worker.close()
    said = next((event for event in events if event["event"] == "probe"), None)
    if said is None:
        errors = [event["message"] for event in events if event["event"] == "error"]
        raise BlockoutError(errors[0] if errors else f"{outside} did not answer as a Python does: choose another.")
    has = ", ".join(f"{name} {version}" for name, version in said["libraries"].items() if version)
    lacks = ", ".join(name for name, version in said["libraries"].items() if not version)
    lines = [f"Python {said['python']}: {said['executable']}", f"has {has}" + (f"; has no {lacks}" if lacks else "")]
    return "\n".join([*lines, f"estimators: {', '.join(said['estimators'])}"])


CLASSES = (BlockoutPreferences, CheckPython)
