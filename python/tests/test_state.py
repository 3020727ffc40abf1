"""What a step starts from is kept and put back to the last bit."""

import random

import numpy
import torch
from stetho import generators
from stetho.state import RandomStates


def _drawn() -> tuple:
    normal = torch.randn(3), torch.rand(700), torch.randn(1, dtype=torch.float64), torch.randint(9, (2,))
    return *(t.tolist() for t in normal), random.random(), random.gauss(0, 1), numpy.random.rand(), numpy.random.randn()


def test_random_states_go_back_wherever_they_are():
    states = RandomStates(torch)
    for seed in range(5):
        torch.manual_seed(seed)
        torch.randn(seed)  # where their number is odd, one is kept for the next call
        random.gauss(0, 1)
        states.take()
        assert states.is_now()
        first = _drawn()
        assert not states.is_now()
        states.restore()
        assert _drawn() == first
        _drawn()
        states.restore()
        assert states.is_now() and _drawn() == first


def test_asking_whether_anything_was_drawn_changes_nothing():
    states = RandomStates(torch)
    states.take()
    torch.rand(1), random.random(), numpy.random.rand()
    now = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].tolist()
    assert not states.is_now()
    assert torch.equal(torch.get_rng_state(), now[0]) and random.getstate() == now[1]
    assert numpy.random.get_state()[1].tolist() == now[2]


def test_what_a_bundle_keeps_is_the_start_of_the_step():
    states = RandomStates(torch)
    states.take()
    first = _drawn()
    saved = states.saved()
    assert _drawn() != first
    RandomStates(torch).put(saved)
    assert _drawn() == first


def test_generators_lie_where_they_are_looked_for():
    assert generators.of_torch(torch) is not None
    assert generators.of_python() is not None and generators.of_numpy() is not None


def test_without_a_known_place_the_state_is_asked_for(monkeypatch):
    monkeypatch.setattr(generators, "of_torch", lambda torch: None)
    monkeypatch.setattr(generators, "of_python", lambda: None)
    test_random_states_go_back_wherever_they_are()
