"""A rationale that stops inside a sentence says so to whoever reads it."""

import re

_ENDS = ".!?\u2026\u061f\u0964\u3002\uff01\uff1f"
_CLOSING = "\"')\\]\u00bb\u2019\u201d\u300d\u300f\uff09"
_WHOLE = re.compile(f"[{_ENDS}][{_CLOSING}]*$")
_LOOSE = " ,;:-"


def as_read(text: str) -> str:
    """A text for people: one that does not end with a sentence ends with an ellipsis.

    A language model that may write no more than so many characters stops inside a sentence as often as not,
    and where it meant to quote: a quotation mark ends the JSON string. Only what is shown is marked; what is
    stored, read and embedded is what the model wrote.
    """
    said = text.rstrip(_LOOSE)
    return text if not said or _WHOLE.search(said) else f"{said}…"
