"""What the settings of all baselines have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

Search = Mapping[str, tuple[Any, ...]]


class BaselineConfig(BaseModel):
    """Settings of one baseline, and the values among which tuning may choose.

    Attributes:
        search: Values to try of each field that is tuned; defaults hold where nothing is tuned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    search: ClassVar[Search] = {}
