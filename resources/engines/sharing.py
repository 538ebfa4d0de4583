"""Things too heavy to have twice: whoever asks while somebody holds one gets the same."""

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar


class _Closes(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closes)

_held: dict[Hashable, Any] = {}
_holders: dict[Hashable, int] = {}


@contextmanager
def shared(key: Hashable, make: Callable[[], T]) -> Generator[T]:
    """Hold what this process has under `key`; it is closed when its last holder leaves.

    Args:
        key: Names it; holders of one key must agree on its type.
        make: Makes it where nobody holds one.
    """
    if key not in _held:
        _held[key] = make()
    _holders[key] = _holders.get(key, 0) + 1
    try:
        yield _held[key]
    finally:
        _holders[key] -= 1
        if not _holders[key]:
            del _holders[key]
            _held.pop(key).close()
