"""Training by several processes, each on a GPU of its own where there are GPUs.

    torchrun --nproc-per-node 4 -m pulse_pipeline.commands.train MIX [--config pulse.yaml]

It leaves finished trainings in the home's cache, where ``pulse run --select thought_space_model`` finds
them: tracking, lineage and checkpoints come about as they do after a training by one process.
"""

import argparse
from pathlib import Path

from assets.thought_space import domain_data, train_mix
from pulse_pipeline.commands.tables import read_table
from pulse_pipeline.domains import load_registry
from pulse_pipeline.home import Home
from pulse_pipeline.settings import load_settings
from pulse_pipeline.thought_space.assemble import PROTOCOLS
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.workers import launched


def main() -> None:
    """Train one mix under every protocol that it allows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("mix", help="a training mix, such as a domain's name")
    parser.add_argument("--config", type=Path, help="settings file; else pulse.yaml or the defaults")
    arguments = parser.parse_args()
    home = Home.from_environment()
    config = load_settings(arguments.config).thought_space
    with launched() as workers:
        for protocol in PROTOCOLS:
            domains = mix_data(home, arguments.mix, protocol)
            if domains:
                state = home.training_of("thought_space_model", arguments.mix) / f"{protocol}.safetensors"
                train_mix(arguments.mix, domains, config, state, workers)


def mix_data(home: Home, mix: str, protocol: Protocol) -> list[DomainData]:
    """The domains of a mix that can be split this way, as the pipeline trains on them.

    Raises:
        PulseError: There is no such mix, or a table is not there yet.
    """
    members = load_registry().members(mix)
    interactions, items, rationales = (
        {domain: read_table(home, asset, domain) for domain in members}
        for asset in ("interactions", "item_embeddings", "rationale_embeddings")
    )
    return domain_data(protocol, interactions, items, rationales)


if __name__ == "__main__":
    main()
