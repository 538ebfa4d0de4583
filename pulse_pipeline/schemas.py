"""The contract of every table: one dataframely schema each, the same words in every tree."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

SPLITS = ["train", "valid", "test"]
KINDS = ["hindsight", "foresight", "refined"]
EARLIEST_TIMESTAMP = 788_918_400  # 1995-01-01, before which no interaction of ours can have happened
LATEST_TIMESTAMP = 4_102_444_800  # 2100-01-01; a larger number counts milliseconds, not seconds


class RawInteractions(dy.Schema):
    """One row as upstream recorded it, with our column names."""

    user_id = dy.String(nullable=False, min_length=1)
    item_id = dy.String(nullable=False, min_length=1)
    rating = dy.Float32(nullable=True, min=0.0, max=10.0)
    timestamp = dy.Int64(nullable=True, min=EARLIEST_TIMESTAMP, max=LATEST_TIMESTAMP)
    review_title = dy.String(nullable=True)
    review_text = dy.String(nullable=True)


class Interactions(dy.Schema):
    """Cleaned interactions in stable order with the split of each protocol.

    `position` counts from 0 within the user, without gaps. `split_temporal` is null where the
    source has no times.
    """

    user_id = dy.String(nullable=False, primary_key=True)
    position = dy.Int32(nullable=False, primary_key=True, min=0)
    item_id = dy.String(nullable=False)
    rating = dy.Float32(nullable=True)
    timestamp = dy.Int64(nullable=True, min=EARLIEST_TIMESTAMP)
    review_title = dy.String(nullable=True)
    review_text = dy.String(nullable=True)
    split_loo = dy.Enum(SPLITS, nullable=False)
    split_temporal = dy.Enum(SPLITS, nullable=True)


class Items(dy.Schema):
    """The catalogue. `text` is what the encoder sees; empty (and flagged) where nothing is known."""

    item_id = dy.String(nullable=False, primary_key=True)
    title = dy.String(nullable=True)
    brand = dy.String(nullable=True)
    categories = dy.List(dy.String(), nullable=False)
    price = dy.Float32(nullable=True, min=0.0)
    description = dy.String(nullable=True)
    text = dy.String(nullable=False)
    text_hash = dy.String(nullable=False)
    has_text = dy.Bool(nullable=False)

    @dy.rule()
    def flagged(cls) -> pl.Expr:
        """`has_text` says whether `text` holds anything."""
        return pl.col("has_text") == (pl.col("text") != "")


class Quarantine(dy.Schema):
    """A row that broke a contract, as it was, with the rule it broke."""

    source_file = dy.String(nullable=False)
    source_row = dy.Int64(nullable=True, min=0)
    rule = dy.String(nullable=False)
    record = dy.String(nullable=False)


class Neighbours(dy.Schema):
    """A user whose choices are like a history's, and what else that user chose, newest first.

    The history is the user's before `target_position`; `rank` counts from 1, the most similar.
    """

    user_id = dy.String(nullable=False, primary_key=True)
    target_position = dy.Int32(nullable=False, primary_key=True, min=0)
    rank = dy.Int32(nullable=False, primary_key=True, min=1)
    neighbour_id = dy.String(nullable=False)
    similarity = dy.Float32(nullable=False, min=0.0, max=1.0)
    item_ids = dy.List(dy.String(nullable=False), nullable=False)

    @dy.rule()
    def somebody_else(cls) -> pl.Expr:
        """A user is no neighbour of itself."""
        return pl.col("neighbour_id") != pl.col("user_id")


class Rationales(dy.Schema):
    """One rationale of a user. `target_position` is the first position that it must not see.

    One that was written for another user, who chooses alike, is `inherited_from` that one: its text and
    provenance are that user's.
    """

    user_id = dy.String(nullable=False)
    kind = dy.Enum(KINDS, nullable=False)
    target_position = dy.Int32(nullable=False, min=0)
    rationale = dy.String(nullable=False)
    valid = dy.Bool(nullable=False)
    reject_reason = dy.String(nullable=True)
    score = dy.Float32(nullable=True)
    model = dy.String(nullable=False)
    model_revision = dy.String(nullable=False)
    spec_fingerprint = dy.String(nullable=False)
    history_hash = dy.String(nullable=False)
    prompt_tokens = dy.Int32(nullable=False, min=0)
    completion_tokens = dy.Int32(nullable=False, min=0)
    created_at = dy.Datetime(nullable=False, time_zone="UTC", time_unit="us")
    dagster_run_id = dy.String(nullable=True)
    mlflow_run_id = dy.String(nullable=True)
    inherited_from = dy.String(nullable=True)


class ItemRationales(dy.Schema):
    """What an item is for, who wants it and why, written from its text and its training-period reviews.

    `text_alone`: of no item a review was shown, and none was picked for being chosen often.
    """

    item_id = dy.String(nullable=False, primary_key=True)
    text_alone = dy.Bool(nullable=False)
    rationale = dy.String(nullable=False)
    valid = dy.Bool(nullable=False)
    reject_reason = dy.String(nullable=True)
    model = dy.String(nullable=False)
    model_revision = dy.String(nullable=False)
    spec_fingerprint = dy.String(nullable=False)
    evidence_hash = dy.String(nullable=False)
    prompt_tokens = dy.Int32(nullable=False, min=0)
    completion_tokens = dy.Int32(nullable=False, min=0)
    created_at = dy.Datetime(nullable=False, time_zone="UTC", time_unit="us")
    dagster_run_id = dy.String(nullable=True)
    mlflow_run_id = dy.String(nullable=True)


class BridgingRationales(dy.Schema):
    """What a person who comes from another domain will want in this one, and why.

    `target_position` is the first position in the source domain that it must not see.
    """

    source = dy.String(nullable=False, primary_key=True)
    user_id = dy.String(nullable=False, primary_key=True)
    target_position = dy.Int32(nullable=False, min=1)
    rationale = dy.String(nullable=False)
    valid = dy.Bool(nullable=False)
    reject_reason = dy.String(nullable=True)
    model = dy.String(nullable=False)
    model_revision = dy.String(nullable=False)
    spec_fingerprint = dy.String(nullable=False)
    history_hash = dy.String(nullable=False)
    prompt_tokens = dy.Int32(nullable=False, min=0)
    completion_tokens = dy.Int32(nullable=False, min=0)
    created_at = dy.Datetime(nullable=False, time_zone="UTC", time_unit="us")
    dagster_run_id = dy.String(nullable=True)
    mlflow_run_id = dy.String(nullable=True)


class ItemEmbeddings(dy.Schema):
    """The vector of each item's text, and of what the LM wrote about it where it did.

    `with_vectors` adds the columns `vector` and `thought`, which is null where nothing valid was written.
    `text_alone` is that of `ItemRationales`: false where thoughts may tell what people did.
    """

    item_id = dy.String(nullable=False, primary_key=True)
    text_alone = dy.Bool(nullable=True)
    text_hash = dy.String(nullable=False)
    encoder = dy.String(nullable=False)
    encoder_revision = dy.String(nullable=False)


class RationaleEmbeddings(dy.Schema):
    """The vector of each valid rationale; `with_vectors` adds the column `vector`."""

    user_id = dy.String(nullable=False, primary_key=True)
    kind = dy.Enum(KINDS, nullable=False, primary_key=True)
    target_position = dy.Int32(nullable=False, primary_key=True, min=0)
    text_hash = dy.String(nullable=False)
    encoder = dy.String(nullable=False)
    encoder_revision = dy.String(nullable=False)


def with_vectors(contract: type[dy.Schema], dimensions: int, nullable: Sequence[str] = ()) -> type[dy.Schema]:
    """The contract of a table whose encoder gives vectors of this length.

    Args:
        contract: The table without vectors.
        dimensions: Length of a vector.
        nullable: Columns of vectors besides `vector` that may be null.
    """

    def vectors(*, nullable: bool) -> dy.Array:
        return dy.Array(dy.Float32(nullable=False), dimensions, nullable=nullable)

    others = {name: vectors(nullable=True) for name in nullable}
    return type(contract.__name__, (contract,), {"vector": vectors(nullable=False), **others})


class Candidates(dy.Schema):
    """Among which items a user's test target is looked for by sampled metrics, the target first."""

    protocol = dy.String(nullable=False, primary_key=True)
    user_id = dy.String(nullable=False, primary_key=True)
    item_ids = dy.List(dy.String(nullable=False), nullable=False, min_length=1)

    @dy.rule()
    def each_once(cls) -> pl.Expr:
        """No item is drawn twice, so the target is no negative."""
        return pl.col("item_ids").list.n_unique() == pl.col("item_ids").list.len()


class Metrics(dy.Schema):
    """One figure of the evaluation with its interval.

    `p_value_holm` is that of the difference to the best baseline, corrected for how many models are
    compared; filled where all figures of a domain are together (`evaluation.figures`).
    """

    arm = dy.String(nullable=False)
    model = dy.String(nullable=False)
    dataset = dy.String(nullable=False)
    train_mix = dy.String(nullable=True)
    protocol = dy.String(nullable=False)
    candidates = dy.String(nullable=False)
    slice = dy.String(nullable=False)
    metric = dy.String(nullable=False)
    k = dy.Int32(nullable=True, min=1)
    value = dy.Float64(nullable=False)
    ci_low = dy.Float64(nullable=True)
    ci_high = dy.Float64(nullable=True)
    n_users = dy.Int32(nullable=False, min=0)
    seed = dy.Int64(nullable=False)
    p_value_vs_best_baseline = dy.Float64(nullable=True, min=0.0, max=1.0)
    p_value_holm = dy.Float64(nullable=True, min=0.0, max=1.0)
    seconds = dy.Float64(nullable=True)
    git_sha = dy.String(nullable=True)
    spec_fingerprint = dy.String(nullable=True)


class BaselineScores(dy.Schema):
    """Where a baseline puts each evaluated user's later items, and what it puts first.

    `rank` is the next item's in the catalogue, `rank_of_<n>` its rank among the first n candidates, null
    where there are fewer. `found` counts later items among the first 1, 5, 10 and 20, of `wanted` there are.
    `top` is the list of ten.
    """

    protocol = dy.String(nullable=False, primary_key=True)
    model = dy.String(nullable=False, primary_key=True)
    user_id = dy.String(nullable=False, primary_key=True)
    train_mix = dy.String(nullable=True)
    rank = dy.Int64(nullable=False, min=1)
    rank_of_100 = dy.Int64(nullable=True, min=1, max=100)
    rank_of_20 = dy.Int64(nullable=True, min=1, max=20)
    rank_of_5 = dy.Int64(nullable=True, min=1, max=5)
    found = dy.List(dy.Int64(nullable=False, min=0), nullable=False)
    wanted = dy.Int64(nullable=False, min=1)
    top = dy.List(dy.String(nullable=False), nullable=False)
    seconds = dy.Float64(nullable=False)


class ModelRanks(dy.Schema):
    """The rank that a model gives to each evaluated user's target, so that runs can be compared by user."""

    dataset = dy.String(nullable=False)
    protocol = dy.String(nullable=False)
    model = dy.String(nullable=False)
    train_mix = dy.String(nullable=True)
    seed = dy.Int64(nullable=False)
    user_id = dy.String(nullable=False)
    item_id = dy.String(nullable=False)
    rank = dy.Int64(nullable=False, min=1)


class Champions(dy.Schema):
    """Whether a newly trained model became the champion of its domain, and why; a row a domain.

    `difference` is in NDCG@10 on validation targets, new minus what it was held against, if it was.
    """

    dataset = dy.String(nullable=False, primary_key=True)
    promoted = dy.Bool(nullable=False)
    reason = dy.String(nullable=False)
    version = dy.String(nullable=True)
    difference = dy.Float64(nullable=True)
    ci_low = dy.Float64(nullable=True)
    ci_high = dy.Float64(nullable=True)
    p_value = dy.Float64(nullable=True)
    n_users = dy.Int32(nullable=False, min=0)


class Recommendations(dy.Schema):
    """The best unseen items of a user, best first."""

    user_id = dy.String(nullable=False, primary_key=True)
    rank = dy.Int32(nullable=False, primary_key=True, min=1)
    item_id = dy.String(nullable=False)
    score = dy.Float32(nullable=False)
    rationale = dy.String(nullable=True)
