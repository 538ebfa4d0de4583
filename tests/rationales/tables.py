"""Small tables with known content."""

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.schemas import Interactions, Items

TITLES = [
    "Quiet Harbour",
    "Iron Comet",
    "The Lantern Game",
    "Moss and Ember",
    "A Cold Orchard",
    "Salt Archive",
]


def items():
    texts = [f"{title}. A story about subject number{n}." for n, title in enumerate(TITLES)]
    frame = pl.DataFrame(
        {
            "item_id": [f"i{n}" for n in range(len(TITLES))],
            "title": TITLES,
            "brand": None,
            "categories": [["story"]] * len(TITLES),
            "price": None,
            "description": None,
            "text": texts,
            "text_hash": [text_hash(text) for text in texts],
            "has_text": True,
        }
    )
    return Items.validate(frame, cast=True)


def interactions(users=3, length=5, temporal=True):
    rows = [
        {
            "user_id": f"user-{u}",
            "position": p,
            "item_id": f"i{(u + p) % len(TITLES)}",
            "rating": 4.0,
            "timestamp": 1_000_000_000 + u * 100 + p,
            "review_title": f"seen {p} by {u}",
            "review_text": f"word{u}x{p} is why",
            "split_loo": "train" if p < length - 2 else "valid" if p == length - 2 else "test",
            "split_temporal": ("train" if p < length - 3 else "valid" if p == length - 3 else "test")
            if temporal
            else None,
        }
        for u in range(users)
        for p in range(length)
    ]
    return Interactions.validate(
        pl.DataFrame(rows, schema_overrides={"split_temporal": pl.String}), cast=True
    )
