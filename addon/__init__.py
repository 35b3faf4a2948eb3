"""Blender's face of Blockout: bpy loads with ``register``, not before."""


def register() -> None:
    """Add operators, panels and preferences to Blender."""
    from .registration import register

    register()


def unregister() -> None:
    """Take them away again."""
    from .registration import unregister

    unregister()
