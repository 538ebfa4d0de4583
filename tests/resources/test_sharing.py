"""What overlapping sessions share."""

import pytest

from resources.engines.sharing import shared


class _Heavy:
    closed = False

    def close(self):
        self.closed = True


def test_who_overlaps_gets_the_same_and_the_last_one_closes_it():
    with shared("a", _Heavy) as first:
        with shared("a", _Heavy) as second, shared("b", _Heavy) as other:
            assert second is first
            assert other is not first
        assert other.closed
        assert not first.closed
    assert first.closed
    with shared("a", _Heavy) as later:
        assert later is not first


def test_a_holder_that_fails_lets_go():
    with pytest.raises(KeyError), shared("a", _Heavy) as held:
        raise KeyError
    assert held.closed
