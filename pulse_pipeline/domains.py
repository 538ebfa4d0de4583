"""The domain registry: which domains there are, where their raw files lie and how to read them.

This module describes domains; `pulse_pipeline.domains_file` reads the description from
``domains.yaml`` and `pulse_pipeline.interactions` reads the data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from pulse_pipeline.errors import PulseError

Source = Literal["demo", "amazon-2018", "amazon-2023", "movielens", "tabular"]
TextField = Literal["title", "brand", "categories", "description"]

SOURCES: tuple[str, ...] = get_args(Source)
TEXT_FIELDS: tuple[str, ...] = get_args(TextField)
COLUMNS = (
    "user_id",
    "item_id",
    "rating",
    "timestamp",
    "position",
    "review_title",
    "review_text",
    "title",
    "brand",
    "categories",
    "price",
    "description",
)
DEMO_RATIONALE_USERS = 30  # so that two old CPU cores show the whole pipeline in minutes
DEMO_DOMAINS = ("Demo_Films", "Demo_Games", "Demo_Books")
ALL = "all"
ALL_BUT = "all-but-"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
NAME_RULE = (
    "letters, digits, '_' and '-', at most 100, not beginning with '-'; "
    f"'{ALL}', 'report' and names that begin with '{ALL_BUT}' are taken"
)


class DomainConfig(BaseModel):
    """One domain of the registry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The domain's name: a partition key and a part of file names."""

    source: Source
    """The upstream format of the raw files."""

    interactions: Path | None = None
    """The raw interactions; every source but ``demo`` needs them."""

    items: Path | None = None
    """The raw item metadata; without it items are known by id only."""

    min_interactions: Annotated[int, Field(ge=0)] = 5
    """The k of the k-core that cleaning keeps; 0 keeps all."""

    text_fields: Annotated[tuple[TextField, ...], Field(min_length=1)] = (
        "title",
        "brand",
        "categories",
        "description",
    )
    """What becomes an item's text, in this order."""

    rationale_users: Annotated[int, Field(ge=1)] | None = None
    """Rationales are written for at most this many users, drawn by the hash of their ids; without
    it for all. They are what a run's time goes into: a machine writes one to a hundred a second."""

    rationale_items: Annotated[int, Field(ge=1)] | None = None
    """Item rationales are written for at most this many items, those chosen most often in training;
    without it for all that have a text."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Source ``tabular`` only: our column name -> the name in the files."""

    item_columns: dict[str, str] = Field(default_factory=dict)
    """Source ``tabular`` only: what the items file calls otherwise than `columns` says."""

    @field_validator("name")
    @classmethod
    def _name_is_usable(cls, name: str) -> str:
        lowered = name.lower()
        taken = lowered in (ALL, "report") or lowered.startswith(ALL_BUT)
        if taken or not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' cannot name a domain; allowed: {NAME_RULE}")
        return name

    @field_validator("interactions", "items", mode="before")
    @classmethod
    def _path_is_usable(cls, path: Any) -> Any:
        if isinstance(path, str) and (not path or "\0" in path):
            raise ValueError("is no path; allowed: the path of a file")
        return path

    @field_validator("text_fields")
    @classmethod
    def _fields_differ(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(fields)) < len(fields):
            raise ValueError(f"names a field twice; allowed: each of {', '.join(TEXT_FIELDS)} once")
        return fields

    @field_validator("columns", "item_columns")
    @classmethod
    def _columns_are_ours(cls, columns: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        source = info.data.get("source")
        if columns and source not in ("tabular", None):
            raise ValueError(f"has no meaning for source {source}; allowed: only with source tabular")
        for ours in columns:
            if ours not in COLUMNS:
                raise ValueError(f"'{ours}' is none of our columns; allowed: {', '.join(COLUMNS)}")
        return columns

    @model_validator(mode="after")
    def _source_has_its_files(self) -> Self:
        if self.source != "demo":
            if self.interactions is None:
                raise ValueError(f"interactions: missing; source {self.source} needs the path of a file")
            return self
        if self.interactions is not None or self.items is not None:
            key = "items" if self.interactions is None else "interactions"
            raise ValueError(f"{key}: has no meaning for source demo, whose data are generated; remove it")
        if self.name not in DEMO_DOMAINS:
            raise ValueError(
                f"name: '{self.name}' is no domain of source demo; allowed: {', '.join(DEMO_DOMAINS)}"
            )
        return self


@dataclass(frozen=True)
class Registry:
    """The domains of one pipeline, in the order they were written.

    Attributes:
        domains: Each domain under its name.
        path: The file they come from; None for the built-in demo domains.
    """

    domains: Mapping[str, DomainConfig]
    path: Path | None = None

    @property
    def names(self) -> list[str]:
        """The domains' names."""
        return list(self.domains)

    @property
    def mixes(self) -> list[str]:
        """The training mixes: each domain; with two domains or more also all, and all but each."""
        if len(self.domains) < 2:
            return self.names
        return [*self.names, ALL, *(ALL_BUT + name for name in self.names)]

    @property
    def synthetic(self) -> list[str]:
        """The domains whose data are generated."""
        return [name for name, domain in self.domains.items() if domain.source == "demo"]

    def members(self, mix: str) -> list[str]:
        """The domains that a training mix is made of.

        Args:
            mix: One of `mixes`.

        Returns:
            Domain names in the registry's order.

        Raises:
            PulseError: There is no such mix.
        """
        if mix not in self.mixes:
            raise PulseError(f"no training mix '{mix}'; there are: {', '.join(self.mixes)}")
        if mix == ALL:
            return self.names
        if mix.startswith(ALL_BUT):
            return [name for name in self.names if name != mix.removeprefix(ALL_BUT)]
        return [mix]

    def domain(self, name: str) -> DomainConfig:
        """The domain called `name`.

        Raises:
            PulseError: There is no such domain.
        """
        if name not in self.domains:
            raise PulseError(f"no domain '{name}'; there are: {', '.join(self.names)}")
        return self.domains[name]


def demo_registry() -> Registry:
    """The three synthetic domains that are used where no file names others.

    The brand is left out of their texts: in the demo world it only marks items as synthetic.
    """
    domains = {
        name: DomainConfig(
            name=name,
            source="demo",
            text_fields=("title", "categories", "description"),
            rationale_users=DEMO_RATIONALE_USERS,
        )
        for name in DEMO_DOMAINS
    }
    return Registry(domains)


def load_registry(path: Path | None = None) -> Registry:
    """Find and read the registry.

    Args:
        path: The file; by default the one that ``PULSE_DOMAINS`` names, else ``domains.yaml`` in
            the working directory, else the built-in demo domains.

    Returns:
        The registry; relative paths in the file are resolved against the file's folder.

    Raises:
        PulseError: The file is missing or wrong; names the line, the key and what is allowed.
    """
    # Late, because that module is built on this one.
    from pulse_pipeline.domains_file import locate, read

    found = locate(path)
    return demo_registry() if found is None else Registry(read(found), found)
