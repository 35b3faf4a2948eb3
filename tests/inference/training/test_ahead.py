"""Batches made ahead are those that were asked for, whatever the order."""

import threading

import pytest
from blockout.inference.training.ahead import Ahead


@pytest.mark.parametrize(
    "asked", [[(0, 1), (1, 2), (2, None)], [(0, 1), (5, 6), (6, 7), (1, None)], [(0, 1), (9, None), (1, 2), (2, None)]]
)
def test_numbers_are_those_that_were_asked_for(asked):
    ahead = Ahead(lambda number: number * 10)
    assert [ahead.take(*numbers) for numbers in asked] == [number * 10 for number, _ in asked]


def test_one_thread_makes_all_and_begins_before_it_is_asked():
    threads, begun = set(), threading.Event()

    def make(number):
        threads.add(threading.get_ident())
        if number == 1:
            begun.set()
        return number

    ahead = Ahead(make)
    ahead.take(0, 1)
    assert begun.wait(10)
    ahead.take(7)
    assert ahead.take(1) == 1
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_an_error_is_that_of_the_number_asked_for():
    def make(number):
        if number == 1:
            raise ValueError("number 1 is broken")
        return number

    ahead = Ahead(make)
    assert ahead.take(0, 1) == 0
    with pytest.raises(ValueError, match="number 1"):
        ahead.take(1, 2)
    assert ahead.take(2) == 2
