"""Which assets a selection means, and which of them one run can materialise together."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import dagster as dg

from assets.materialisation import IF_NAMED, ON_DEMAND
from assets.project import Project
from pulse_pipeline.errors import PulseError

SELECTABLE_BY = {"group", "key", "kind"}


@dataclass(frozen=True)
class Group:
    """Assets that one run can materialise together, and the partitions to do it for.

    Attributes:
        assets: Names, upstream first.
        partitions: Partition keys; None alone for assets without partitions.
    """

    assets: list[str]
    partitions: list[str | None]


def groups(
    definitions: dg.Definitions, project: Project, selection: str | None, domains: Sequence[str]
) -> list[Group]:
    """What a selection materialises, upstream first.

    Args:
        definitions: The pipeline.
        project: Registry and settings.
        selection: In Dagster's selection syntax; None for all that is not on demand.
        domains: The domains to work on, with the mixes and transfers that need no other.

    Raises:
        PulseError: The selection is wrong.
    """
    selected = _selected(definitions, selection)
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    waiting = [name for name in _upstream_first(specs) if name in selected]
    found = []
    while waiting:
        partitions = specs[waiting[0]].partitions_def
        group: list[str] = []
        for name in waiting:
            ready = all(
                dep.asset_key.to_user_string() not in set(waiting) - set(group) for dep in specs[name].deps
            )
            if ready and specs[name].partitions_def == partitions:
                group.append(name)
        waiting = [name for name in waiting if name not in group]
        found.append(Group(group, _partitions(project, partitions, domains)))
    return found


def _selected(definitions: dg.Definitions, selection: str | None) -> set[str]:
    assets = [asset for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
    on_demand, if_named = (
        _names(dg.AssetSelection.tag(*next(iter(tag.items()))), assets) for tag in (ON_DEMAND, IF_NAMED)
    )
    known = {key.to_user_string() for asset in assets for key in asset.keys}
    if selection is None:
        return known - on_demand - if_named
    try:
        names = _names(_parsed(selection), assets)
    except dg.DagsterInvalidSubsetError:
        names = set()
    if not names:
        raise PulseError(f"--select {selection!r} selects no asset; there are: {', '.join(sorted(known))}")
    # 'rationales+' means what a run makes of them; what costs much is made if it or what needs it is named.
    named = (on_demand | if_named) & set(re.findall(r"\w+", selection))
    demanded = _names(dg.AssetSelection.assets(*named).upstream(), assets) if named else set()
    return names - (on_demand - demanded) - (if_named - named) or names


def _names(selection: dg.AssetSelection, assets: list[dg.AssetsDefinition]) -> set[str]:
    return {key.to_user_string() for key in selection.resolve(assets)}


def _parsed(selection: str) -> dg.AssetSelection:
    foreign = set(re.findall(r"(\w+):", selection)) - SELECTABLE_BY
    if foreign:
        raise PulseError(
            f"--select {selection!r}: nothing can be selected by {', '.join(sorted(foreign))} here; "
            f"use {', '.join(sorted(SELECTABLE_BY))}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            parts = [dg.AssetSelection.from_string(part.strip()) for part in selection.split(",")]
    except dg.DagsterError as error:
        raise PulseError(
            f"--select {selection!r} is no selection: {' '.join(str(error).split())}; "
            "write names such as 'items,rationales', 'rationales+' or 'group:evaluation'"
        ) from error
    return reduce(or_, parts)


def _upstream_first(specs: dict[str, dg.AssetSpec]) -> Iterator[str]:
    done: set[str] = set()
    while len(done) < len(specs):
        for name, spec in specs.items():
            if name not in done and all(dep.asset_key.to_user_string() in done for dep in spec.deps):
                done.add(name)
                yield name


def _partitions(
    project: Project, partitions: dg.PartitionsDefinition[str] | None, domains: Sequence[str]
) -> list[str | None]:
    """Those partitions that need none but the wanted domains."""
    registry, wanted = project.registry, set(domains)
    mixes = [mix for mix in registry.mixes if wanted.issuperset(registry.members(mix))]
    if partitions is None:
        return [None]
    if partitions == project.partitions.domains:
        return [domain for domain in registry.names if domain in wanted]
    if partitions == project.partitions.mixes:
        return list(mixes)
    return [
        dg.MultiPartitionKey({"source": mix, "target": domain})
        for mix in mixes
        for domain in registry.names
        if domain in wanted
    ]
