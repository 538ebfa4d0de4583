"""What there is to write in a domain, as the assets do it and as the plan counts it."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pulse_pipeline.rationales.arrivals import arrivals
from pulse_pipeline.rationales.bridging_prompts import BridgingPrompts
from pulse_pipeline.rationales.cuts import cut_points, drawn_users, training_lengths
from pulse_pipeline.rationales.engine import Session
from pulse_pipeline.rationales.generation import LookedUp, RunIds, Writer, Written
from pulse_pipeline.rationales.goods import kinds_of_goods
from pulse_pipeline.rationales.item_prompts import ItemPrompts, item_cuts
from pulse_pipeline.rationales.judging import TextJudge
from pulse_pipeline.rationales.ledger import Account, Ledger
from pulse_pipeline.rationales.prompts import UserPrompts
from pulse_pipeline.rationales.published import answered_cuts, seed_cuts
from pulse_pipeline.rationales.refinement.likelihood_scorer import HELD_BACK
from pulse_pipeline.rationales.refinement.prompts import ThoughtPrompts
from pulse_pipeline.rationales.representatives import inherited, representatives
from pulse_pipeline.rationales.requests import Render
from pulse_pipeline.rationales.spec import USER_KINDS, Kind, RationaleSettings
from pulse_pipeline.rationales.store import AnswerStore


@dataclass(frozen=True)
class Domain:
    """A domain's tables.

    Attributes:
        name: The domain's name.
        interactions: The `interactions` table.
        items: The `items` table.
        users: Write for at most this many users; None for all.
        neighbours: The `neighbours` table, needed where a prompt names what similar users chose.
        described: Write about at most this many items; None for all.
    """

    name: str
    interactions: pl.DataFrame
    items: pl.DataFrame
    users: int | None = None
    neighbours: pl.DataFrame | None = None
    described: int | None = None


@dataclass(frozen=True)
class Assignment:
    """What one writer has to write.

    Attributes:
        writer: The writer.
        wanted: Rows that name what is asked about.
        label: What the progress is shown under.
        entails: How many prompts come of each row in the end, itself included, at most.
    """

    writer: Writer
    wanted: pl.DataFrame
    label: str
    entails: float = 1.0

    def look_up(self) -> LookedUp:
        """What is written already, and what is not."""
        return self.writer.look_up(self.wanted)

    def unanswered(self) -> float:
        """How many answers it takes at most, less those that were charged to its account."""
        with self.writer.store.looked_into() as store:
            return len(self.wanted) * self.entails - store.spent(self.writer.account.name).generated

    def write(self, session: Session) -> Written:
        """Write what is missing."""
        return self.writer.write(self.wanted, session, self.label)


@dataclass(frozen=True)
class Desk:
    """Hands out the assignments of one settings file.

    Attributes:
        settings: Model, prompts, sampling.
        cache: The home's cache; answers lie in ``rationales/<fingerprint of the spec>/``.
        runs: Recorded beside each answer.
        account: What the answers are charged to.
    """

    settings: RationaleSettings
    cache: Path
    runs: RunIds = field(default_factory=RunIds)
    account: Account = field(default_factory=Account)

    def spent(self) -> Ledger:
        """All that was ever charged to the account, whatever the settings then were."""
        total = Ledger()
        for answers in sorted((self.cache / "rationales").glob("*/answers.db")):
            with AnswerStore(answers.parent).opened() as store:
                total += store.spent(self.account.name)
        return total

    def about_users(self, domain: Domain) -> list[Assignment]:
        """One for each kind of `spec.USER_KINDS`, about the users who represent the others."""
        drawn = drawn_users(domain.interactions, domain.users)
        writing = representatives(drawn, self.settings.representatives)["representative"].unique()
        cuts = cut_points(drawn).filter(pl.col("user_id").is_in(writing.implode()))
        return [
            self._about_users(kind, domain, cuts.filter(kind=kind), f"{kind} rationales")
            for kind in USER_KINDS
        ]

    def published_seeds(self, domain: Domain) -> Assignment:
        """That of `published_seeds`, with the settings that `PublishedRationales.applied` gives."""
        cuts = seed_cuts(drawn_users(domain.interactions, domain.users))
        return self._about_users("hindsight", domain, cuts, "published seeds")

    def _about_users(self, kind: Kind, domain: Domain, cuts: pl.DataFrame, label: str) -> Assignment:
        spec = self.settings.spec(kind)
        render = UserPrompts(domain.interactions, domain.items, spec, domain.neighbours)
        writer = self._writer(kind, render, domain.items["title"])
        return Assignment(writer, cuts, f"{label} {domain.name}")

    def inherited(self, domain: Domain, table: pl.DataFrame) -> pl.DataFrame:
        """What the others inherit from the `rationales` table of those who represent them."""
        drawn = drawn_users(domain.interactions, domain.users)
        return inherited(table, drawn, representatives(drawn, self.settings.representatives))

    def about_items(self, domain: Domain) -> Assignment:
        """That of `item_rationales`."""
        render = ItemPrompts(domain.interactions, domain.items, self.settings.spec("item"))
        wanted = item_cuts(domain.interactions, domain.items, domain.described)
        label = f"item rationales {domain.name}"
        return Assignment(self._writer("item", render, domain.items["title"]), wanted, label)

    def about_arrivals(self, source: Domain, target: Domain) -> Assignment:
        """That of `bridging_rationales`, about the people who come from one domain into another."""
        spec = self.settings.spec("bridging")
        everyone = self.settings.bridged_users == "everyone"
        coming = arrivals(source.interactions, target.interactions, everyone=everyone)
        goods = kinds_of_goods(target.items, target.interactions)
        render = BridgingPrompts(source.interactions, source.items, goods, spec)
        # No item of the target may be named, and none of the source that they did not have.
        titles = pl.concat([source.items["title"], target.items["title"]])
        label = f"bridging rationales {source.name} to {target.name}"
        wanted = drawn_users(coming, target.users)
        return Assignment(self._writer("bridging", render, titles), wanted, label)

    def trees(self, domain: Domain, split: str) -> Assignment:
        """Those of `refined_rationales`, by their first level: of histories that a protocol serves with."""
        return self._trees(self.refined(domain), serving_cuts(domain, split), domain)

    def published_trees(self, domain: Domain) -> Assignment:
        """Those of `published_rationales`, by their first level, with settings as for `published_seeds`."""
        cuts = answered_cuts(drawn_users(domain.interactions, domain.users))
        return self._trees(self.thoughts(domain), cuts, domain)

    def _trees(self, writer: Writer, cuts: pl.DataFrame, domain: Domain) -> Assignment:
        shape = self.settings.refinement.shape
        roots = cuts.select("user_id", "target_position", thoughts=pl.lit([], pl.List(pl.String)))
        wanted = roots.join(pl.DataFrame({"sample": range(shape.breadth)}), how="cross")
        label = f"trees of thoughts {domain.name}"
        return Assignment(writer, wanted, label, entails=shape.thoughts / shape.breadth)

    def refined(self, domain: Domain) -> Writer:
        """The writer of the thoughts of `refined_rationales`."""
        asks_for_the_last = self.settings.refinement.scorer == "likelihood"
        return self.thoughts(domain, held_back=HELD_BACK if asks_for_the_last else 0)

    def thoughts(self, domain: Domain, held_back: int = 0) -> Writer:
        """A writer of thoughts, whose prompts do not show so many items before the cut."""
        spec = self.settings.spec("refined")
        render = ThoughtPrompts(
            domain.interactions, domain.items, spec, domain.neighbours, held_back=held_back
        )
        return self._writer("refined", render, domain.items["title"])

    def _writer(self, kind: Kind, render: Render, titles: pl.Series) -> Writer:
        spec = self.settings.spec(kind)
        judge = TextJudge(spec, titles, self.settings.language)
        store = AnswerStore(self.cache / "rationales" / spec.fingerprint())
        return Writer(spec, render, judge, store, self.settings.max_attempts, self.runs, self.account)


def serving_cuts(domain: Domain, split: str) -> pl.DataFrame:
    """Whom `refined_rationales` is about: the users drawn, each at the end of a protocol's training."""
    lengths = training_lengths(drawn_users(domain.interactions, domain.users), split)
    return lengths.select(
        "user_id", pl.lit("refined").alias("kind"), pl.col("n_train").alias("target_position")
    ).sort("user_id")
