"""The Thought Space before and after training, as vectors to draw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.report import tastes
from pulse_pipeline.evaluation.report.inputs import ThoughtMap
from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import Trained, untrained


@dataclass(frozen=True)
class _Points:
    """Users' thoughts and items of all domains in one model's space."""

    thoughts: FloatArray
    items: FloatArray


def thought_map(
    trained: Trained, arrays: Mapping[str, DomainData], items: Mapping[str, pl.DataFrame]
) -> ThoughtMap:
    """Put users and items of all domains into the space before and after training.

    Args:
        trained: The model; what it was before any gradient is made again from its settings.
        arrays: The domains.
        items: Their `items` tables.
    """
    domains = list(arrays.values())
    after = _points(trained.model, domains)
    before = _points(untrained(domains, trained.config, trained.model.views), domains)
    labels = pl.concat([_labels(domains, "thought"), _labels(domains, "item")])
    texts = [text for data in domains for text in _texts(data, items[data.domain])]
    groups = tastes.tastes(after.thoughts, after.items, texts)
    if groups is not None:
        named = tastes.names(groups[len(after.thoughts) :], texts)
        # A group that no item lies nearest to has no words.
        taste = [named.get(int(group), "all sorts") for group in groups]
        labels = labels.with_columns(taste=pl.Series(taste, dtype=pl.String))
    return ThoughtMap(
        trained=np.concatenate([after.thoughts, after.items]),
        untrained=np.concatenate([before.thoughts, before.items]),
        labels=labels,
    )


def _points(model: ThoughtSpace, domains: list[DomainData]) -> _Points:
    ranker = ThoughtSpaceRanker(model)
    thoughts = [ranker.thoughts(data, data.evaluated_users("test"), "test") for data in domains]
    return _Points(np.concatenate(thoughts), np.concatenate([ranker.item_matrix(data) for data in domains]))


def _labels(domains: list[DomainData], kind: str) -> pl.DataFrame:
    sizes = [data.n_items if kind == "item" else len(data.evaluated_users("test")) for data in domains]
    names = [data.domain for data, size in zip(domains, sizes, strict=True) for _ in range(size)]
    return pl.DataFrame({"domain": names}, schema={"domain": pl.String}).with_columns(kind=pl.lit(kind))


def _texts(data: DomainData, items: pl.DataFrame) -> list[str]:
    said = pl.concat_str(
        pl.col("title").fill_null(""), pl.col("categories").list.join(" "), separator=" ", ignore_nulls=True
    )
    by_id = dict(items.select("item_id", said).iter_rows())
    return [by_id[item] for item in data.item_ids]
