import numpy as np
from blockout.inference.instances import group_instances

SKY, GROUND, STRUCTURE, OBJECT = range(4)


def maps(size: tuple[int, int] = (60, 80)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kind = np.full(size, GROUND)
    kind[:20] = SKY
    return kind, np.zeros(size, np.float32), np.zeros((2, *size), np.float32)


def vote(votes: np.ndarray, window: tuple[slice, slice]) -> None:
    """Let all pixels of a window vote for its middle."""
    height, width = votes.shape[1:]
    unit = np.sqrt(height * width) / 4
    y, x = np.mgrid[:height, :width]
    votes[0][window] = (x[window].mean() - x[window]) / unit
    votes[1][window] = (y[window].mean() - y[window]) / unit


def test_things_apart_are_parted_and_sky_and_ground_are_one_each() -> None:
    kind, border, votes = maps()
    kind[:, 38:42] = GROUND
    for window in ((slice(30, 45), slice(10, 25)), (slice(30, 45), slice(50, 70))):
        kind[window] = OBJECT
        vote(votes, window)
    ids, kinds = group_instances(kind, border, votes)
    assert sorted(kinds[1:].tolist()) == [SKY, GROUND, OBJECT, OBJECT]
    assert ids[35, 15] != ids[35, 60]
    assert ids[5, 5] == ids[5, 70]


def test_votes_part_what_touches() -> None:
    kind, border, votes = maps()
    for window in ((slice(30, 45), slice(10, 30)), (slice(30, 45), slice(30, 50))):
        kind[window] = OBJECT
        vote(votes, window)
    ids, _ = group_instances(kind, border, votes)
    assert ids[35, 15] != ids[35, 45]


def test_a_border_parts_walls_and_a_faint_one_does_not() -> None:
    kind, border, votes = maps()
    kind[20:50] = STRUCTURE
    border[20:50, 39:41] = 0.9
    vote(votes, (slice(20, 50), slice(0, 40)))
    vote(votes, (slice(20, 50), slice(40, 80)))
    assert len(group_instances(kind, border, votes)[1]) == 5
    border[:] = 0
    vote(votes, (slice(20, 50), slice(0, 80)))
    assert len(group_instances(kind, border, votes)[1]) == 4


def test_specks_join_what_surrounds_them() -> None:
    kind, border, votes = maps()
    kind[40, 40] = OBJECT
    ids, kinds = group_instances(kind, border, votes)
    assert kinds[1:].tolist() == [SKY, GROUND]
    assert ids[40, 40] == ids[40, 50]


def test_structures_that_hang_in_the_sky_are_clouds() -> None:
    kind, border, votes = maps()
    kind[:40], tower = SKY, (slice(10, 45), slice(60, 80))
    for window in ((slice(5, 15), slice(10, 25)), (slice(0, 8), slice(70, 80)), tower):
        kind[window] = STRUCTURE
        vote(votes, window)
    ids, kinds = group_instances(kind, border, votes)
    assert kinds[ids[10, 15]] == SKY
    assert kinds[ids[30, 70]] == STRUCTURE
    assert sorted(kinds[1:].tolist()) == [SKY, GROUND, STRUCTURE]


def test_a_tower_that_leaves_the_picture_below_is_none() -> None:
    kind, border, votes = maps()
    kind[:], kind[20:, 30:50] = SKY, STRUCTURE
    vote(votes, (slice(20, 60), slice(30, 50)))
    ids, kinds = group_instances(kind, border, votes)
    assert kinds[ids[40, 40]] == STRUCTURE


def test_without_a_sky_nothing_hangs_in_it() -> None:
    kind, border, votes = maps()
    kind[:] = STRUCTURE
    vote(votes, (slice(0, 60), slice(0, 80)))
    assert group_instances(kind, border, votes)[1].tolist() == [0, STRUCTURE]
