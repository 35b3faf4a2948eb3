"""What Blender gets to know: classes, menus, properties, and the command ``blender --command blockout``."""

from __future__ import annotations


def register() -> None:
    """Add everything to Blender."""


def unregister() -> None:
    """Take everything away, last come first."""
