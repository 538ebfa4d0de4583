"""The source of the Ray engine's stream: what it has sent on must not get lost in silence."""

from collections import deque

import pytest

from resources.engines.ray_data import _OPEN, _arriving

ray_queue = pytest.importorskip(
    "ray.util.queue", reason="Ray is not installed: pip install 'pulse-pipeline[distributed]'"
)


class Queue:
    """As Ray's, as far as the source uses it; whoever would wait in it fails."""

    def __init__(self, *items):
        self.items, self.looks = deque(items), 0

    def get(self, block=True):
        assert not block
        self.looks += 1
        if not self.items:
            if self.looks > 3:  # something comes at last
                return b"late"
            raise ray_queue.Empty
        return self.items.popleft()


def test_what_is_put_in_comes_out_in_order():
    arriving = _arriving({}, Queue(_OPEN, b"one", b"two"))
    assert [next(arriving)["work"] for _ in range(2)] == [b"one", b"two"]


def test_it_waits_for_more_without_waiting_in_the_queue():
    assert next(_arriving({}, Queue(_OPEN)))["work"] == b"late"


@pytest.mark.parametrize("left", [(), (b"one",)], ids=["nothing", "a block"])
def test_a_second_start_says_so_at_once_whatever_is_left(left):
    with pytest.raises(RuntimeError, match="run again to go on"):
        next(_arriving({}, Queue(*left)))
