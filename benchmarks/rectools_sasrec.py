"""RecTools' SASRec on a folder of tables; runs in an environment of its own, with none of PULSE in it.

    python rectools_sasrec.py FOLDER EPOCHS SEED CORES

The folder holds train.csv, known.csv (user_id, item_id, datetime) and targets.csv (user_id, target). The
last line printed is JSON: seconds of the training, HR@10 and NDCG@10 of the targets among unseen items.
"""

import json
import math
import sys
import time
from pathlib import Path

import pandas as pd
import torch
from pytorch_lightning import Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel


def main() -> None:
    folder, epochs, seed, cores = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    torch.set_num_threads(cores)
    seed_everything(seed)
    train, known = (interactions(folder / f"{name}.csv") for name in ("train", "known"))
    model = SASRecModel(
        session_max_len=50,
        loss="softmax",
        n_factors=64,
        n_blocks=2,
        n_heads=2,
        lr=1e-3,
        batch_size=128,
        dataloader_num_workers=0,
        get_trainer_func=lambda: Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
        ),
    )
    started = time.perf_counter()
    model.fit(Dataset.construct(train))
    seconds = time.perf_counter() - started
    targets = pd.read_csv(folder / "targets.csv")
    ranked = model.recommend(
        users=targets[Columns.User].to_numpy(), dataset=Dataset.construct(known), k=10, filter_viewed=True
    )
    hits = ranked.merge(targets, on=Columns.User)
    places = hits.loc[hits[Columns.Item] == hits["target"], Columns.Rank]
    gain = sum(1 / math.log2(place + 1) for place in places) / len(targets)
    print(json.dumps({"seconds": seconds, "hr": len(places) / len(targets), "ndcg": gain}))


def interactions(path: Path) -> pd.DataFrame:
    """A table as RecTools wants it; the order of a history stands for its times."""
    table = pd.read_csv(path)
    table[Columns.Datetime] = pd.Timestamp("2000-01-01") + pd.to_timedelta(table["datetime"], unit="s")
    table[Columns.Weight] = 1.0
    return table


if __name__ == "__main__":
    main()
