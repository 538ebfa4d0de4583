"""All ablations and controls by name: what is changed, and where there is something to change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulse_pipeline.evaluation.ablations.material import Material
from pulse_pipeline.evaluation.baselines.bm25 import BM25
from pulse_pipeline.evaluation.baselines.suite import SUITE, Baseline
from pulse_pipeline.thought_space.data import DomainData


@dataclass(frozen=True)
class Arm:
    """One row: the full model with something taken away or made false, or a baseline as a control.

    Attributes:
        applies: Whether a domain has what the arm changes.
        settings: Fields of `ThoughtSpaceConfig` that differ from the full model's.
        data: What it is trained and evaluated on.
        baseline: Makes an unfitted baseline, given a seed; None for a Thought Space.
    """

    applies: Callable[[Material], bool] = lambda _: True
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Callable[[Material], DomainData] = lambda material: material.data
    baseline: Callable[[Material, int], Baseline] | None = None


def _rationales(material: Material) -> bool:
    return material.has_rationales


def _thoughts(material: Material) -> bool:
    return material.data.item_thoughts is not None


def _rationales_and_words(material: Material) -> bool:
    return material.has_rationales and material.has_words


def _suited(name: str) -> Callable[[Material, int], Baseline]:
    def build(material: Material, seed: int) -> Baseline:
        return SUITE[name].build(material.baselines.config(name).model_copy(update={"seed": seed}))

    return build


FULL = Arm()

ARMS: dict[str, Arm] = {
    # The terms of the objective.
    "no next-item loss": Arm(settings={"next_item_weight": 0.0}),
    "no thought loss": Arm(_rationales, {"thought_weight": 0.0}),
    "no contrast loss": Arm(_rationales, {"contrast_weight": 0.0}),
    "no hindsight loss": Arm(_rationales, {"hindsight_weight": 0.0}),
    "no hard negatives": Arm(_rationales, {"contrast_hardness": 0.0}),
    "no rationale loss": Arm(_rationales, {"rationale_weight": 0.0}),
    "no home dropout": Arm(_rationales, {"home_dropout": 0.0}),
    "no rationale dropout": Arm(_rationales, {"rationale_dropout": 0.0}),
    # What was written about users.
    "rationales in full": Arm(_rationales, {"rationale_serving_weights": (1.0,)}),
    "no rationales": Arm(_rationales, data=Material.without_rationales),
    "shuffled rationales": Arm(_rationales, data=Material.shuffled_rationales),
    "random words as rationales": Arm(_rationales_and_words, data=Material.random_rationales),
    "foresight as hindsight": Arm(_rationales, data=Material.foresight_as_hindsight),
    "refined as foresight": Arm(lambda material: material.has_refined, data=Material.refined_as_foresight),
    "refined as hindsight": Arm(lambda material: material.has_published, data=Material.refined_as_hindsight),
    # What was written about items, and their texts.
    "no item thoughts": Arm(_thoughts, data=Material.without_thoughts),
    "shuffled item thoughts": Arm(_thoughts, data=Material.shuffled_thoughts),
    "random words as item thoughts": Arm(_thoughts, data=Material.random_thoughts),
    "texts as item thoughts": Arm(_thoughts, data=Material.texts_as_thoughts),
    "item titles only": Arm(lambda material: material.has_titles, data=Material.titles_only),
    # The encoder's vectors as they are: the low-rank departures are how it is tuned here.
    "frozen encoder": Arm(settings={"adapter_rank": 0, "rationale_rank": 0}),
    "another encoder": Arm(lambda material: material.has_another_encoder, data=Material.read_by_another),
    # What users do.
    "ratings not read": Arm(
        lambda material: material.data.disliked is not None, data=Material.without_ratings
    ),
    "nothing counted": Arm(settings={"following_weights": (0.0,), "trend_weights": (0.0,)}),
    "no trend": Arm(lambda material: material.data.times is not None, {"trend_weights": (0.0,)}),
    "no decay tried": Arm(settings={"decays": (1.0,)}),
    "no flattening tried": Arm(settings={"flattenings": (0.0,)}),
    "no attention": Arm(settings={"attention_width": 0}),
    "no item ids": Arm(settings={"id_residual": False}),
    # Other readers of the same texts and rationales.
    "BM25": Arm(baseline=lambda material, _: BM25(material.texts)),
    "SLIM-style, SASRec + rationale": Arm(_rationales, baseline=_suited("slim_fused")),
}
