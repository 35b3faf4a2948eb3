"""Blockout: one photograph in, an editable 3D blockout out."""

__version__ = "0.1.0"


def register() -> None:
    """Show Blockout in Blender, which calls this; bpy loads only here."""
    from .addon import register

    register()


def unregister() -> None:
    """Take Blockout out of Blender."""
    from .addon import unregister

    unregister()
