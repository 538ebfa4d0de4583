"""Few-shot transfer: a share of the target's training users joins the source domains.

The users are drawn by the hashes of their ids, so the draws of smaller shares lie within those of larger
ones and hold on every machine. Only the drawn users' training and validation items are learned from, by our
model and by the baselines it is held against; test users, their histories and the catalogue stay as they are.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pulse_pipeline.evaluation.baselines.markov_knn import MarkovKNN
from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.evaluate import Evaluated, Origin, evaluate_ranks, with_p_values
from pulse_pipeline.evaluation.in_domain import BASELINE, MODEL
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.standings import standings
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, IntArray, RationaleVectors
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train

SHARES = (0.01, 0.1)


def shared_mix(source_mix: str, share: float) -> str:
    """Name of a source mix with a share of the target's training users added, as in ``all-but-Books+1%``."""
    return f"{source_mix}+{100 * share:g}%"


def share_of(domain: str, share: float) -> str:
    """Name of a share of a domain's training users alone, as in ``1% of Books``."""
    return f"{100 * share:g}% of {domain}"


def drawn_share(data: DomainData, share: float) -> IntArray:
    """Training users whose ids' hashes are the smallest, ascending: `share` of them, at least one."""
    trained = np.flatnonzero(data.n_train > 0)
    order = sorted(trained, key=lambda user: text_hash(data.user_ids[user]))
    return np.sort(np.asarray(order[: int(np.ceil(share * len(trained)))], dtype=np.int64))


def only_a_share(data: DomainData, share: float) -> DomainData:
    """The domain as it is when nobody but a share of its training users is known.

    Args:
        data: The domain.
        share: Which part of the training users is known, above 0 and up to 1.

    Returns:
        The same catalogue, users and test targets. The others have no training item, hence no validation
        item, and no rationale.
    """
    known = np.zeros(len(data.user_ids), dtype=np.bool_)
    known[drawn_share(data, share)] = True
    rationales = data.rationales
    if rationales is not None:
        hidden = np.where(known, np.float32(0), np.float32(np.nan))[:, None]
        rationales = RationaleVectors(
            serving=rationales.serving + hidden,
            training=rationales.training + hidden,
            hindsight=rationales.hindsight + hidden,
            spoken=np.where(known, rationales.spoken, -1),
        )
    return replace(data, n_train=np.where(known, data.n_train, 0), rationales=rationales)


def evaluate_few_shot(
    sources: Sequence[DomainData],
    target: DomainData,
    config: ThoughtSpaceConfig,
    *,
    source_mix: str,
    shares: Sequence[float] = SHARES,
    states: Path | None = None,
    spec_fingerprint: str | None = None,
) -> list[Evaluated]:
    """Train on the sources and on a share of the target, and rank all test targets, for each share.

    Args:
        sources: The source domains.
        target: The target, under the same protocol; none of the sources.
        config: How to train.
        source_mix: Name of the sources.
        shares: Shares of the target's training users.
        states: Folder in which trainings say where they stand, so that what was killed goes on; it stays.
        spec_fingerprint: Fingerprint of the rationale settings, where rationales are used.

    Returns:
        Text-kNN, which learns from nobody; then for each share popularity and Markov+KNN fitted on the same
        share, and our model with p-values against the best of the three.
    """
    nobody = Origin("", None, 0, BASELINE, None, None)
    text = _evaluated(TextKNN(centred=True).fit(target), target, target, nobody)
    found = [text]
    for share in shares:
        known = only_a_share(target, share)
        few = replace(nobody, train_mix=share_of(target.domain, share))
        baselines = [_evaluated(one.fit(known), known, target, few) for one in (Popularity(), MarkovKNN())]
        mix = shared_mix(source_mix, share)
        state = None if states is None else states / f"{target.protocol}.{share:g}.safetensors"
        ranker = ThoughtSpaceRanker(train(mix, [*sources, known], config, state=state).model, MODEL)
        # Everybody is served with their own rationale: only learning was kept from the others'.
        served = replace(known, rationales=target.rationales)
        own = _evaluated(
            ranker, served, target, Origin("", mix, config.seed, "pulse", spec_fingerprint, None)
        )
        found += [*baselines, Evaluated(with_p_values(own, [text, *baselines]), own.ranks)]
    return found


def _evaluated(ranker: Ranker, known: DomainData, target: DomainData, origin: Origin) -> Evaluated:
    started = time.perf_counter()
    ranked = standings(ranker, known, "test")
    origin = replace(origin, model=ranker.name, seconds=time.perf_counter() - started)
    # Slices tell head from tail by what is popular with everybody, whatever the share.
    return evaluate_ranks(ranked, target, origin)
