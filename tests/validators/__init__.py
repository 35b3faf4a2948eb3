"""Independent readers and checkers of USD stages, and what they have to agree on with the scene that was written."""

from __future__ import annotations

from .blender import check_in_blender
from .checkers import check_by_rules, check_in_omniverse
from .threejs import check_in_threejs
from .written import Absent, WrittenStage

VALIDATORS = (check_by_rules, check_in_omniverse, check_in_threejs, check_in_blender)

__all__ = ["VALIDATORS", "Absent", "WrittenStage", "assert_valid_stages"]


def assert_valid_stages(*stages: WrittenStage) -> list[str]:
    """Assert that every validator that is installed accepts stages and finds their scenes in them.

    Returns:
        For each validator that is absent, how to install it; a test that relied on it skips with that reason.
    """
    absent = []
    for check in VALIDATORS:
        try:
            check(stages)
        except Absent as reason:
            absent.append(str(reason))
    return absent
