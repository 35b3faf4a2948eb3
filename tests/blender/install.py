"""Install an extension's zip as Preferences > Get Extensions > Install from Disk does: ``install.py ZIP``."""

import os
import sys

import bpy

import addon_utils  # isort: skip  bpy makes it importable

bpy.ops.extensions.package_install_files(
    filepath=sys.argv[-1], repo="user_default", enable_on_install=True, overwrite=True
)
_, is_loaded = addon_utils.check("bl_ext.user_default.blockout")
os._exit(not is_loaded)  # the module of Blender 4.2 crashes while Python ends, once any class was registered
