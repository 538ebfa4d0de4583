"""What the length limit cut inside a sentence ends where the last whole one does."""

import re

KEPT = 0.5
"""Share of a text that has to stay: what ends earlier is an abbreviation, or hardly a reason."""

_CLOSING = r"[\"')\]\u00bb\u2019\u201d]*"
_WHOLE = re.compile(rf"[.!?\u2026\u0964\u3002\uff01\uff1f]{_CLOSING}$")
# "Dr. Smith" and "Trusted Media Brands, Inc. Magazine" go on; so does "1.5 ounces", or "1/4 in. male".
_ABBREVIATED = r"(?<!\b[A-Z])(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z]{2})"
_END = re.compile(
    rf"(?:{_ABBREVIATED}\.|[!?\u0964]){_CLOSING}(?=\s+[^\sa-z\d])|[\u3002\uff01\uff1f]{_CLOSING}"
)


def whole_sentences(text: str) -> str:
    """A text up to the end of its last whole sentence.

    A language model that may write no more than so many characters stops inside a sentence as often as not,
    and where it meant to quote: a quotation mark ends the JSON string.

    Returns:
        The text as it is where it ends with a sentence, or too little of it would stay.
    """
    if not text or _WHOLE.search(text):
        return text
    ends = [end.end() for end in _END.finditer(text) if _balanced(text[: end.end()])]
    return text[: ends[-1]] if ends and ends[-1] >= KEPT * len(text) else text


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")
