"""Transfer: a model trained on a source mix, evaluated on a target domain.

A cell of the source x target matrix is zero-shot when the target is no member of the mix: then no
interaction and no rationale of the target was learned from. What a zero-shot model may use of the
target is its item texts and the history of the user it serves.
"""

from collections.abc import Collection, Sequence

from pulse_pipeline.evaluation import word_reader
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.candidates import Candidates
from pulse_pipeline.evaluation.evaluate import Evaluated, evaluate_ranker, with_p_values
from pulse_pipeline.evaluation.in_domain import BASELINE
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.word_reader import Reading, Texts, WordReader
from pulse_pipeline.thought_space.data import DomainData


def zero_shot(mix_members: Collection[str], target: str) -> bool:
    """Whether a model trained on `mix_members` has learned from nothing of `target`."""
    return target not in mix_members


def evaluate_transfer(
    ranker: Ranker,
    target: DomainData,
    *,
    source_mix: str,
    seed: int,
    arm: str = "pulse",
    spec_fingerprint: str | None = None,
    against: list[Evaluated] | None = None,
    candidates: Candidates | None = None,
) -> Evaluated:
    """Fill one cell: the source model's figures on the target.

    Args:
        ranker: A model trained on `source_mix`.
        target: The target domain.
        source_mix: Name of the training mix, written into `train_mix`.
        seed: Seed of the model.
        arm: Which variant of the method the model belongs to.
        spec_fingerprint: Fingerprint of the rationale specification, where rationales are used.
        against: Results of the target's baselines, for the p-value against the best of them.
        candidates: The target's frozen candidates.

    Returns:
        The figures, with `p_value_vs_best_baseline` where `against` is given.
    """
    result = evaluate_ranker(
        ranker,
        target,
        train_mix=source_mix,
        seed=seed,
        arm=arm,
        spec_fingerprint=spec_fingerprint,
        candidates=candidates,
    )
    return Evaluated(with_p_values(result, against or []), result.ranks)


def evaluate_zero_shot(
    sources: Sequence[Texts], target: Texts, source_mix: str, seed: int
) -> tuple[list[Evaluated], Reading]:
    """Read a domain by vectors and words, as was fitted on sources; nothing of its users is learned.

    Args:
        sources: The source domains.
        target: The target, none of them.
        source_mix: Name of the sources.
        seed: Seed of the sample of validation users.

    Returns:
        Centred text-kNN, and ours with p-values against it; the scalars that were fitted.
    """
    reading = word_reader.fit(sources, seed)
    text = TextKNN(centred=True).fit(target.data)
    plain = evaluate_ranker(text, target.data, train_mix=None, seed=0, arm=BASELINE)
    ranker = WordReader(reading, [target])
    ours = evaluate_transfer(ranker, target.data, source_mix=source_mix, seed=seed, against=[plain])
    return [plain, ours], reading
