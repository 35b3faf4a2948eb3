"""The tree of parts in Blender: where a blockout begins, and which of its solids show."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

ROOT_MARK, LEVELS, SHOWN = "blockout", "blockout_levels", "blockout_shown_level"
IS_WHOLE, SHOWN_AS = "blockout_whole", "blockout_shown_as"  # a solid that stands for parts; "whole" or "parts"


def find_root(thing: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the root of the blockout that an object belongs to."""
    while thing is not None and ROOT_MARK not in thing:
        thing = thing.parent
    return thing


def roots_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Return the roots of all blockouts of a scene."""
    return [thing for thing in scene.objects if ROOT_MARK in thing]


def camera_of(root: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the camera that matches the photo of a blockout."""
    return next((child for child in root.children if child.type == "CAMERA"), None) if root else None


def solids_below(root: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Yield every solid of a blockout, also those that do not show now."""
    return (thing for thing in root.children_recursive if thing.type == "MESH")


def whole_of(group: bpy.types.Object) -> bpy.types.Object | None:
    """Return the solid that stands for a group's parts, where there is one."""
    return next((child for child in group.children if IS_WHOLE in child), None)


def show_level(root: bpy.types.Object, level: int) -> None:
    """Show each part down to a level, and at that level the solid that stands for its parts.

    Args:
        root: of a blockout.
        level: 0 shows one solid for each segment, the last level every part.
    """
    root[SHOWN] = max(0, min(level, root[LEVELS] - 1))
    for child in root.children:
        _show(child, root[SHOWN])


def show_group(group: bpy.types.Object, how: str) -> None:
    """Show one group "whole" or by its "parts" at any level of the blockout; "" follows the level."""
    group[SHOWN_AS] = how
    root = find_root(group)
    assert root
    show_level(root, root[SHOWN])


def _show(thing: bpy.types.Object, level: int, is_hidden: bool = False) -> None:
    whole = whole_of(thing)
    how = thing.get(SHOWN_AS, "")
    is_whole = whole is not None and (how == "whole" or (how != "parts" and thing.get("level", 0) >= level))
    if thing.type == "MESH":
        _hide(thing, is_hidden)
    for child in thing.children:
        if child == whole:
            _hide(child, is_hidden or not is_whole)
        else:
            _show(child, level, is_hidden or is_whole)


def _hide(thing: bpy.types.Object, is_hidden: bool) -> None:
    thing.hide_viewport = thing.hide_render = is_hidden
