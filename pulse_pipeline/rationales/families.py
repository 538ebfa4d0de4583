"""What differs between families of models: the prompt that won for it, and the room it is worth.

Chosen by measurement (docs/prompts.md). A model of no family here takes the defaults of `spec`.
"""

from dataclasses import dataclass
from pathlib import PurePath

_YOU = """\
You chose these things, newest first:
{history}

Tell yourself what you look for and why. Begin with "You look for", then name the things and their \
qualities. Write one sentence, as JSON with the key "rationale"."""


@dataclass(frozen=True)
class Family:
    """Defaults of a family of models.

    Attributes:
        foresight: The foresight prompt.
        max_tokens: Room for an answer in tokens.
        max_characters: And in characters.
    """

    foresight: str
    max_tokens: int
    max_characters: int


FAMILIES = {"qwen": Family(foresight=_YOU, max_tokens=112, max_characters=280)}
"""By what the last part of the model's name begins with."""


def family_of(model: str) -> Family | None:
    """The family of a hub id or a local folder; None where nothing was measured for it."""
    name = PurePath(model).name.lower()
    return next((family for begins, family in FAMILIES.items() if name.startswith(begins)), None)
