"""The names of the estimators that need nothing but the package, for interfaces that offer them."""

from __future__ import annotations

from .inference.registry import DEPTH_ESTIMATORS, SEGMENT_ESTIMATORS

DEPTH_NAMES = tuple(DEPTH_ESTIMATORS)
SEGMENT_NAMES = tuple(SEGMENT_ESTIMATORS)
