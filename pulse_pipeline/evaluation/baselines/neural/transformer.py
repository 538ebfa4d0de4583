"""The causal transformer that reads histories, shared by SASRec and its relatives."""

import torch
from torch import Tensor, nn

from pulse_pipeline.evaluation.baselines.neural.config import SequenceConfig

INITIAL_SPREAD = 0.02


class HistoryTransformer(nn.Module):
    """Self-attention over a history that sees the past only (Kang & McAuley, ICDM 2018)."""

    def __init__(self, config: SequenceConfig) -> None:
        """Build the blocks; normalisation stands before each layer, which trains more steadily."""
        super().__init__()
        self.length = config.history_length
        self.positions = nn.Embedding(config.history_length, config.width)
        self.dropout = nn.Dropout(config.dropout)
        block = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            dim_feedforward=4 * config.width,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        final = nn.LayerNorm(config.width)
        self.blocks = nn.TransformerEncoder(block, config.blocks, norm=final, enable_nested_tensor=False)
        nn.init.normal_(self.positions.weight, std=INITIAL_SPREAD)

    def forward(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Read histories.

        Args:
            items: Vectors of items, oldest first, padded at the end [b, length, d].
            lengths: How many of them are real [b].

        Returns:
            Row t knows items 0 to t and nothing later [b, length, d].
        """
        steps = torch.arange(items.shape[1], device=items.device)
        # The newest item has the last position, whatever the length.
        places = (self.length - lengths[:, None] + steps).clamp(0, self.length - 1)
        future = steps[None, :] > steps[:, None]
        hidden: Tensor = self.blocks(self.dropout(items + self.positions(places)), mask=future)
        return hidden


def embedding(n_items: int, width: int) -> nn.Embedding:
    """A table of item vectors with the small spread that tied softmax weights want."""
    table = nn.Embedding(n_items, width)
    nn.init.normal_(table.weight, std=INITIAL_SPREAD)
    return table
