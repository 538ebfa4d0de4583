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
    of_user, of_item = users.astype(np.intp), items.astype(np.intp)
    n_of_user, n_of_item = np.bincount(of_user), np.bincount(of_item)
    staying = np.ones(len(users), dtype=np.bool_)
    while True:
        enough = (n_of_user >= k)[of_user] & (n_of_item >= k)[of_item]
        falling = np.flatnonzero(staying & ~enough)
        if not len(falling):
            return staying
        # Taking the fallen off the counts moves no other row; the table is large, the fallen few.
        n_of_user -= np.bincount(of_user[falling], minlength=len(n_of_user))
        n_of_item -= np.bincount(of_item[falling], minlength=len(n_of_item))
        staying[falling] = False
