"""Prompts about people who arrive from another domain: their history there, the goods here, no item of it."""

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.histories import CUT, Histories
from pulse_pipeline.rationales.requests import REQUESTS, filled, request_key
from pulse_pipeline.rationales.spec import RationaleSpec


class BridgingPrompts:
    """Renders what is asked about arrivals. Rows that are wanted have the columns of `arrivals.arrivals`."""

    def __init__(
        self, interactions: pl.DataFrame, items: pl.DataFrame, goods: list[str], spec: RationaleSpec
    ) -> None:
        """Take the domain that people come from.

        Args:
            interactions: Its `interactions` table.
            items: Its `items` table.
            goods: The target domain's kinds of goods, as `goods.kinds_of_goods` names them.
            spec: What to write with.
        """
        self._spec, self._version, self._goods = spec, spec.fingerprint(), ", ".join(goods)
        self._histories = Histories(interactions, items, spec.budget)

    def __call__(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Render; equal histories have equal keys for equal goods."""
        rows = wanted.join(self._histories.before(wanted), on=CUT, how="left", maintain_order="left")
        requests = [self._request(history) for history in rows["history"]]
        return pl.concat([wanted, pl.DataFrame(requests, REQUESTS, orient="row")], how="horizontal")

    def _request(self, history: str) -> tuple[str, str, str, str, str, list[str]]:
        evidence = f"{history}\n\n{self._goods}"
        evidence_hash = text_hash(evidence)
        key = request_key(self._version, self._spec.kind, evidence_hash)
        user = filled(self._spec.template, history=history, goods=self._goods)
        return key, evidence_hash, self._spec.system, user, evidence, []
