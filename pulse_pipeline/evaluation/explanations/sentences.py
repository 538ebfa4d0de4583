"""A text without one of its sentences."""

import re
from itertools import pairwise

_END = re.compile(r"(?<=[.!?])[\"'\u2019\u201d)]*\s+")


def without_each(text: str) -> list[str]:
    """The text without its first sentence, without its second, and so on; none where it has but one."""
    whole = text.strip()
    ends = [0, *(match.end() for match in _END.finditer(whole)), len(whole)]
    sentences = [whole[start:end] for start, end in pairwise(ends)]
    if len(sentences) < 2:
        return []
    return ["".join(sentences[:out] + sentences[out + 1 :]).strip() for out in range(len(sentences))]
