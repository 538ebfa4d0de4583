"""The geometry of a domain's item texts: centre and spectrum, from the texts alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.thought_space.data import FloatArray

SHRINKAGE = 0.1  # share of the mean eigenvalue added to each: small catalogues leave most at zero


@dataclass(frozen=True)
class Geometry:
    """What centring and flattening need to know of a domain.

    Interactions play no part, so a target domain may be measured before anyone has acted in it.

    Attributes:
        centre: Mean encoder vector of the items that have text [d].
        basis: Principal directions of the centred vectors, one a column [d, d].
        log_spectrum: Log variance along each direction, shrunk, mean variance 1 [d].
    """

    centre: FloatArray
    basis: FloatArray
    log_spectrum: FloatArray


def measure(item_vectors: FloatArray) -> Geometry:
    """Measure a catalogue's geometry.

    Args:
        item_vectors: Encoder vectors; zero rows stand for items without text [n_items, d].

    Returns:
        The geometry; neutral (no shift, flat spectrum) for a catalogue without texts.
    """
    width = item_vectors.shape[1]
    known = item_vectors[has_text(item_vectors)].astype(np.float64)
    if not len(known):
        flat = np.zeros(width, np.float32)
        return Geometry(flat, np.eye(width, dtype=np.float32), flat)
    centre = known.mean(axis=0)
    known -= centre  # in place: catalogues are large
    known /= _lengths(known)
    variance, basis = np.linalg.eigh(known.T @ known / len(known))
    mean = max(float(variance.mean()), 1e-12)
    spectrum = (variance.clip(min=0.0) / mean + SHRINKAGE) / (1.0 + SHRINKAGE)
    return Geometry(centre.astype(np.float32), basis.astype(np.float32), np.log(spectrum).astype(np.float32))


def centred(vectors: FloatArray, centre: FloatArray) -> FloatArray:
    """Shift vectors by `centre` and scale them to length 1; zero and NaN rows become zero rows."""
    present = has_text(vectors)
    return np.where(present[:, None], _unit(np.nan_to_num(vectors) - centre), 0.0).astype(np.float32)


def has_text(vectors: FloatArray) -> NDArray[np.bool_]:
    """Which rows are vectors of a text: neither zero nor NaN [n]."""
    return np.asarray(((vectors != 0) & ~np.isnan(vectors)).any(axis=1))


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(vectors / _lengths(vectors))


def _lengths(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-9))
