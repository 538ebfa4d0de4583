"""Hide the chosen item's name from a hindsight rationale: it would teach copying, not reasons."""

import re
from collections import Counter
from collections.abc import Iterable

from pulse_pipeline.rationales.titles import spoken

MASK = "it"
_RUN = re.compile(r"\w+")
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
    folded = text.casefold()
    said = [secret for secret in secrets if secret.casefold() in folded]
    names = {secret.casefold() for secret in said}
    for phrase in (secret for secret in said if not secret.isalnum()):
        text = _without(text, phrase)
    return _RUN.sub(lambda run: MASK if run[0].casefold() in names else run[0], text) if said else text


def _without(text: str, phrase: str) -> str:
    """Mask a phrase where it stands between words; a pattern for each would take longer to compile."""
    lowered, phrase = text.lower(), phrase.lower()
    if len(lowered) != len(text):  # a few letters have no single small one
        return re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", MASK, text, flags=re.IGNORECASE)
    kept, end = [], 0
    at = lowered.find(phrase)
    while at >= 0:
        after = at + len(phrase)
        if not _is_inside_a_word(text, at) and not _is_inside_a_word(text, after):
            kept += [text[end:at], MASK]
            end = after
        at = lowered.find(phrase, max(after, at + 1))
    return "".join([*kept, text[end:]])


def _is_inside_a_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _is_of_a_word(text[at - 1]) and _is_of_a_word(text[at])


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"
