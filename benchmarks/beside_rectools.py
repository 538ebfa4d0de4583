"""RecTools' models in an environment of their own, on a domain's own split.

They want another numpy: `python -m venv VENV && VENV/bin/pip install "rectools[torch]" "numpy<2"`.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import polars as pl

from pulse_pipeline.thought_space.data import DomainData, Phase


def sasrec(data: DomainData, python: Path, *, epochs: int, seed: int, cores: int) -> dict[str, float]:
    """Train SASRec on what ours trains on, rank as ours is ranked: unseen items, test items.

    Args:
        data: The domain.
        python: The Python of the other environment.
        epochs: How many; none is chosen by validation items.
        seed: Of all that is drawn.
        cores: Threads.

    Returns:
        `seconds` of the training; `hr` and `ndcg` at 10 of the test items.
    """
    with tempfile.TemporaryDirectory() as folder:
        users = data.evaluated_users("test")
        targets = pl.DataFrame({"user_id": users, "target": [data.target(user, "test") for user in users]})
        targets.write_csv(Path(folder) / "targets.csv")
        phases: dict[str, Phase] = {"train": "valid", "known": "test"}
        for name, phase in phases.items():
            histories = [data.history(user, phase) for user in users]
            listed = pl.DataFrame({"user_id": users, "item_id": histories}).explode("item_id")
            place = pl.int_range(pl.len()).over("user_id").alias("datetime")
            listed.with_columns(place).write_csv(Path(folder) / f"{name}.csv")
        script = Path(__file__).with_name("rectools_sasrec.py")
        command = [python, script, folder, epochs, seed, cores]
        run = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(run.stdout.splitlines()[-1]))
