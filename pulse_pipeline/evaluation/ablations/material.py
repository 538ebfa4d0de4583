"""What ablations of a domain are made from: its data, and the same with one thing made false."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.rationales.spec import Kind
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.data import DomainData, FloatArray, Protocol, RationaleVectors
from pulse_pipeline.thought_space.geometry import has_text
from pulse_pipeline.thought_space.scoring import shuffled

Encode = Callable[[list[str]], FloatArray]
"""Vectors of texts, zero rows for empty ones [len(texts), d]."""

KINDS = ("serving", "training", "hindsight")
OF_A_RATIONALE = ("user_id", "kind", "target_position")


@dataclass(frozen=True)
class Tables:
    """A domain's tables.

    Attributes:
        interactions: The `interactions` table.
        items: The `items` table.
        item_embeddings: The `item_embeddings` table.
        rationales: The `rationales` table.
        rationale_embeddings: The `rationale_embeddings` table.
        item_rationales: The `item_rationales` table; None where it was not made.
        refined_rationales: The `refined_rationales` table; None where it was not made.
        published_rationales: The `published_rationales` table; None where it was not made.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    item_embeddings: pl.DataFrame
    rationales: pl.DataFrame
    rationale_embeddings: pl.DataFrame
    item_rationales: pl.DataFrame | None = None
    refined_rationales: pl.DataFrame | None = None
    published_rationales: pl.DataFrame | None = None

    def read_by(self, encode: Encode) -> "Tables":
        """The same texts with another encoder's vectors."""
        items = self.item_embeddings.join(
            self.items.select("item_id", "text"), on="item_id", how="left", maintain_order="left"
        )
        embeddings = items.select("item_id", vector=_vectors(items["text"].fill_null("").to_list(), encode))
        if self.item_rationales is not None and "thought" in items.columns:
            told = items.drop_nulls("thought").join(
                self.item_rationales.filter("valid").select("item_id", "rationale"), on="item_id"
            )
            thoughts = told.select("item_id", thought=_vectors(told["rationale"].to_list(), encode))
            embeddings = embeddings.join(thoughts, on="item_id", how="left", maintain_order="left")
        written = self.rationale_embeddings.join(
            self.rationales.filter("valid").select(*OF_A_RATIONALE, "rationale"), on=OF_A_RATIONALE
        )
        vectors = written.select(*OF_A_RATIONALE, vector=_vectors(written["rationale"].to_list(), encode))
        return replace(self, item_embeddings=embeddings, rationale_embeddings=vectors)


class Material:
    """One domain under one protocol, and its controls.

    Attributes:
        data: The domain as the pipeline trains on it.
        texts: The text of each item, in the order of the catalogue.
        baselines: Settings of the baselines among the controls.
    """

    def __init__(
        self,
        domain: str,
        protocol: Protocol,
        tables: Tables,
        encode: Encode,
        *,
        another: Encode | None = None,
        baselines: BaselineSettings | None = None,
        seed: int = 0,
    ) -> None:
        """Assemble the domain.

        Args:
            domain: Its name.
            protocol: Whose split.
            tables: Its tables.
            encode: The encoder that the tables' vectors come from.
            another: Another encoder, to read the same texts with.
            baselines: Settings of the baselines among the controls; defaults without.
            seed: Seed of what is shuffled and drawn.
        """
        self._tables, self._encode, self._another, self._seed = tables, encode, another, seed
        self.baselines = baselines or BaselineSettings()
        self.data = self._assembled(domain, protocol, tables.rationale_embeddings)
        items = tables.items.select("item_id", "text", title=pl.col("title").fill_null(""))
        items = tables.item_embeddings.select("item_id").join(
            items, on="item_id", how="left", maintain_order="left"
        )
        self.texts: list[str] = items["text"].fill_null("").to_list()
        self._titles: list[str] = items["title"].fill_null("").to_list()

    @property
    def has_rationales(self) -> bool:
        """Whether any user's rationale is used in training or at serving."""
        written = self.data.rationales
        return written is not None and any(has_text(getattr(written, kind)).any() for kind in KINDS)

    @property
    def has_words(self) -> bool:
        """Whether any item has a text."""
        return any(self.texts)

    @property
    def has_titles(self) -> bool:
        """Whether titles are there and are not all that the texts hold."""
        return any(self._titles) and self._titles != self.texts

    @property
    def has_refined(self) -> bool:
        """Whether refined rationales were made, and there is foresight that they can take the place of."""
        return self._tables.refined_rationales is not None and self.has_rationales

    @property
    def has_published(self) -> bool:
        """Whether thoughts about training items were refined, and there is hindsight to take the place of."""
        return self._tables.published_rationales is not None and self.has_rationales

    @property
    def has_another_encoder(self) -> bool:
        """Whether there is another encoder to read the texts with."""
        return self._another is not None

    def without_rationales(self) -> DomainData:
        """Nothing was written about users."""
        return replace(self.data, rationales=None)

    def shuffled_rationales(self) -> DomainData:
        """Every user has others' rationales: foresight and hindsight need not be the same person's."""
        own = self._rationales
        serving, training, hindsight = (shuffled(getattr(own, kind), self._seed) for kind in KINDS)
        mixed = RationaleVectors(serving, training, hindsight, own.spoken)
        return replace(self.data, rationales=mixed)

    def random_rationales(self) -> DomainData:
        """Random words of the catalogue in place of each rationale, as many as it has."""
        written = self._tables.rationales.filter("valid")
        lengths = written["rationale"].str.split(" ").list.len().to_list()
        return replace(self.data, rationales=self._embedded(written, self._random_words(lengths)))

    def foresight_as_hindsight(self) -> DomainData:
        """Supervision by what was written without the chosen item in sight."""
        known = self._rationales
        return replace(self.data, rationales=replace(known, hindsight=known.training))

    def refined_as_foresight(self) -> DomainData:
        """Refined rationales serve where there are any."""
        own = self._rationales
        refined = self._as(self._tables.refined_rationales, "foresight").serving
        serving = np.where(has_text(refined)[:, None], refined, own.serving)
        return replace(self.data, rationales=replace(own, serving=serving))

    def refined_as_hindsight(self) -> DomainData:
        """Supervision by thoughts refined against the chosen training item, where there are any."""
        own = self._rationales
        refined = self._as(self._tables.published_rationales, "hindsight").hindsight
        hindsight = np.where(has_text(refined)[:, None], refined, own.hindsight)
        return replace(self.data, rationales=replace(own, hindsight=hindsight))

    def titles_only(self) -> DomainData:
        """Items are described by their titles alone."""
        return replace(self.data, item_vectors=self._encode(self._titles))

    def without_thoughts(self) -> DomainData:
        """Nothing was written about items."""
        return replace(self.data, item_thoughts=None)

    def shuffled_thoughts(self) -> DomainData:
        """Every item has what was thought of another."""
        assert self.data.item_thoughts is not None
        return replace(self.data, item_thoughts=shuffled(self.data.item_thoughts, self._seed))

    def random_thoughts(self) -> DomainData:
        """Random words of the catalogue in place of each thought, as many as it has."""
        assert self.data.item_thoughts is not None and self._tables.item_rationales is not None
        written = self._tables.item_rationales.filter("valid")
        lengths = dict(zip(written["item_id"], written["rationale"].str.split(" ").list.len(), strict=True))
        present = has_text(self.data.item_thoughts)
        owners = [item for item, there in zip(self.data.item_ids, present, strict=True) if there]
        thoughts = self.data.item_thoughts.copy()
        thoughts[present] = self._encode(self._random_words([lengths.get(item, 1) for item in owners]))
        return replace(self.data, item_thoughts=thoughts)

    def texts_as_thoughts(self) -> DomainData:
        """Every item has its text as its thought: the width of two views, and nothing new in the second."""
        return replace(self.data, item_thoughts=self.data.item_vectors)

    def read_by_another(self) -> DomainData:
        """Texts, thoughts and rationales are read by another encoder."""
        assert self._another is not None
        tables = self._tables.read_by(self._another)
        return Material(self.data.domain, self.data.protocol, tables, self._another).data

    def without_ratings(self) -> DomainData:
        """Nothing was rated low."""
        return replace(self.data, disliked=None)

    @property
    def _rationales(self) -> RationaleVectors:
        assert self.data.rationales is not None
        return self.data.rationales

    def _as(self, table: pl.DataFrame | None, kind: Kind) -> RationaleVectors:
        """What was refined, as rationales of another kind."""
        assert table is not None
        refined = table.filter("valid").with_columns(kind=pl.lit(kind))
        return self._embedded(refined, refined["rationale"].to_list())

    def _embedded(self, written: pl.DataFrame, texts: list[str]) -> RationaleVectors:
        table = written.select(*OF_A_RATIONALE, vector=_vectors(texts, self._encode))
        found = self._assembled(self.data.domain, self.data.protocol, table).rationales
        assert found is not None
        return found

    def _assembled(self, domain: str, protocol: Protocol, rationales: pl.DataFrame) -> DomainData:
        return assemble(domain, protocol, self._tables.interactions, self._tables.item_embeddings, rationales)

    def _random_words(self, lengths: list[int]) -> list[str]:
        words = np.array(" ".join(self.texts).split())
        drawn = np.random.default_rng(self._seed).choice(words, sum(lengths))
        return [" ".join(piece) for piece in np.split(drawn, np.cumsum(lengths)[:-1])]


def _vectors(texts: list[str], encode: Encode) -> pl.Series:
    """Vectors of texts as a column of a table."""
    vectors = encode(texts)
    return pl.Series(vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))
