"""A language model as an encoder reads plain text, all of it alike."""

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from resources.text_encoder import hidden_states


def test_a_language_model_reads_with_the_mean_of_its_last_hidden_states(weights):
    texts = ["wool and silk", "Three sisters by the sea, told by the youngest of them, who left. " * 2]
    tokenizer, model = AutoTokenizer.from_pretrained(weights), AutoModel.from_pretrained(weights)
    with torch.no_grad():
        alone = [model.float()(**tokenizer(text, return_tensors="pt")).last_hidden_state[0] for text in texts]
    expected = torch.stack([states.mean(dim=0) for states in alone])
    expected = expected / expected.norm(dim=1, keepdim=True)
    found = hidden_states(weights).encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.allclose(found, expected.numpy(), atol=1e-5)
