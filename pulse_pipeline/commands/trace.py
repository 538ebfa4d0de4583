"""``pulse lineage``: print the chain behind a dataset or one of its rows."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from pulse_pipeline.definitions import build_defs
from pulse_pipeline.home import Home
from pulse_pipeline.lineage import Lineage, Link, rows_of
from resources.instance import open_instance


@dataclass(frozen=True)
class Trace:
    """A chain, and the rows that were asked for.

    Attributes:
        chain: The dataset first, then what it was made from.
        rows: Rows of one user or item; None if none were asked for.
    """

    chain: list[Link]
    rows: list[dict[str, Any]] | None

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {"chain": [asdict(link) for link in self.chain], "rows": self.rows}

    def as_tree(self) -> Tree:
        """What was made from what; a dataset that stands above already is not opened again."""
        links = {link.name: link for link in self.chain}
        tree = Tree(_line(self.chain[0]))
        for row in self.rows or []:
            shown = tree.add(f"[yellow]row[/] {escape(str(row.get('user_id') or row.get('item_id')))}")
            for name, value in row.items():
                shown.add(f"{name}: {escape(str(value))}")
        _grow(tree, self.chain[0], links, {self.chain[0].name})
        return tree


def trace(home: Home, asset: str, partition: str | None, row: str | None) -> Trace:
    """Read the chain behind a dataset.

    Args:
        home: The home.
        asset: The asset key.
        partition: A domain, mix or ``source|target``, where the asset has partitions.
        row: A user's or item's id whose rows are wanted too.

    Raises:
        PulseError: There is no such asset, partition or row.
    """
    with open_instance(home) as instance:
        chain = Lineage(build_defs(), instance).chain(asset, partition)
    return Trace(chain, None if row is None else rows_of(home, asset, partition, row))


def _grow(tree: Tree, link: Link, links: dict[str, Link], shown: set[str]) -> None:
    for name in link.made_from:
        if name not in links:
            continue
        branch = tree.add(_line(links[name]) if name not in shown else f"{escape(name)} (see above)")
        if name not in shown:
            shown.add(name)
            _grow(branch, links[name], links, shown)


def _line(link: Link) -> str:
    files = "".join(f"\n  {escape(name)} sha256 {digest}" for name, digest in link.source_files.items())
    run = f"\n  MLflow {link.mlflow_run}" if link.mlflow_run else ""
    made_with = "".join(f"\n  {name} {escape(str(value))}" for name, value in link.made_with.items())
    return (
        f"[bold]{escape(link.name)}[/]\n  data {link.data_version}  code {link.code_version}"
        f"\n  Dagster run {link.dagster_run_id}{run}{made_with}{files}"
    )
