"""What users complain about in reviews, held against items: the second half of bet 5 (docs/bets.md).

No language model writes here. What a user said of known items that the user rated low is held against what
others said of each item that they rated low, or against the items' texts: the more alike, the lower the
item's score. How much that weighs is chosen on validation items; where it is nothing, the model ranks as it
would without. Figures, groups and intervals as in `benchmarks.bets`. With `--sources` the domains are ranked
zero-shot: by texts alone, as what others said there is not to be known, with the weight that is best on the
sources' validation items. A run that is killed goes on where it stopped.

    pulse run --domains Gift_Cards --select item_embeddings
    python -m benchmarks.complaints Gift_Cards --seeds 3
    python -m benchmarks.complaints Gift_Cards --sources Magazine_Subscriptions
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console

from assets.ablations import encoding
from benchmarks.bets import KEY, KNOWN, RESULTS, UNTRAINED, groups, knowing, row
from benchmarks.bets_page import write_page
from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored, stored_data
from pulse_pipeline.commands.bars import Bars
from pulse_pipeline.evaluation.ablations.material import Encode
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import Ranker, user_ranks
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.progress import listening, track
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.geometry import centred, measure, unit
from pulse_pipeline.thought_space.identity import content
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train
from resources.text_encoder import TextEncoder

VERSION = "1"
BET = "5 complaints in reviews"
WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
"""What a complaint may cost, in standard deviations of the user's scores a unit of cosine."""

OTHERS, TEXTS = "complaints, by others' complaints", "complaints, by texts"


@dataclass(frozen=True)
class Complaints:
    """What was said of what was rated low.

    Attributes:
        of_users: For each user, the unit vector of the review of each item that the user rated low.
        of_items: Unit vectors of what was said of each item by those who rated it low in training; a zero
            row where nobody did [n_items, d].
        centre: What all vectors were centred by before [d].
        fingerprint: Hash of the texts.
    """

    of_users: list[dict[int, FloatArray]]
    of_items: FloatArray
    centre: FloatArray
    fingerprint: str

    @classmethod
    def read(
        cls,
        data: DomainData,
        interactions: pl.DataFrame,
        encode: Encode,
        centre: FloatArray | None = None,
    ) -> "Complaints":
        """Encode the reviews of a domain's low ratings.

        Args:
            data: The domain.
            interactions: Its `interactions` table.
            encode: The encoder of the domain's vectors.
            centre: What vectors are centred by; the mean of those of training where it is None.
        """
        said = _low(data, interactions)
        vectors = encode(said["text"].to_list())
        trained = said["trained"].to_numpy()
        if centre is None:
            centre = (
                vectors[trained].mean(axis=0) if trained.any() else np.zeros(vectors.shape[1], np.float32)
            )
        vectors = unit(vectors - centre)
        of_users: list[dict[int, FloatArray]] = [{} for _ in data.user_ids]
        for user, item, vector in zip(said["user"], said["item"], vectors, strict=True):
            of_users[user][item] = vector
        of_items = np.zeros((data.n_items, vectors.shape[1]), dtype=np.float32)
        np.add.at(of_items, said["item"].to_numpy()[trained], vectors[trained])
        return cls(of_users, unit(of_items), centre, fingerprint(said["text"].to_list()))

    def about(self, user: int, known: IntArray) -> FloatArray:
        """What a user complained about among known items: a unit vector, zero for nothing [d]."""
        said = [self.of_users[user][item] for item in known.tolist() if item in self.of_users[user]]
        return (
            unit(np.sum(said, axis=0, keepdims=True))[0]
            if said
            else np.zeros(self.of_items.shape[1], dtype=np.float32)
        )


class Complaining:
    """A ranker that holds what users complained about against items."""

    def __init__(self, ranker: Ranker, complaints: Complaints, items: FloatArray, weight: float) -> None:
        """Wrap a ranker.

        Args:
            ranker: Whose scores are changed.
            complaints: What was said.
            items: What it is held against: a unit vector of each item, zero rows cost nothing [n_items, d].
            weight: One of `WEIGHTS`.
        """
        self.name = ranker.name
        self._ranker, self._complaints, self._items, self._weight = ranker, complaints, items, weight

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """The ranker's scores, less what complaints cost [len(users), n_items]."""
        scores = self._ranker.score(data, users, phase)
        about = np.stack([self._complaints.about(user, data.history(user, phase)) for user in users.tolist()])
        alike = np.maximum(about @ self._items.T, 0)
        lowered: FloatArray = scores - self._weight * scores.std(axis=1, keepdims=True) * alike
        return lowered


@dataclass(frozen=True)
class Domain:
    """A domain without what was written about it, and what its users complained about."""

    data: DomainData
    complaints: Complaints

    def against(self, what: str) -> FloatArray:
        """The items' side: what others complained about, or texts [n_items, d]."""
        if what == OTHERS:
            return self.complaints.of_items
        texts = self.data.item_vectors
        return centred(texts, measure(texts).centre)

    def gains(self, ranker: Ranker, what: str, weight: float, phase: Phase, known: int = 0) -> Any:
        """NDCG@10 of each user of `phase`, of whom so many items are known, 0 for all."""
        reader = Complaining(ranker, self.complaints, self.against(what), weight) if weight else ranker
        return METRICS["NDCG"](user_ranks(reader, knowing(self.data, known), phase).ranks, 10).astype(
            np.float64
        )

    def who_complained(self, known: int = 0) -> NDArray[np.bool_]:
        """Which test users complained about something that is known of them."""
        view = knowing(self.data, known)
        users = view.evaluated_users("test").tolist()
        return np.array([self.complaints.about(user, view.history(user, "test")).any() for user in users])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="+", help="domains of the home, with reviews")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of the model")
    parser.add_argument("--sources", nargs="+", help="other domains, to choose the weight on: zero-shot")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="figures, as JSON; renewed by what they say"
    )
    arguments = parser.parse_args()
    if set(arguments.sources or ()) & set(arguments.domains):
        parser.error("what is ranked zero-shot is no source")
    config = load_settings().thought_space
    kept = Home.from_environment().cache / "bets"
    with Bars(Console(stderr=True)) as bars, listening(bars):
        sources = [_domain(name) for name in arguments.sources or ()]
        for name in arguments.domains:
            if sources:
                rows = list(abroad(partial(_domain, name), sources, config))
            else:
                rows = list(at_home(_domain(name), config, range(arguments.seeds), kept / name))
            renew(arguments.out, rows, same(rows, *KEY))
            write_page(arguments.out)


def at_home(domain: Domain, config: ThoughtSpaceConfig, seeds: range, kept: Path) -> Iterator[dict[str, Any]]:
    """What complaints add to text-kNN and to the trained model of the same domain."""
    for reader, changes, repeats in (("untrained", UNTRAINED, range(1)), ("trained", {}, seeds)):
        ranked = []
        with track(f"complaints {domain.data.domain}, {reader}", len(repeats), "trainings") as progress:
            for seed in repeats:
                ranked.append(_ranked(domain, config.model_copy(update={**changes, "seed": seed}), kept))
                progress.advance()
        gains = {name: np.array([one[name].to_numpy() for one in ranked]) for name in ranked[0].columns}
        for group, known, members in groups(domain.data):
            without = gains[_column("without", known)][:, members]
            for what in (OTHERS, TEXTS):
                own = gains[_column(what, known)][:, members]
                told = {"reader": reader, "sources": None, "users": group}
                yield (
                    row(domain.data, own, without)
                    | told
                    | _about(what, domain.who_complained(known)[members])
                )


def abroad(
    load: Callable[[FloatArray], Domain], sources: list[Domain], config: ThoughtSpaceConfig
) -> Iterator[dict[str, Any]]:
    """What complaints add, by items' texts, in a domain that nothing was fitted on.

    Args:
        load: The domain, given what its complaints are centred by.
        sources: The domains that readers and the weight are fitted on.
        config: The settings of the reader.
    """
    # What others said in the target is not to be known, in the mean either.
    target = load(np.mean([source.complaints.centre for source in sources], axis=0))
    mix = "+".join(source.data.domain for source in sources)
    fitted = config.model_copy(update=UNTRAINED)
    ranker = ThoughtSpaceRanker(train(mix, [source.data for source in sources], fitted).model)
    weight = _best(ranker, sources, TEXTS)
    own, without = (target.gains(ranker, TEXTS, one, "test") for one in (weight, 0.0))
    told = {"reader": "zero-shot", "sources": mix, "users": "all"}
    yield row(target.data, own, without) | told | _about(TEXTS, target.who_complained())


def _about(what: str, who: NDArray[np.bool_]) -> dict[str, Any]:
    return {"writer": "", "bet": BET, "minus": what, "users_who_complained": int(who.sum())}


def _ranked(domain: Domain, config: ThoughtSpaceConfig, kept: Path) -> pl.DataFrame:
    """NDCG@10 of every test user of one training, a column for each way to read; read where it was kept."""
    made_from = [VERSION, content(domain.data), domain.complaints.fingerprint, config.fingerprint()]
    path = kept / f"{fingerprint(made_from)}.parquet"
    if not path.exists():
        state = path.with_suffix(".safetensors")
        ranker = ThoughtSpaceRanker(train(domain.data.domain, [domain.data], config, state=state).model)
        weights = {"without": 0.0, **{what: _best(ranker, [domain], what) for what in (OTHERS, TEXTS)}}
        columns = {
            _column(what, known): domain.gains(ranker, what, weight, "test", known)
            for what, weight in weights.items()
            for known in KNOWN
        }
        with replacing(path) as aside:
            pl.DataFrame(columns).write_parquet(aside)
        state.unlink(missing_ok=True)
    return pl.read_parquet(path, glob=False)


def _best(ranker: Ranker, domains: list[Domain], what: str) -> float:
    """The weight that is best on validation items, the least of equals; domains count alike."""
    means = [
        np.mean([domain.gains(ranker, what, weight, "valid").mean() for domain in domains])
        for weight in WEIGHTS
    ]
    return WEIGHTS[int(np.argmax(means))]


def _column(what: str, known: int) -> str:
    return f"{what}, {known}"


def _low(data: DomainData, interactions: pl.DataFrame) -> pl.DataFrame:
    """User, item, text and whether it is training, of each review of an item that its user rated low."""
    known = [
        (user, item, place < n_train)
        for user, (sequence, n_train) in enumerate(zip(data.sequences, data.n_train.tolist(), strict=True))
        for place, (item, low) in enumerate(
            zip(sequence.tolist(), data.dislikes(user, sequence).tolist(), strict=True)
        )
        if low
    ]
    places = pl.DataFrame(known, {"user": pl.Int64, "item": pl.Int64, "trained": pl.Boolean}, orient="row")
    names = places.with_columns(
        user_id=pl.Series(data.user_ids, dtype=pl.String).gather(places["user"]),
        item_id=pl.Series(data.item_ids, dtype=pl.String).gather(places["item"]),
    )
    text = pl.concat_str("review_title", "review_text", separator=". ", ignore_nulls=True)
    texts = interactions.select("user_id", "item_id", text=text)
    return names.join(texts, on=["user_id", "item_id"]).filter(pl.col("text").str.strip_chars() != "")


def _domain(name: str, centre: FloatArray | None = None) -> Domain:
    """A domain of the home without what a language model wrote."""
    data = replace(stored_data(name), item_thoughts=None)
    encode = encoding(Home.from_environment(), load_settings().encoder, TextEncoder())
    found = Domain(data, Complaints.read(data, stored("interactions", name), encode, centre))
    if not any(found.complaints.of_users):
        raise SystemExit(f"error: nobody complains in {name}: it has no low ratings with a review")
    return found


if __name__ == "__main__":
    main()
