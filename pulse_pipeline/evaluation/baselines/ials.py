"""iALS: matrix factorisation of implicit feedback by alternating least squares."""

from typing import ClassVar, Self

from implicit.cpu.als import AlternatingLeastSquares
from pydantic import Field
from threadpoolctl import threadpool_limits

from pulse_pipeline.evaluation.baselines.config import BaselineConfig, Search
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.matrices import history_matrix, training_matrix


class IALSConfig(BaselineConfig):
    """Size, confidence and regularisation."""

    search: ClassVar[Search] = {
        "factors": (32, 64, 128, 256),
        "alpha": (1.0, 2.0, 5.0, 10.0, 20.0),
        "regularisation": (0.01, 0.1, 1.0, 5.0, 20.0),
        "iterations": (8, 15, 30),
    }

    factors: int = Field(default=64, ge=1)
    """Width of the vectors of users and items."""

    alpha: float = Field(default=5.0, gt=0)
    """Confidence in an interaction, relative to that in an absence."""

    regularisation: float = Field(default=1.0, ge=0)
    """Weight of the squared vectors."""

    iterations: int = Field(default=15, ge=1)
    """How often users and items take turns."""

    seed: int = 0
    """Seed of the first vectors."""


class IALS:
    """Dot product of an item's vector and the one that explains a user's history best.

    The user's vector is solved anew from the history at hand, so items of the validation phase count
    for the test phase. Sources: Hu et al. (ICDM 2008); how strong it is when tuned: Rendle et al.
    (RecSys 2022). Solved by the package ``implicit``.
    """

    name = "iALS"

    def __init__(self, config: IALSConfig | None = None) -> None:
        """Choose the settings; defaults without."""
        self.config = config or IALSConfig()

    def fit(self, data: DomainData) -> Self:
        """Learn item vectors from training prefixes."""
        config = self.config
        with threadpool_limits(1, "blas"):  # implicit has threads of its own, BLAS's stand in their way
            self._model = AlternatingLeastSquares(
                factors=config.factors,
                alpha=config.alpha,
                regularization=config.regularisation,
                iterations=config.iterations,
                random_state=config.seed,
            )
            self._model.fit(training_matrix(data), show_progress=False)
        return self

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Dot products [len(users), n_items]."""
        vectors = self._model.recalculate_user(users, history_matrix(data, users, phase))
        scores: FloatArray = vectors @ self._model.item_factors.T
        return scores
