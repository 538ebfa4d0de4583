"""Hide the chosen item's name from a hindsight rationale: it would teach copying, not reasons."""

import re
from collections import Counter
from collections.abc import Iterable

from pulse_pipeline.rationales.titles import spoken

MASK = "it"
_WORD = re.compile(r"[^\W_]{3,}")


def words(text: str) -> set[str]:
    """Lower-case words of three letters or more."""
    return {word.lower() for word in _WORD.findall(text)}


class TitleMask:
    """Masks a title, as written and as spoken, and its distinctive words, one and many.

    A word is distinctive if at most one title in fifty holds it (and at most two in a small
    catalogue): "Zelda" gives an item away, "game" does not. A title of two letters is a word of
    everyday language and stays.
    """

    def __init__(self, titles: Iterable[str]) -> None:
        """Count words over the titles of a catalogue."""
        self._frequency: Counter[str] = Counter()
        count = 0
        for title in titles:
            self._frequency.update(words(title))
            count += 1
        self._rare = max(2, count // 50)

    def secrets(self, title: str) -> list[str]:
        """What must not be read: the whole title and its distinctive words, longest first."""
        distinctive = [word for word in words(title) if self._frequency[word] <= self._rare]
        whole = [name.strip().lower() for name in (title, *spoken(title)) if len(name.strip()) >= 3]
        secrets = {*whole, *distinctive, *map(_other_number, distinctive)}
        return sorted(secrets, key=lambda secret: (-len(secret), secret))


def _other_number(word: str) -> str:
    """From one to many, or from many to one."""
    return word[:-1] if word.endswith("s") and len(word) > 4 else f"{word}s"


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in `text` by a neutral word, whatever its case."""
    # A pattern a text is dear to compile, and few texts hold a secret.
    folded = text.casefold()
    alternatives = "|".join(re.escape(secret) for secret in secrets if secret.casefold() in folded)
    if not alternatives:
        return text
    return re.sub(rf"(?<!\w)(?:{alternatives})(?!\w)", MASK, text, flags=re.IGNORECASE)
