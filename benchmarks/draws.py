"""Several rationales of a user averaged: a part of bet 4 (docs/bets.md).

Each further home holds rationales of the same users, drawn with another `rationales.sampling.seed`; that
no other setting differs is for whoever makes the homes to see to. The vectors of all draws are averaged,
one vector for each text that the first home, PULSE_HOME, holds; models are trained on the average and on
the first alone. Figures and intervals as in `benchmarks.bets`. A run that is killed goes on where it stopped.

    pulse run --domains Gift_Cards --select "rationales,rationale_embeddings"    # in each home
    python -m benchmarks.draws Gift_Cards --draws ../second/home ../third/home
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console

from assets.ablations import encoding
from benchmarks.bets import KEY, RESULTS, gains_of, groups, row, tables_of, writers_of
from benchmarks.bets_page import write_page
from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored
from pulse_pipeline.commands.bars import Bars
from pulse_pipeline.commands.tables import read_table
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.ablations.material import OF_A_RATIONALE, Encode, Material, Tables
from pulse_pipeline.evaluation.in_domain import MODEL
from pulse_pipeline.home import Home
from pulse_pipeline.progress import listening
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from resources.text_encoder import TextEncoder

BET = "4 several rationales averaged"
IN_FULL = "rationales in full"
ENCODERS = ("encoder", "encoder_revision")
ABOUT = (*OF_A_RATIONALE, "history_hash", "model")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="+", help="domains of all homes")
    parser.add_argument("--draws", nargs="+", type=Path, required=True, help="the homes of further draws")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each model")
    parser.add_argument("--out", type=Path, default=RESULTS, help="figures, as JSON, to be renewed")
    arguments = parser.parse_args()
    settings, seeds = load_settings(), range(arguments.seeds)
    encode = encoding(Home.from_environment(), settings.encoder, TextEncoder())
    with Bars(Console(stderr=True)) as bars, listening(bars):
        for name in arguments.domains:
            first = _first(name)
            further = _further(arguments.draws, name, first)
            rows = list(figures(name, first, further, encode, settings.thought_space, seeds=seeds))
            renew(arguments.out, rows, same(rows, *KEY))
            write_page(arguments.out)


def figures(
    domain: str,
    first: Tables,
    further: list[pl.DataFrame],
    encode: Encode,
    config: ThoughtSpaceConfig,
    *,
    seeds: range,
) -> Iterator[dict[str, Any]]:
    """What the average of several draws adds to a model of the first alone, and to one without any.

    Args:
        domain: Its name.
        first: Its tables with the first draw.
        further: `rationale_embeddings` of the further draws.
        encode: The encoder that the tables' vectors come from.
        config: The settings of the models.
        seeds: Seeds of the trainings.
    """
    together = replace(first, rationale_embeddings=averaged([first.rationale_embeddings, *further]))
    one, many = (Material(domain, "loo", tables, encode) for tables in (first, together))
    of_one = gains_of(one, config, seeds, [IN_FULL])
    of_many = gains_of(many, config, seeds, [IN_FULL, "no rationales"])
    served, in_full = (MODEL, 0), (f"{MODEL}, {IN_FULL}", 0)
    compared = {
        "one of them": (of_many[served], of_one[served]),
        "one of them, both in full": (of_many[in_full], of_one[in_full]),
        "no rationales": (of_many[served], of_many[f"{MODEL}, no rationales", 0]),
    }
    for group, known, members in groups(many.data):
        if known:  # a rationale was written from all of the history
            continue
        for minus, (own, other) in compared.items():
            yield row(many.data, own[:, members], other[:, members]) | {
                "writer": writers_of(first),
                "bet": BET,
                "reader": "trained",
                "sources": None,
                "users": group,
                "minus": minus,
                "draws": 1 + len(further),
            }


def averaged(draws: list[pl.DataFrame]) -> pl.DataFrame:
    """The mean of the vectors of each text of the first draw, over all draws in which it is valid."""
    first = draws[0].select(OF_A_RATIONALE)
    together = pl.concat(draw.select(*OF_A_RATIONALE, "vector") for draw in draws)
    told = together.join(first.with_row_index("row"), on=OF_A_RATIONALE)
    rows, vectors = told["row"].to_numpy(), told["vector"].to_numpy()
    sums = np.zeros((first.height, vectors.shape[1]))
    np.add.at(sums, rows, vectors)
    means = sums / np.bincount(rows, minlength=first.height)[:, None]
    return first.with_columns(vector=pl.Series(means, dtype=draws[0].schema["vector"]))


def _first(domain: str) -> Tables:
    """The tables of the home; ends the benchmark where nothing was written."""
    vectors = stored("rationale_embeddings", domain)
    return replace(tables_of(domain), rationales=stored("rationales", domain), rationale_embeddings=vectors)


def _further(roots: list[Path], domain: str, first: Tables) -> list[pl.DataFrame]:
    """The vectors of other draws about the same histories."""
    drawn, vectors = set(first.rationales["spec_fingerprint"]), []
    for root in roots:
        try:
            written, found = (
                read_table(Home(root), name, domain) for name in ("rationales", "rationale_embeddings")
            )
        except PulseError as error:
            raise SystemExit(f"error: {root}: {error}") from error
        if set(found.select(ENCODERS).rows()) != set(first.rationale_embeddings.select(ENCODERS).rows()):
            raise SystemExit(f"error: {root}: rationale_embeddings of {domain} are by another encoder")
        if set(written.select(ABOUT).rows()) != set(first.rationales.select(ABOUT).rows()):
            raise SystemExit(f"error: {root}: rationales of {domain} are of other histories or another model")
        if drawn & set(written["spec_fingerprint"]):
            raise SystemExit(f"error: {root}: a draw of {domain} twice: set another rationales.sampling.seed")
        drawn |= set(written["spec_fingerprint"])
        vectors.append(found)
    return vectors


if __name__ == "__main__":
    main()
