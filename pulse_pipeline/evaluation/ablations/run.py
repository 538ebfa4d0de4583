"""Trains and ranks every arm under one protocol and budget; what is finished is kept and never done twice."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.ablations.arms import ARMS, FULL, Arm
from pulse_pipeline.evaluation.ablations.material import Material
from pulse_pipeline.evaluation.ablations.settings import AblationSettings
from pulse_pipeline.evaluation.bootstrap import paired_difference
from pulse_pipeline.evaluation.evaluate import Origin, evaluate_ranks
from pulse_pipeline.evaluation.in_domain import DIFFERENCE, MODEL
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.per_user import FULL as ALL_ITEMS
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.evaluation.slices import slices
from pulse_pipeline.evaluation.standings import Standings, standings
from pulse_pipeline.evaluation.standings_table import read_standings, standings_table
from pulse_pipeline.files import replacing
from pulse_pipeline.progress import track
from pulse_pipeline.provenance import fingerprint, git_sha
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.identity import content
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train

ARM = "ablation"
SPREAD = f"{DIFFERENCE}, spread of seeds"
VERSION = "2"


@dataclass(frozen=True)
class Job:
    """One arm under one seed.

    Attributes:
        name: The model's name in tables.
        arm: What is changed.
        seed: Seed of the training.
        data: What it is trained and evaluated on.
        config: Its settings.
        path: Where its ranks are kept, under a name that holds all that decides them.
    """

    name: str
    arm: Arm
    seed: int
    data: DomainData
    config: ThoughtSpaceConfig
    path: Path

    def ranker(self, material: Material) -> Ranker:
        """Train it; a training that was killed goes on where it stopped."""
        if self.arm.baseline is not None:
            return self.arm.baseline(material, self.seed).fit(self.data)
        trained = train(self.data.domain, [self.data], self.config, state=self.state)
        return ThoughtSpaceRanker(trained.model, self.name)

    @property
    def state(self) -> Path:
        """Where an unfinished training stands."""
        return self.path.with_suffix(".safetensors")


def jobs(
    material: Material, config: ThoughtSpaceConfig, settings: AblationSettings, kept: Path
) -> Iterator[Job]:
    """The full model and every arm that the domain has something for, under every seed."""
    chosen = {name: ARMS[name] for name in settings.run if ARMS[name].applies(material)}
    for name, arm in {MODEL: FULL, **chosen}.items():
        shown = name if name == MODEL or arm.baseline is not None else f"{MODEL}, {name}"
        data = arm.data(material)
        for seed in settings.seeds:
            changed = config.model_copy(update={**arm.settings, "seed": seed})
            made_from: list[object] = [VERSION, content(data), changed.fingerprint()]
            if arm.baseline is not None:
                made_from[2:] = [name, seed, material.baselines.model_dump(mode="json"), material.texts]
            yield Job(shown, arm, seed, data, changed, kept / f"{fingerprint(made_from)}.parquet")


def ablate(
    material: Material,
    config: ThoughtSpaceConfig,
    settings: AblationSettings,
    kept: Path,
    *,
    spec_fingerprint: str | None = None,
) -> pl.DataFrame:
    """Train and evaluate the full model and its ablations.

    Args:
        material: The domain.
        config: The full model's settings.
        settings: Which arms, under which seeds.
        kept: A folder for the ranks of each finished arm; a killed run goes on from there.
        spec_fingerprint: Fingerprint of the rationale settings.

    Returns:
        Rows of `schemas.Metrics`: each arm's figures under each seed, and for each arm and group of users
        the full model minus it, metric `DIFFERENCE`; the p-value there is that of the difference. The
        interval is over users; of several seeds `SPREAD` is the standard deviation between their differences.

    Raises:
        PulseError: No user of the domain has a history and a test item.
    """
    planned = list(jobs(material, config, settings, kept))
    unfinished = [job for job in planned if not job.path.exists()]
    with track(f"ablations {material.data.domain}", len(unfinished), "trainings") as progress:
        for job in unfinished:
            progress.relabel(f"ablations {material.data.domain}: {job.name}, seed {job.seed}")
            _finish(job, material)
            progress.advance()
    figures, ranks = [], dict[str, list[Standings]]()
    for job in planned:
        kept_rows = pl.read_parquet(job.path, glob=False)
        ranked, seconds = read_standings(kept_rows, material.data), kept_rows["seconds"].max()
        origin = Origin(job.name, material.data.domain, job.seed, ARM, spec_fingerprint, float(seconds))  # type: ignore[arg-type]
        figures.append(evaluate_ranks(ranked, material.data, origin).metrics)
        ranks.setdefault(job.name, []).append(ranked)
    own = ranks.pop(MODEL)
    for name, found in ranks.items():
        compared = _differences(name, own, found, material.data, settings.seeds[0])
        figures.append(compared.with_columns(spec_fingerprint=pl.lit(spec_fingerprint, pl.String)))
    return Metrics.validate(pl.concat(figures), cast=True)


def _finish(job: Job, material: Material) -> None:
    started = time.monotonic()
    ranked = standings(job.ranker(material), job.data)
    frame = standings_table(ranked, job.data).with_columns(seconds=pl.lit(time.monotonic() - started))
    with replacing(job.path) as aside:
        frame.write_parquet(aside)
    job.state.unlink(missing_ok=True)


def _differences(
    name: str, own: list[Standings], other: list[Standings], data: DomainData, seed: int
) -> pl.DataFrame:
    """The full model minus an arm, mean NDCG@10 over seeds, for each group of users."""
    full, without = (
        np.stack([METRICS["NDCG"](one.ranks, 10) for one in ranked]).astype(np.float64)
        for ranked in (own, other)
    )
    rows: list[dict[str, Any]] = []
    for group, members in slices(data, own[0], "test"):
        about = {"slice": group, "n_users": int(members.sum())}
        found = paired_difference(full.mean(axis=0)[members], without.mean(axis=0)[members])
        interval = {"ci_low": found.low, "ci_high": found.high, "p_value_vs_best_baseline": found.p_value}
        rows.append(about | {"metric": DIFFERENCE, "value": found.value} | interval)
        if len(own) > 1:
            spread = (full - without)[:, members].mean(axis=1).std(ddof=1)
            rows.append(about | {"metric": SPREAD, "value": float(spread)} | dict.fromkeys(interval))
    shared = {
        "arm": ARM,
        "model": f"{MODEL} - {name.removeprefix(f'{MODEL}, ')}",
        "dataset": data.domain,
        "train_mix": data.domain,
        "protocol": data.protocol,
        "candidates": ALL_ITEMS,
        "k": 10,
        "seed": seed,
        "p_value_holm": None,
        "seconds": None,
        "git_sha": git_sha(),
        "spec_fingerprint": None,
    }
    frame = pl.DataFrame(rows).with_columns(pl.lit(value).alias(key) for key, value in shared.items())
    return Metrics.validate(frame.select(Metrics.column_names()), cast=True)
