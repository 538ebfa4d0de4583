"""Reads ``domains.yaml`` and says exactly where it is wrong.

Values are taken from YAML's nodes, not from its objects: nodes know their lines, keep repeated
keys (which the usual loader merges without a word) and leave names such as ``2018`` as written.
"""

import os
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pulse_pipeline.domains import SOURCES, TEXT_FIELDS, DomainConfig
from pulse_pipeline.errors import PulseError

Keyed = dict[str, tuple[yaml.Node, yaml.Node]]

DOMAIN_KEYS = [key for key in DomainConfig.model_fields if key != "name"]
_ALLOWED = {
    "source": ", ".join(SOURCES),
    "interactions": "the path of a file",
    "items": "the path of a file",
    "min_interactions": "a whole number from 0",
    "rationale_users": "a whole number from 1",
    "rationale_items": "a whole number from 1",
    "text_fields": f"a list of {', '.join(TEXT_FIELDS)}",
    "columns": "a mapping of our column name to the file's",
    "item_columns": "a mapping of our column name to the items file's",
}


def locate(path: Path | None) -> Path | None:
    """The registry file that is meant; None where there is none.

    Raises:
        PulseError: A file was named, by `path` or by ``PULSE_DOMAINS``, that does not exist.
    """
    if path is not None:
        return _existing(path, "")
    named = os.environ.get("PULSE_DOMAINS")
    if named:
        return _existing(Path(named).expanduser(), ", which PULSE_DOMAINS names,")
    usual = Path("domains.yaml")
    return usual if usual.exists() else None


def _existing(path: Path, origin: str) -> Path:
    if not path.is_file():
        raise PulseError(f"{path}{origin} is not a file; name the domains file that you mean")
    return path


def read(path: Path) -> dict[str, DomainConfig]:
    """Read the domains of a file.

    Args:
        path: A ``domains.yaml``.

    Returns:
        Each domain under its name, in the file's order, paths made absolute.

    Raises:
        PulseError: One line ``<file>:<line>: <key>: <what is wrong>; allowed: …``.
    """
    return _Reader(path).domains()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def domains(self) -> dict[str, DomainConfig]:
        root = self._compose()
        top = self._mapping(root, "the file", "a mapping with the key domains")
        for key, (node, _) in top.items():
            if key != "domains":
                self._fail(node, key, "unknown key; allowed: domains")
        if "domains" not in top:
            self._fail(root, "domains", "missing; allowed: a mapping of domain name to its settings")
        node = top["domains"][1]
        entries = self._mapping(node, "domains", "a mapping of domain name to its settings", fold_case=True)
        if not entries:
            self._fail(node, "domains", "names no domain; allowed: at least one")
        return {name: self._domain(name, *nodes) for name, nodes in entries.items()}

    def _compose(self) -> yaml.Node:
        try:
            root = yaml.compose(self._path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise PulseError(f"{self._path}: cannot be read ({error.strerror}); check its rights") from error
        except UnicodeDecodeError as error:
            raise PulseError(f"{self._path}: is not UTF-8 text; save it as UTF-8") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise PulseError(f"{self._path}:{line}: is not YAML: {error.problem}; mend that line") from error
        except RecursionError as error:
            raise PulseError(f"{self._path}:1: is nested too deep; allowed: domains, settings") from error
        except yaml.YAMLError as error:
            reason = str(error).splitlines()[0]
            raise PulseError(f"{self._path}:1: is not YAML: {reason}; save it as plain text") from error
        if root is None:
            raise PulseError(
                f"{self._path}:1: domains: missing, the file is empty; allowed: at least one domain"
            )
        return root

    def _domain(self, name: str, key: yaml.Node, value: yaml.Node) -> DomainConfig:
        fields = self._mapping(value, name, f"a mapping with the keys {', '.join(DOMAIN_KEYS)}")
        if "name" in fields:
            self._unknown_key(fields["name"][0], f"{name}.name")
        settings = {field: self._value(node, f"{name}.{field}") for field, (_, node) in fields.items()}
        try:
            config = DomainConfig.model_validate({"name": name, **settings})
        except ValidationError as error:
            self._explain(name, key, fields, error.errors()[0])
        return config.model_copy(
            update={
                "interactions": self._absolute(config.interactions),
                "items": self._absolute(config.items),
            }
        )

    def _absolute(self, path: Path | None) -> Path | None:
        if path is None:
            return None
        # Only one's own home: for "~somebody" there may be no home to expand to.
        named = path.expanduser() if path.parts[:1] == ("~",) else path
        return (self._path.parent / named).resolve()

    def _explain(self, name: str, key: yaml.Node, fields: Keyed, error: ErrorDetails) -> NoReturn:
        """Turn pydantic's error into ours, at the line of the field that it is about."""
        field = str(error["loc"][0]) if error["loc"] else ""
        message = _own_words(error)
        if not field and ": " in message:
            # What concerns several fields at once names the one to mend in front.
            field, message = message.split(": ", 1)
        at = fields[field][1] if field in fields else key
        label = name if field in ("", "name") else f"{name}.{field}"
        if error["type"] == "extra_forbidden":
            self._unknown_key(fields[field][0], label)
        if error["type"] == "missing":
            message = "missing"
        # Our own validators say themselves what is allowed.
        allowed = "" if error["type"] == "value_error" else f"; allowed: {_ALLOWED[field]}"
        self._fail(at, label, message + allowed)

    def _unknown_key(self, node: yaml.Node, label: str) -> NoReturn:
        self._fail(node, label, f"unknown key; allowed: {', '.join(DOMAIN_KEYS)}")

    def _mapping(self, node: yaml.Node, label: str, wanted: str, *, fold_case: bool = False) -> Keyed:
        """A mapping's key and value nodes under their keys, of which none may come twice.

        Domain names are compared without case: they become file names, and some disks fold case.
        """
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, label, f"is not a mapping; allowed: {wanted}")
        keyed: Keyed = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fail(key, label, "has a key that is no text; allowed: plain keys")
            same = key.value.lower() if fold_case else key.value
            if same in lines:
                what = "two domains have this name" if fold_case else "this key comes twice"
                self._fail(key, key.value, f"{what}, first in line {lines[same]}; allowed: once")
            lines[same] = key.start_mark.line + 1
            keyed[key.value] = (key, value)
        return keyed

    def _value(self, node: yaml.Node, label: str) -> Any:
        """A field's value: a text, None, a list of texts or a mapping of texts."""
        if isinstance(node, yaml.SequenceNode):
            return [self._text(child, label) for child in node.value]
        if isinstance(node, yaml.MappingNode):
            pairs = self._mapping(node, label, "a mapping")
            return {key: self._text(value, f"{label}.{key}") for key, (_, value) in pairs.items()}
        return self._text(node, label)

    def _text(self, node: yaml.Node, label: str) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, label, "is nested too deep; allowed: a plain value")
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)

    def _fail(self, node: yaml.Node, key: str, what: str) -> NoReturn:
        where = f"{self._path}:{node.start_mark.line + 1}"
        raise PulseError(" ".join(f"{where}: {key}: {what}".split()))


def _own_words(error: ErrorDetails) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return f"unknown {'source' if error['loc'] == ('source',) else 'value'} {error['input']!r}"
    given = error["input"]
    kinds = {type(None): "nothing", list: "a list", dict: "a mapping"}
    return f"{kinds.get(type(given), repr(given))} is not allowed here"
