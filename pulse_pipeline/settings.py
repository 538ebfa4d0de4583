"""The settings file: what decides the content of results, in one place.

Batch sizes and hardware are not here: they belong to the resources and never change a result.
"""

import os
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.ablations.settings import AblationSettings
from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.published_neighbours.config import PublishedNeighbourSettings
from pulse_pipeline.evaluation.settings import EvaluationSettings
from pulse_pipeline.interactions.neighbour_settings import NeighbourSettings
from pulse_pipeline.rationales.published import PublishedRationales
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.published.config import PublishedSpaceConfig

DEFAULT_FILE = Path("pulse.yaml")


class Settings(BaseModel):
    """Everything that a stage's code version is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: NeighbourSettings = NeighbourSettings()
    """How many similar users a prompt may be told of, and how much of each."""

    rationales: RationaleSettings = RationaleSettings()
    """Model, prompts and sampling of the rationales."""

    encoder: EncoderSpec = EncoderSpec()
    """The sentence encoder."""

    thought_space: ThoughtSpaceConfig = ThoughtSpaceConfig()
    """Architecture, losses and optimisation of the Thought Space."""

    baselines: BaselineSettings = BaselineSettings()
    """Which baselines every domain is held against, and their settings."""

    evaluation: EvaluationSettings = EvaluationSettings()
    """Which candidates sampled metrics look at, and how often trainings are repeated."""

    ablations: AblationSettings = AblationSettings()
    """What `pulse ablate` takes away from the Thought Space."""

    published_neighbours: PublishedNeighbourSettings = PublishedNeighbourSettings()
    """Who the faithful arm takes for similar users, and how much a prompt is told of them."""

    published_rationales: PublishedRationales = PublishedRationales()
    """Prompts and sampling of the faithful arm's rationales."""

    published_space: PublishedSpaceConfig = PublishedSpaceConfig()
    """The Thought Space of the faithful arm."""

    reasoner: ReasonerConfig = ReasonerConfig()
    """The fine-tuned language model of the faithful arm."""

    @property
    def rationales_as_published(self) -> RationaleSettings:
        """Model, checks and budget of `rationales` with the faithful arm's prompts and sampling."""
        return self.published_rationales.applied(self.rationales)


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        path: The file; else the one that ``PULSE_CONFIG`` names, else ``pulse.yaml`` in the working
            directory, else the defaults.

    Raises:
        PulseError: The file is missing, is not YAML, or has a key or value that is not allowed.
    """
    named = os.environ.get("PULSE_CONFIG")
    path = path or (Path(named) if named else None)
    if path is None:
        if not DEFAULT_FILE.exists():
            return Settings()
        path = DEFAULT_FILE
    return _parse(path)


def _parse(path: Path) -> Settings:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PulseError(f"settings {path}: {error.strerror}; name an existing file") from error
    except UnicodeDecodeError as error:
        raise PulseError(f"settings {path}: not UTF-8 text; save it as UTF-8") from error
    # A tag or a date that PyYAML cannot make sense of raises whatever its constructor raises.
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise PulseError(f"settings {path}: not YAML: {' '.join(str(error).split())}") from error
    try:
        return Settings.model_validate(content or {})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PulseError(f"settings {path}: {key}: {first['msg']}") from error
