"""Answers as the checks see them."""

import polars as pl

from pulse_pipeline.rationales.checks.words import as_words

SENSIBLE = [
    "They look for quiet stories with patient, honest characters.",
    "This person chose it because it is durable, easy to use and good value for money.",
    "The person looks for a magazine that provides a wide range of content, including food and travel.",
    "I cannot recommend this gift card enough: it arrived quickly and my mother loved it.",
    "Panda Express Gift Card is a great value, and I'll buy a higher price card to save money.",
    "They care about smooth ink that does not smear, and about pens that feel good in the hand.",
    "I'm sorry I did not buy it sooner, as it works great and my kids love it.",
    "Great expectations and true love of craft: they want tools that last for years.",
    "Their reviews praise soft colours, fine tips and fast delivery; a cheap look puts them off.",
    "He wants gifts that arrive on time and can be used at many restaurants.",
]


def parsed(rationales, evidence='- "Iron Comet", rated 4', secrets=()):
    texts = [rationales] if isinstance(rationales, str) else rationales
    frame = pl.DataFrame({"rationale": texts})
    return frame.with_columns(
        words=as_words(pl.col("rationale")),
        evidence=pl.lit(evidence),
        secrets=pl.lit(list(secrets), pl.List(pl.String)),
    )


def rejected(check, rationale, **request):
    return check.rejects(parsed(rationale, **request)).to_list() == [True]
