"""What the settings of all baselines have in common."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from pulse_pipeline.tuning import Search

__all__ = ["BaselineConfig", "Search"]


class BaselineConfig(BaseModel):
    """Settings of one baseline, and the values among which tuning may choose.

    Attributes:
        search: Values to try of each field that is tuned; defaults hold where nothing is tuned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    search: ClassVar[Search] = {}
