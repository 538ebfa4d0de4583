"""``pulse lineage``: print the chain behind a dataset or one of its rows."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from pulse_pipeline.definitions import build_defs
from pulse_pipeline.home import Home
from pulse_pipeline.lineage import Lineage, Link, rows_of
from pulse_pipeline.rationales.untrusted import inert
from resources.instance import open_instance

Version = tuple[str, str | None]  # a dataset's name and its data version


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
        links = {(link.name, link.data_version): link for link in self.chain}
        tree = Tree(_line(self.chain[0]))
        for row in self.rows or []:
            shown = tree.add(f"[yellow]row[/] {escape(inert(str(row.get('user_id') or row.get('item_id'))))}")
            for name, value in row.items():
                shown.add(f"{name}: {escape(inert(str(value)))}")
        _grow(tree, self.chain[0], links, set())
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


def _grow(tree: Tree, link: Link, links: dict[Version, Link], shown: set[Version]) -> None:
    for version in link.made_from.items():
        if version not in links:
            continue
        if version in shown:
            tree.add(f"{escape(version[0])} (see above)")
            continue
        shown.add(version)
        _grow(tree.add(_line(links[version])), links[version], links, shown)


def _line(link: Link) -> str:
    files = "".join(f"\n  {escape(name)} sha256 {digest}" for name, digest in link.source_files.items())
    run = f"\n  MLflow {link.mlflow_run}" if link.mlflow_run else ""
    made_with = "".join(f"\n  {name} {escape(str(value))}" for name, value in link.made_with.items())
    since = " (made anew since)" if link.replaced else ""
    return (
        f"[bold]{escape(link.name)}[/]{since}\n  data {link.data_version}  code {link.code_version}"
        f"\n  Dagster run {link.dagster_run_id}{run}{made_with}{files}"
    )
