"""MLflow's model registry: of each training mix the Thought Spaces that were its champion.

A version's weights are the artifact of the run that registered it, so that they outlive the next training.
The alias `champion` points at one version; nothing is in a stage.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resources.tracking import TrackedRun, registry_client

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS = "champion"
PREFIX = "pulse-"
FOLDER = "checkpoint"
WEIGHTS = "pulse/weights"


@dataclass(frozen=True)
class Champion:
    """A registered version.

    Attributes:
        version: Its number in the registry.
        run_id: The MLflow run that keeps its weights.
        weights: Hash of the weights.
    """

    version: str
    run_id: str
    weights: str


class Champions:
    """The registry of the home."""

    def __init__(self) -> None:
        """Open it."""
        self._client: MlflowClient = registry_client()

    def current(self, mix: str) -> Champion | None:
        """The champion of a mix; None before there was one."""
        name = model_name(mix)
        for model in self._client.search_registered_models(f"name = '{name}'"):
            if ALIAS in model.aliases:
                found = self._client.get_model_version(name, model.aliases[ALIAS])
                return Champion(str(found.version), str(found.run_id), found.tags[WEIGHTS])
        return None

    def weights(self, champion: Champion, into: Path) -> Path:
        """Fetch a champion's checkpoint.

        Args:
            champion: The version.
            into: An existing folder.

        Returns:
            The folder of the checkpoint, one inside for each protocol.
        """
        return Path(self._client.download_artifacts(champion.run_id, FOLDER, str(into)))

    def promote(self, mix: str, run: TrackedRun, folder: Path, weights: str) -> Champion:
        """Register a checkpoint and point the alias at it.

        Args:
            mix: The training mix.
            run: The run that keeps the weights.
            folder: The checkpoint.
            weights: Hash of the weights.
        """
        name = model_name(mix)
        run.folder(FOLDER, folder)
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name, description=f"Thought Space trained on {mix}.")
        made = self._client.create_model_version(
            name, f"runs:/{run.run_id}/{FOLDER}", run_id=run.run_id, tags={WEIGHTS: weights}
        )
        self._client.set_registered_model_alias(name, ALIAS, str(made.version))
        return Champion(str(made.version), run.run_id, weights)


def model_name(mix: str) -> str:
    """What the registry calls a mix's model."""
    return f"{PREFIX}{mix}"
