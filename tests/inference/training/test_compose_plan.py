import pytest
from blockout.inference.training.compose_plan import Recipe, draw, plan, shuffle
from hypothesis import given
from hypothesis import strategies as st

PICTURES = tuple("abc")


@given(st.integers(1, 3000), st.integers(0, 2**63 - 1))
def test_shuffling_is_a_permutation(count: int, seed: int) -> None:
    assert sorted(shuffle(number, count, seed) for number in range(count)) == list(range(count))


def test_shuffling_moves_almost_everything_and_depends_on_the_seed() -> None:
    orders = [[shuffle(number, 1000, seed) for number in range(1000)] for seed in (0, 1)]
    assert orders[0] != orders[1]
    assert all(sum(place == number for place, number in enumerate(order)) < 10 for order in orders)


def test_draws_are_uniform_and_never_repeat() -> None:
    values = [value for index in range(3000) for value in draw(7, index, 3)]
    assert len(set(values)) == len(values)
    assert 0 <= min(values) < 0.001 < 0.999 < max(values) < 1
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("layout", ["shards", "tree", "flat"])
def test_each_combination_occurs_once(layout: str) -> None:
    recipe = Recipe(PICTURES, PICTURES[:2], layout=layout, placements=4)
    samples = [plan(recipe, number) for number in range(recipe.samples)]
    found = {(sample.background, sample.foreground, sample.variant, sample.mirrored) for sample in samples}
    assert len(found) == recipe.samples == 2 * 3 * 4 * 2
    assert all(mirrored == (variant > 4) for _, _, variant, mirrored in found)


def test_a_selection_is_the_beginning_of_all_in_shards() -> None:
    whole, part = Recipe(PICTURES, PICTURES), Recipe(PICTURES, PICTURES, count=10)
    assert (part.samples, part.chunks) == (10, 1)
    assert [plan(part, number) for number in range(10)] == [plan(whole, number) for number in range(10)]


def test_the_published_size_is_reached() -> None:
    assert Recipe(("f",) * 100, ("b",) * 100).samples == 400_000
