"""Fixtures that several rooms' tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of material that is not part of the project, or skip."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: it holds photographs and checks that are not part of the project")
    return SHARED
