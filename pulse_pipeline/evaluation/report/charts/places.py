"""Places for the labels of points, so that no two cover each other or a point."""

from collections.abc import Sequence
from dataclasses import dataclass

LETTER = 0.6  # width of a letter, in heights
GAP = 7.0  # pixels between a point and its label


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, x to the right and y down."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    def outside(self, frame: "Box") -> float:
        """The area that lies outside of a frame."""
        return (self.right - self.left) * (self.bottom - self.top) - self.overlap(frame)


def place(
    points: Sequence[tuple[float, float]], labels: Sequence[str], size: float, width: float, height: float
) -> list[tuple[float, float] | None]:
    """Find a place for each label near its point, the first label first.

    Args:
        points: All points in pixels; those beyond the labels have none.
        labels: Labels of the first points.
        size: Height of the letters.
        width: Width of the plot; labels stay inside.
        height: Height of the plot.

    Returns:
        The left end and the middle of each label; None where there is no room for it.
    """
    frame = Box(0, 0, width, height)
    taken = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in points]
    places: list[tuple[float, float] | None] = []
    for (x, y), label in zip(points, labels, strict=False):
        length = LETTER * size * len(label)
        boxes = [_box(left, middle, length, size) for left, middle in _near(x, y, length, size)]
        # The label is a body to later ones, its own point is no hindrance to it.
        costs = [sum(box.overlap(other) for other in taken) + 10 * box.outside(frame) for box in boxes]
        best = min(range(len(boxes)), key=costs.__getitem__)
        if costs[best] > 0.15 * length * size:
            places.append(None)
            continue
        taken.append(boxes[best])
        places.append((boxes[best].left, (boxes[best].top + boxes[best].bottom) / 2))
    return places


def _near(x: float, y: float, length: float, size: float) -> list[tuple[float, float]]:
    """Candidates: right, left, above, below, then the same farther up and down."""
    right, left, middle = x + GAP, x - GAP - length, x - length / 2
    steps = [0.0, -0.9 * size, 0.9 * size]
    beside = [(end, y + step) for step in steps for end in (right, left)]
    return [*beside, (middle, y - GAP - size / 2), (middle, y + GAP + size / 2)]


def _box(left: float, middle: float, length: float, size: float) -> Box:
    return Box(left, middle - size / 2, left + length, middle + size / 2)
