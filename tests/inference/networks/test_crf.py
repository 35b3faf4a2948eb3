import numpy as np
import pytest

pytest.importorskip("pydensecrf", reason="pydensecrf is not installed: pip install 'blockout[crf]'")

from blockout.inference.networks.crf import follow_colours


def test_borders_move_to_where_the_colours_change_and_islands_go() -> None:
    picture = np.full((40, 60, 3), (30, 60, 200), np.uint8)
    picture[:, 25:] = (190, 180, 60)
    left = np.full((40, 60), 0.2, np.float32)
    left[:, :31] = 0.8  # the network's border lies six pixels off
    left[10:13, 8:11] = 0.4
    refined = follow_colours(np.stack([left, 1 - left]), picture)
    assert refined.shape == (2, 40, 60) and refined.dtype == np.float32
    np.testing.assert_allclose(refined.sum(axis=0), 1, atol=1e-4)
    assert (refined.argmax(axis=0) == (np.arange(60) >= 25)).mean() > 0.99
