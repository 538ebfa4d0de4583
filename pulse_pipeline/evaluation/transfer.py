"""Transfer: a model trained on a source mix, evaluated on a target domain.

A cell of the source x target matrix is zero-shot when the target is no member of the mix: then no
interaction and no rationale of the target was learned from. What a zero-shot model may use of the
target is its item texts and the history of the user it serves.
"""

from collections.abc import Collection

from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.evaluate import Evaluated, evaluate_ranker, with_p_values
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.thought_space.data import DomainData


def zero_shot(mix_members: Collection[str], target: str) -> bool:
    """Whether a model trained on `mix_members` has learned from nothing of `target`."""
    return target not in mix_members


def references(target: DomainData, *, seed: int = 0) -> list[Evaluated]:
    """What a transferred model is held against in the target.

    Text-kNN, raw and centred, reads the target's item texts only, as a zero-shot model does; its
    `train_mix` is null. Popularity needs the target's interactions, so its `train_mix` is the target.

    Args:
        target: The target domain.
        seed: Written into the rows; the references draw nothing.

    Returns:
        Text-kNN, text-kNN centred and popularity on `target`.
    """
    plain, centred = TextKNN(centred=False).fit(target), TextKNN(centred=True).fit(target)
    return [
        evaluate_ranker(plain, target, train_mix=None, seed=seed, arm="baseline"),
        evaluate_ranker(centred, target, train_mix=None, seed=seed, arm="baseline"),
        evaluate_ranker(Popularity().fit(target), target, train_mix=target.domain, seed=seed, arm="baseline"),
    ]


def evaluate_transfer(
    ranker: Ranker,
    target: DomainData,
    *,
    source_mix: str,
    seed: int,
    arm: str = "pulse",
    spec_fingerprint: str | None = None,
    against: list[Evaluated] | None = None,
) -> Evaluated:
    """Fill one cell: the source model's figures on the target.

    Args:
        ranker: A model trained on `source_mix`.
        target: The target domain.
        source_mix: Name of the training mix, written into `train_mix`.
        seed: Seed of the model.
        arm: Which variant of the method the model belongs to.
        spec_fingerprint: Fingerprint of the rationale specification, where rationales are used.
        against: Results of `references` on the target, for the p-value against the best of them.

    Returns:
        The figures, with `p_value_vs_best_baseline` where `against` is given.
    """
    result = evaluate_ranker(
        ranker, target, train_mix=source_mix, seed=seed, arm=arm, spec_fingerprint=spec_fingerprint
    )
    return Evaluated(with_p_values(result, against or []), result.ranks)
