"""A mixture of experts between an item's text and its vector, learned on sources: does it travel?

UniSRec (Hou et al., KDD 2022) passes text vectors through experts, each a linear map, that a gate of the text
weighs, and says that this carries from domain to domain. Here the mixture is a departure from the text as the
product reads it abroad, x + sum_e g_e(x) W_e x scaled to length 1, with W_e of low rank and 0 at first: so
untrained it is that reading. What UniSRec whitens by learned parameters, centring and flattening have done
from the texts alone. Experts, gate and temperature are learned from next items of the sources' training
prefixes, softmax over each whole catalogue; decay and flattening stay as they were fitted.

Each source in turn is held out: the others teach, its validation items judge. The number of experts, their
rank, learning rate, decay and epochs are those with the best mean over the sources held out. Then the target
is looked at once, test items, leave-one-out, full ranking, by experts that all sources have taught; where no
experts do better than none, as a control. Rows of docs/transfer.json.

    pulse run --select raw_interactions,interactions,items,item_embeddings
    python -m benchmarks.experts --sources Office Industrial --target Games --users 6000
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.kept_rows import renew, same
from benchmarks.stored import stored_data
from benchmarks.transfer import KEY, RESULTS, rows_of, told, unseen_target
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.bootstrap import intervals, paired_difference
from pulse_pipeline.evaluation.evaluate import difference, evaluate_ranker
from pulse_pipeline.evaluation.in_domain import MODEL
from pulse_pipeline.progress import track
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space import reading
from pulse_pipeline.thought_space.batches import Shuffled, collate, schedule, windows
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.model import SMALLEST_LENGTH, LowRank, Space, ThoughtSpace
from pulse_pipeline.thought_space.objective import Examples, Step
from pulse_pipeline.thought_space.optimisation import MAX_GRADIENT_NORM, device_of
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.validation import Validation

EXPERIMENT, JUDGED = "experts", "experts, validation of the source held out"


@dataclass(frozen=True)
class Setting:
    """How experts are made and how they learn.

    Attributes:
        experts: How many; one is a plain departure, without a choice for the gate.
        rank: Rank of each.
        learning_rate: Step size of experts and gate.
        decay: Their decoupled weight decay.
    """

    experts: int
    rank: int
    learning_rate: float
    decay: float

    @property
    def name(self) -> str:
        """What rows call it."""
        return (
            f"PULSE, experts: {self.experts} of rank {self.rank}, "
            f"learning rate {self.learning_rate:g}, decay {self.decay:g}"
        )


class Experts(nn.Module):
    """Linear maps that a gate of the text weighs; their sum is zero at the start."""

    def __init__(self, width: int, setting: Setting) -> None:
        """Start with zero writing sides, and random reading sides and gate, so that no two experts are alike.

        Args:
            width: Width d of the vectors.
            setting: How many experts, of what rank.
        """
        super().__init__()
        self.maps = nn.ModuleList(LowRank(width, setting.rank) for _ in range(setting.experts))
        self.gate = nn.Linear(width, setting.experts, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """The departures of vectors [n, d] -> [n, d]."""
        mapped = torch.stack([expert(vectors) for expert in self.maps], dim=1)
        return torch.einsum("ne,ned->nd", self.gate(vectors).softmax(dim=1), mapped)


class ExpertSpace(ThoughtSpace):
    """A Thought Space to which every domain is foreign, with experts on the texts."""

    def __init__(self, plain: ThoughtSpace, setting: Setting) -> None:
        """Read as `plain` does, before any learning; only experts, gate and temperature can learn."""
        super().__init__(plain.width, {}, plain.config)
        self.abroad.load_state_dict(plain.abroad.state_dict())
        self.requires_grad_(False)
        self.abroad.log_temperature.requires_grad_(True)
        self.experts = Experts(plain.width, setting)
        self.to(plain.rationale_shift.device)

    def items(self, space: Space, rows: Tensor | None = None, *, home: bool) -> Tensor:
        """Item vectors: text and departure; zero for items without text [n, d]."""
        texts = super().items(space, rows, home=home)
        return functional.normalize(texts + self.experts(texts), dim=1, eps=SMALLEST_LENGTH)


@dataclass(frozen=True)
class Course:
    """What experts did in a source that had no part in teaching them.

    Attributes:
        held_out: The source.
        taught_by: The others, joined by +.
        setting: How the experts are made and learn.
        gains: NDCG@10 of each validation user after each epoch, the first before any [epochs + 1, n_users].
    """

    held_out: str
    taught_by: str
    setting: Setting
    gains: FloatArray


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    config = load_settings().thought_space
    parser.add_argument("--sources", nargs="+", required=True, help="domains of the home, two or more")
    parser.add_argument("--target", required=True, help="another domain of the home")
    parser.add_argument("--users", type=int, help="most users of the target, by the hashes of their ids")
    parser.add_argument("--experts", type=int, nargs="+", default=[1, 2, 4], help="how many, to choose from")
    parser.add_argument("--ranks", type=int, nargs="+", default=[config.adapter_rank], help="of an expert")
    rates = [0.1 * config.learning_rate, config.learning_rate]
    decays = [config.departure_decay, 10 * config.departure_decay]
    parser.add_argument("--rates", type=float, nargs="+", default=rates, help="learning rates")
    parser.add_argument("--decays", type=float, nargs="+", default=decays, help="weight decays of experts")
    parser.add_argument("--epochs", type=int, default=6, help="most epochs")
    parser.add_argument("--seed", type=int, default=config.seed, help="of the training")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="rows, as JSON; renewed by what they are about"
    )
    arguments = parser.parse_args()
    if len(set(arguments.sources)) < 2 or arguments.target in arguments.sources:
        parser.error("experts are judged by a source that is held out: two or more, none of them the target")
    config = config.model_copy(update={"seed": arguments.seed})
    grid = product(arguments.experts, arguments.ranks, arguments.rates, arguments.decays)
    sources = [stored_data(name, texts_only=True) for name in arguments.sources]
    tried = courses(sources, [Setting(*values) for values in grid], arguments.epochs, config)
    about = {"sources": "+".join(arguments.sources), "target": arguments.target}
    rows = [about | {"experiment": JUDGED} | row for row in _judged(tried, arguments.seed)]
    setting, epochs = best(tried)
    target = unseen_target(arguments.target, arguments.users)
    looked = _looked_at(sources, target, setting, epochs, config)
    rows += [about | {"experiment": EXPERIMENT} | row for row in looked]
    renew(arguments.out, rows, same(rows, *KEY))
    print(json.dumps(rows, indent=1), flush=True)


def plain_reading(sources: list[DomainData], config: ThoughtSpaceConfig) -> ThoughtSpace:
    """What the product ranks a foreign domain with, fitted on sources: of all that it learns, scalars."""
    model = ThoughtSpace(sources[0].item_vectors.shape[1], {}, config).to(device_of(config))
    reading.fit(model, Validation(model, sources, config), config)
    return model


def taught(plain: ThoughtSpace, sources: list[DomainData], setting: Setting) -> Iterator[ExpertSpace]:
    """Teach experts on the sources' training prefixes, without end.

    Args:
        plain: The reading that they depart from.
        sources: The domains.
        setting: How the experts are made and learn.

    Yields:
        The same model after each epoch, the first time before any.
    """
    torch.manual_seed(plain.config.seed)
    model = ExpertSpace(plain, setting)
    yield model
    rng, config = np.random.default_rng(plain.config.seed), plain.config
    pools = [windows(data, config.history_length) for data in sources]
    draws = [Shuffled(pool, config.batch_size, rng) for pool in pools]
    examples = [Examples(model, data, config, rng) for data in sources]
    optimiser = _optimiser(model, setting)
    while True:
        for domain in schedule([len(pool) for pool in pools], config, rng):
            batch = collate(draws[domain].draw(), model.rationale_shift.device)
            loss = examples[domain].terms(Step(batch, home=False, negatives=None))["next_item"].mean
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
            optimiser.step()
        yield model


def courses(
    sources: list[DomainData], settings: list[Setting], epochs: int, config: ThoughtSpaceConfig
) -> list[Course]:
    """Hold each source out in turn, teach by the others, and judge by its validation items."""
    found = []
    with track("experts", len(sources) * len(settings), "trainings") as progress:
        for held_out in sources:
            others = [data for data in sources if data is not held_out]
            plain, mix = plain_reading(others, config), "+".join(data.domain for data in others)
            for setting in settings:
                after = islice(taught(plain, others, setting), epochs + 1)
                gains = np.stack([_gains(model, held_out) for model in after])
                found.append(Course(held_out.domain, mix, setting, gains))
                progress.advance()
    return found


def best(tried: list[Course]) -> tuple[Setting, int]:
    """The setting and the epoch, one or later, with the best mean over the sources that were held out."""
    settings = dict.fromkeys(course.setting for course in tried)
    setting = max(settings, key=lambda one: _learned(tried, one).max())
    return setting, _best_epoch(tried, setting)


def _best_epoch(tried: list[Course], setting: Setting) -> int:
    return 1 + int(_learned(tried, setting).argmax())


def _learned(tried: list[Course], setting: Setting) -> FloatArray:
    """Mean NDCG@10 over the sources held out after each epoch, from the first on [epochs]."""
    means = [course.gains[1:].mean(axis=1) for course in tried if course.setting == setting]
    return np.asarray(np.mean(means, axis=0))


def _gains(model: ThoughtSpace, held_out: DomainData) -> FloatArray:
    """NDCG@10 of the validation users of a domain that the model has not learned from [n_users]."""
    (gains,) = Validation(model, [held_out], model.config).gains(abroad=True, rationales="none")
    return gains


def _judged(tried: list[Course], seed: int) -> Iterator[dict[str, Any]]:
    """Figures of the sources held out, each at the setting's best epoch over all of them."""
    for course in tried:
        epoch = _best_epoch(tried, course.setting)
        own, without = course.gains[epoch], course.gains[0]
        (interval,) = intervals(own[:, None])
        yield {
            "target": course.held_out,
            "model": course.setting.name,
            "train_mix": course.taught_by,
            "ndcg@10": interval.value,
            "interval": [interval.low, interval.high],
            "by_epoch": " ".join(f"{mean:.4f}" for mean in course.gains.mean(axis=1)),
            "epoch": epoch,
            "users": len(own),
            "against": f"{MODEL}, no experts",
            "minus_it": told(paired_difference(own, without)),
            "seed": seed,
            "git_sha": git_sha(),
        }


def _looked_at(
    sources: list[DomainData],
    target: DomainData,
    setting: Setting,
    epochs: int,
    config: ThoughtSpaceConfig,
) -> Iterator[dict[str, Any]]:
    """The target's test items, by texts alone, by the product's reading, and by experts on top of it."""
    plain, mix = plain_reading(sources, config), "+".join(data.domain for data in sources)
    model = next(islice(taught(plain, sources, setting), epochs, None))
    floor = evaluate_ranker(TextKNN(centred=True).fit(target), target, train_mix=None, seed=config.seed)
    without, own = (
        evaluate_ranker(ThoughtSpaceRanker(one, name), target, train_mix=mix, seed=config.seed)
        for one, name in ((plain, f"{MODEL}, no experts"), (model, setting.name))
    )
    yield from rows_of([floor, without], against=floor)
    for row in rows_of([own], against=floor):
        yield row | asdict(setting) | {"epochs": epochs, "minus_no_experts": told(difference(own, without))}


def _optimiser(model: ExpertSpace, setting: Setting) -> torch.optim.Optimizer:
    groups = [
        {"params": list(model.experts.parameters()), "weight_decay": setting.decay},
        {
            "params": [model.abroad.log_temperature],
            "lr": model.config.scalar_learning_rate,
            "weight_decay": 0.0,
        },
    ]
    return torch.optim.AdamW(groups, lr=setting.learning_rate)


if __name__ == "__main__":
    main()
