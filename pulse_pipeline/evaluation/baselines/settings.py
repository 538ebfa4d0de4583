"""Which baselines run, and with which settings: a part of the settings file."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pulse_pipeline.evaluation.baselines.config import BaselineConfig
from pulse_pipeline.evaluation.baselines.suite import CHEAP, SUITE, Baseline
from pulse_pipeline.provenance import fingerprint


class BaselineSettings(BaseModel):
    """The baselines that every domain is held against."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: tuple[str, ...] = CHEAP
    """Names of the baselines, as `suite.SUITE` has them; by default all that are not neural."""

    parameters: dict[str, dict[str, Any]] = {}
    """Settings of baselines by name, as tuning has found them; defaults for what is not named."""

    @model_validator(mode="after")
    def _names_and_parameters_exist(self) -> Self:
        unknown = sorted({*self.run, *self.parameters} - set(SUITE))
        if unknown:
            raise ValueError(f"no baseline {', '.join(unknown)}; there are: {', '.join(SUITE)}")
        for name in self.parameters:
            try:
                self.config(name)
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join([name, *(str(part) for part in first["loc"])])
                raise ValueError(f"{key}: {first['msg']}") from error
        return self

    def config(self, name: str) -> BaselineConfig:
        """The settings of one baseline."""
        return SUITE[name].config.model_validate(self.parameters.get(name, {}))

    def build(self, name: str) -> Baseline:
        """One baseline, unfitted."""
        return SUITE[name].build(self.config(name))

    def chosen(self, *, reads_rationales: bool) -> list[str]:
        """The baselines to run: those that read rationales, or those that do not."""
        return [name for name in self.run if SUITE[name].reads_rationales == reads_rationales]

    def fingerprint(self, *, reads_rationales: bool) -> str:
        """Hash of what decides the ranks of the chosen baselines (16 hexadecimal digits)."""
        names = self.chosen(reads_rationales=reads_rationales)
        return fingerprint({name: self.config(name).model_dump(mode="json") for name in names})
