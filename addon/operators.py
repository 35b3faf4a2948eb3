"""File > Import > Photo as Blockout: gathers arguments, lets ``build`` work beside the interface, and reports."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..errors import BlockoutError, UsageError
from . import build
from .places import absolute
from .properties import BuildProperties, draw_options, options_of
from .scene_in import BEFORE, restore_frame
from .tree import find_root, roots_in

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".heic")
POLL_S = 0.05
RUNS: dict[int, build.Run] = {}  # what is under way, for the panel and its buttons

Answer = set[str]


class ImportBlockout(bpy.types.Operator, ImportHelper, BuildProperties):
    """Build an editable blockout from a photograph"""

    bl_idname = "import_scene.blockout"
    bl_label = "Photo as Blockout"
    bl_options = {"UNDO"}

    filepath: StringProperty(name="Photo", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})  # ask anew each time
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"HIDDEN"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    def draw(self, context: bpy.types.Context) -> None:
        """Show the options beside the file browser."""
        draw_options(self.layout, self)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Answer:
        """Begin with the photo that is given, else ask for one."""
        is_given = self.filepath.startswith("//") or self._photos()
        return self.execute(context) if is_given else super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> Answer:
        """Build beside the interface, or, where there is none, at once."""
        try:
            photos = self._photos()
            if not photos:
                raise UsageError("no photo was chosen: choose a picture file.")
            self._options = options_of(self)
            run = build.start_photos(photos, self._options)
        except BlockoutError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._run, self._timer, self._shown = run, None, ""
        if bpy.app.background or context.window is None:
            run.wait()
            return self._end(context)
        RUNS[id(run)] = run
        self._timer = context.window_manager.event_timer_add(POLL_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Answer:
        """Follow the worker; Esc cancels, everything else stays usable."""
        if event.type == "ESC" and event.value == "PRESS":
            self._run.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._run.advance():
            return self._end(context)
        if self._run.words != self._shown:
            self._shown = self._run.words
            _show_progress(context, self._run)
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing running when the window, the file or Blender goes."""
        run = getattr(self, "_run", None)
        if run is not None:
            self._leave(context)

    def _photos(self) -> list[Path]:
        """Return what was chosen, dropped or given."""
        named = [Path(self.directory) / file.name for file in self.files if file.name]
        if named:
            return named
        path = absolute(self.filepath) if self.filepath else None
        return [path] if path and not path.is_dir() else []

    def _end(self, context: bpy.types.Context) -> Answer:
        """Put the result into the scene, or tell why there is none."""
        run = self._run
        try:
            run.check()
            made = build.finish(run, context.scene, self._options)
        except BlockoutError as error:
            self.report({"INFO" if run.is_cancelled else "ERROR"}, f"Blockout: {error}")
            return {"CANCELLED"}
        except Exception as error:  # noqa: BLE001  users get a sentence, never a traceback
            what = " ".join(f"{type(error).__name__}: {error}".split())
            self.report({"ERROR"}, f"Blockout: {what}; this is our mistake, please report it; {run.keep_log()}.")
            return {"CANCELLED"}
        finally:
            self._leave(context)
        for message, _ in run.errors:
            self.report({"WARNING"}, f"Blockout: {message}")
        choose(context, made[-1])
        if not bpy.app.background:
            look_through_camera(context, self.texture == "photo")
        count = sum(ready["summary"]["prisms"] for ready in run.ready)
        self.report({"INFO"}, f"Blockout: {count} solids in {', '.join(collection.name for collection in made)}")
        return {"FINISHED"}

    def _leave(self, context: bpy.types.Context) -> None:
        """Take away what a run shows and holds."""
        RUNS.pop(id(self._run), None)
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
            _show_progress(context, None)
        self._run.close()


class CancelBlockout(bpy.types.Operator):
    """Stop building; nothing is left behind"""

    bl_idname = "blockout.cancel"
    bl_label = "Cancel"

    run: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> Answer:
        """Ask the worker to stop."""
        run = RUNS.get(int(self.run))
        if run:
            run.cancel()
        return {"FINISHED"}


class RestoreRender(bpy.types.Operator):
    """Give the render the resolution back that it had before the blockout came"""

    bl_idname = "blockout.restore_render"
    bl_label = "Restore Render Size"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is something to restore."""
        return any(BEFORE in root for root in roots_in(context.scene))

    def execute(self, context: bpy.types.Context) -> Answer:
        """Restore it."""
        root = find_root(context.active_object) or roots_in(context.scene)[-1]
        restore_frame(context.scene, root)
        return {"FINISHED"}


class PhotoHandler(bpy.types.FileHandler):
    """Pictures that are dropped on a 3D viewport."""

    bl_idname = "BLOCKOUT_FH_photo"
    bl_label = "Photo as Blockout"
    bl_import_operator = ImportBlockout.bl_idname
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Whether a picture may be dropped here."""
        return context.area is not None and context.area.type == "VIEW_3D"


def choose(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Make the largest thing of a new blockout the active one, and select nothing else."""
    for thing in context.selected_objects:
        thing.select_set(False)
    shown = [thing for thing in collection.objects if thing.type == "MESH" and thing.get("kind") == "object"]
    shown = [thing for thing in shown if not thing.hide_viewport] or list(collection.objects)
    largest = max(shown, key=lambda thing: thing.get("pixels", 0))
    largest.select_set(True)
    context.view_layer.objects.active = largest


def look_through_camera(context: bpy.types.Context, shows_photo: bool) -> None:
    """Turn the window's largest viewport to the camera, and let it show the colours, or the photo on the solids."""
    areas = [area for area in context.window.screen.areas if area.type == "VIEW_3D"]
    if not areas:
        return
    area = max(areas, key=lambda area: area.width * area.height)
    space = area.spaces.active
    space.region_3d.view_perspective = "CAMERA"
    space.overlay.show_relationship_lines = False  # a line from each solid to its group would hide them all
    if shows_photo and space.shading.type == "SOLID":
        space.shading.color_type = "TEXTURE"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(area=area, region=region):
        bpy.ops.view3d.view_center_camera()
    _keep_clear_of_sidebar(area, region, space.region_3d)


def _keep_clear_of_sidebar(area: bpy.types.Area, region: bpy.types.Region, view: bpy.types.RegionView3D) -> None:
    """Shrink and move the camera's frame, which fills a region, into what the sidebar leaves of that.

    Source: Blender's manual does not say it: the frame's size goes with (sqrt(2) + zoom / 50)^2 / 4, and an offset
    counts in half the region's width times that.
    """
    covered = sum(other.width for other in area.regions if other.type == "UI" and other.width > 1)
    size = (math.sqrt(2) + view.view_camera_zoom / 50) ** 2 / 4 * (1 - covered / region.width)
    view.view_camera_zoom = 50 * (2 * math.sqrt(size) - math.sqrt(2))
    view.view_camera_offset[0] += covered / (4 * region.width * size)


def draw_import(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """Add the entry to File > Import."""
    self.layout.operator(ImportBlockout.bl_idname, text="Photo as Blockout")


def _show_progress(context: bpy.types.Context, run: build.Run | None) -> None:
    """Show in status bar and sidebar how far a run is; None takes it away. The view itself is not drawn anew."""
    if context.workspace:
        text = None if run is None else f"Blockout: {run.words}    (Esc cancels)"
        context.workspace.status_text_set(text)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "UI":
                    region.tag_redraw()
