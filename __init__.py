"""Blockout: one photograph in, an editable 3D blockout out."""

__version__ = "0.1.0"
