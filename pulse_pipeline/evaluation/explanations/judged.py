"""All figures of a domain's explanations, under one protocol."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pulse_pipeline.evaluation.explanations.answering import answer, lines
from pulse_pipeline.evaluation.explanations.diversity import (
    distinct_2,
    duplicates,
    newest_items,
    pairwise_distance,
    specificity,
    told_and_chosen,
)
from pulse_pipeline.evaluation.explanations.explainer import Explainer
from pulse_pipeline.evaluation.explanations.fidelity import fidelity
from pulse_pipeline.evaluation.explanations.figures import (
    Figure,
    difference_figure,
    mean_figure,
    share_figure,
)
from pulse_pipeline.evaluation.explanations.hallucination import NameDetector
from pulse_pipeline.evaluation.explanations.leak_probe import CUTOFF, leak_probe
from pulse_pipeline.evaluation.explanations.sensitivity import DEPTH, Encode, sensitivity
from pulse_pipeline.evaluation.explanations.served import Served, foresight_of, served
from pulse_pipeline.evaluation.in_domain import MODEL, SHUFFLED, WITHOUT
from pulse_pipeline.evaluation.ranking import serving_view, top_k
from pulse_pipeline.rationales.checks.foreign_title import ForeignTitle
from pulse_pipeline.rationales.grounding import histories
from pulse_pipeline.rationales.latest import inheriting_users, latest_rationales
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

HALLUCINATED, INVENTED, UNKNOWN = "hallucinated title", "invented name", "unknown name"
FIDELITY, FIDELITY_DIFFERENCE = "fidelity R2", "fidelity R2 difference"
OVERLAP = "RBO"
DISTANCE, SPECIFICITY, DISTINCT, DUPLICATES = "pairwise distance", "specificity", "distinct-2", "duplicates"
LEAK = "leak probe recall"
METRICS = (
    HALLUCINATED, INVENTED, UNKNOWN, FIDELITY, FIDELITY_DIFFERENCE, OVERLAP, DISTANCE, SPECIFICITY, DISTINCT,
    DUPLICATES, LEAK,
)  # fmt: skip

RATIONALES, ANSWERS, UNCHECKED = "rationales", "answers of pulse explain", "rationales before checks"
NEWEST = "newest items"
HINDSIGHT, FORESIGHT = "hindsight", "foresight"
KEY_SENTENCE, OTHER_SENTENCE = f"{MODEL}, key sentence removed", f"{MODEL}, other sentence removed"

MOST_USERS = 1000
MOST_REENCODED = 200
MOST_ANSWERS = 100
MOST_REVIEWS = 20_000


@dataclass(frozen=True)
class Domain:
    """The tables of a domain that explanations are judged by.

    Attributes:
        interactions: The `interactions` table.
        items: The `items` table.
        rationales: The `rationales` table.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    rationales: pl.DataFrame

    @cached_property
    def names(self) -> NameDetector:
        """Tells names; plain words are those that training reviews often hold."""
        training = self.interactions.filter(split_loo="train").head(MOST_REVIEWS)
        return NameDetector(self.items, training["review_text"])


def text_figures(domain: Domain, data: DomainData) -> list[Figure]:
    """What can be said of the rationales without a model; none where nobody has one.

    Args:
        domain: Its tables.
        data: The domain, under one protocol, with its rationales.
    """
    chosen = served(data, domain.rationales).sample(MOST_USERS)
    figures = _written(domain, data)
    if len(chosen.users):
        figures += _names(domain, chosen)
    if len(chosen.users) > 1:
        figures += _diversity(chosen)
    probe = leak_probe(data)
    if probe is not None:
        figures += [
            share_figure(LEAK, HINDSIGHT, probe.hindsight, k=CUTOFF),
            share_figure(LEAK, FORESIGHT, probe.foresight, k=CUTOFF),
            Figure(LEAK, "chance", probe.chance, probe.users, k=CUTOFF),
        ]
    return figures


def model_figures(
    model: ThoughtSpace, domain: Domain, data: DomainData, encode: Encode, seed: int = 0
) -> list[Figure]:
    """What the domain's model makes of its rationales; none where nobody has one.

    Args:
        model: The domain's own model.
        domain: Its tables.
        data: The domain, under the protocol of the model, with its rationales.
        encode: Gives the vectors of shortened rationales.
        seed: Seed of draws and shuffles.
    """
    chosen = served(data, domain.rationales).sample(MOST_USERS)
    if not len(chosen.users):
        return []
    figures = []
    predicted = fidelity(ThoughtSpaceRanker(model, MODEL), chosen, seed)
    if predicted is not None:
        own, dealt_out = 1 - predicted.own, 1 - predicted.shuffled
        figures += [
            mean_figure(FIDELITY, MODEL, own, ranks=True),
            mean_figure(FIDELITY, SHUFFLED, dealt_out, ranks=True),
            difference_figure(FIDELITY_DIFFERENCE, (MODEL, SHUFFLED), (own, dealt_out)),
        ]
    kept = sensitivity(model, chosen.sample(MOST_REENCODED), encode, seed)
    named = {
        WITHOUT: kept.deleted,
        SHUFFLED: kept.swapped,
        KEY_SENTENCE: kept.key_sentence,
        OTHER_SENTENCE: kept.other_sentence,
    }
    figures += [
        mean_figure(OVERLAP, name, values, k=DEPTH, ranks=True)
        for name, values in named.items()
        if len(values)
    ]
    return figures


def answer_figures(model: ThoughtSpace, domain: Domain, data: DomainData) -> list[Figure]:
    """What `pulse explain` says of each user's first recommendation.

    Args:
        model: The domain's own model, of the protocol that is served.
        domain: Its tables.
        data: The domain, under that protocol.
    """
    chosen = served(data, domain.rationales).sample(MOST_ANSWERS)
    if not len(chosen.users):
        return []
    everything = serving_view(data)
    top = top_k(ThoughtSpaceRanker(model), everything, chosen.users, "test", 1).items[:, 0]
    titles = {item: title for item, title in domain.items.select("item_id", "title").iter_rows() if title}
    explainer = Explainer(model, data)
    why, inheriting = latest_rationales(domain.rationales), inheriting_users(domain.rationales)
    told = []
    for user, item in zip(chosen.users, top, strict=True):
        if item >= 0:
            user_id = data.user_ids[user]
            answered = answer(
                explainer,
                data,
                int(user),
                int(item),
                titles=titles,
                rationale=why.get(user_id),
                inherited=user_id in inheriting,
            )
            told.append(
                {
                    "user_id": user_id,
                    "target_position": len(data.sequences[user]),
                    "text": "\n".join(lines(answered)),
                    "explained": answered["title"],
                }
            )
    if not told:
        return []
    cuts = pl.DataFrame(told, schema_overrides={"target_position": pl.Int32})
    known = histories(cuts, domain.interactions, domain.items)
    texts = known.with_columns(evidence=pl.concat_str("history", "explained", separator="\n"))
    return [share_figure(HALLUCINATED, ANSWERS, domain.names.hallucinated_title(texts))]


def _names(domain: Domain, chosen: Served) -> list[Figure]:
    cuts = chosen.cuts.with_columns(text=pl.Series(chosen.texts, dtype=pl.String))
    texts = histories(cuts, domain.interactions, domain.items).rename({"history": "evidence"})
    names = domain.names
    figures = [
        share_figure(HALLUCINATED, RATIONALES, names.hallucinated_title(texts)),
        share_figure(UNKNOWN, RATIONALES, names.unknown_name(texts)),
    ]
    if names.has_plain_words:
        figures.append(share_figure(INVENTED, RATIONALES, names.invented_name(texts)))
    return figures


def _written(domain: Domain, data: DomainData) -> list[Figure]:
    """How often the language model named another item, before the checks took such rationales out."""
    written = foresight_of(data, domain.rationales)
    if written.is_empty():
        return []
    rejected = written["reject_reason"].eq_missing(ForeignTitle.reason).cast(pl.Float32)
    return [share_figure(HALLUCINATED, UNCHECKED, rejected.to_numpy())]


def _diversity(chosen: Served) -> list[Figure]:
    assert chosen.data.rationales is not None
    vectors = chosen.data.rationales.serving[chosen.users]
    return [
        mean_figure(DISTANCE, RATIONALES, pairwise_distance(vectors)),
        mean_figure(DISTANCE, NEWEST, pairwise_distance(newest_items(chosen))),
        mean_figure(SPECIFICITY, RATIONALES, specificity(*told_and_chosen(chosen))),
        Figure(DISTINCT, RATIONALES, distinct_2(chosen.texts), len(chosen.users)),
        share_figure(DUPLICATES, RATIONALES, duplicates(chosen.texts)),
    ]
