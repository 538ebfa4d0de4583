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


@dataclass(frozen=True)
class View:
    """One kind of vectors of a domain's items, centred.

    Attributes:
        vectors: Unit vectors, zero rows for items of which this says nothing [n_items, d].
        shape: The geometry they are seen in.
    """

    vectors: FloatArray
    shape: Geometry


def view(vectors: FloatArray, listed: NDArray[np.bool_]) -> View:
    """Centre vectors by what may be looked at as a whole.

    Args:
        vectors: Encoder vectors, zero or NaN rows where there is none [n_items, d].
        listed: Items that centre and spectrum are measured on [n_items].
    """
    shape = measure(vectors[listed])
    return View(centred(vectors, shape.centre), shape)


def second_view(texts: View, thoughts: FloatArray | None, listed: NDArray[np.bool_]) -> View:
    """Thoughts about items, centred by their own mean; the text stands in where there is none.

    A language model's phrasing, which all thoughts share, is taken out. An item without a thought is thus
    neither favoured nor slighted, and a domain without any is ranked as by texts alone.

    Args:
        texts: The view of the item texts.
        thoughts: Encoder vectors, NaN rows where there is none; None for no thoughts at all [n_items, d].
        listed: Items that centre and spectrum are measured on [n_items].
    """
    if thoughts is None or not has_text(thoughts[listed]).any():
        return texts
    own = view(thoughts, listed)
    return View(np.where(has_text(thoughts)[:, None], own.vectors, texts.vectors), own.shape)


def centred(vectors: FloatArray, centre: FloatArray) -> FloatArray:
    """Shift vectors by `centre` and scale them to length 1; zero and NaN rows become zero rows."""
    present = has_text(vectors)
    return np.where(present[:, None], unit(np.nan_to_num(vectors) - centre), 0.0).astype(np.float32)


def has_text(vectors: FloatArray) -> NDArray[np.bool_]:
    """Which rows are vectors of a text: neither zero nor NaN [n]."""
    return np.asarray(((vectors != 0) & ~np.isnan(vectors)).any(axis=1))


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """Rows of length 1; a zero row stays zero [n, d]."""
    return np.asarray(vectors / _lengths(vectors))


def _lengths(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-9))
