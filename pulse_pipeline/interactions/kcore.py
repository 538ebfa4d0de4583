"""The k-core: the largest set of interactions in which every user and item has at least k."""

import numpy as np
from numpy.typing import NDArray


def in_kcore(users: NDArray[np.integer], items: NDArray[np.integer], k: int) -> NDArray[np.bool_]:
    """Find the interactions of the k-core by peeling until nothing falls.

    The fixpoint does not depend on the order of peeling (Seidman 1983).

    Args:
        users: Code of each interaction's user, from 0 [n].
        items: Code of each interaction's item, from 0 [n].
        k: The least number of interactions; 0 keeps all.

    Returns:
        Which interactions stay [n].
    """
    staying = np.arange(len(users))
    while len(staying):
        of_user, of_item = users[staying], items[staying]
        enough = (np.bincount(of_user)[of_user] >= k) & (np.bincount(of_item)[of_item] >= k)
        if enough.all():
            break
        staying = staying[enough]
    mask = np.zeros(len(users), dtype=np.bool_)
    mask[staying] = True
    return mask
