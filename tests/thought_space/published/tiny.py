"""A text encoder of a few thousand weights, built from a config: nothing is downloaded."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from pulse_pipeline.thought_space.published.space import TunableEncoder


def byte_tokenizer():
    """One token a byte after the mark of the first place, so that any text can be read."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<pad>": 0, "<first>": 1} | {letter: n for n, letter in enumerate(alphabet, start=2)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _wrapped(tokenizer)


def word_tokenizer(words):
    """One token a word of a short list."""
    vocabulary = {word: n for n, word in enumerate(["<pad>", "<first>", "<unknown>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _wrapped(tokenizer)


def tiny_encoder(tokenizer, *, width=32, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=256,
            initializer_range=0.2,
        )
        return TunableEncoder(BertModel(config).eval(), tokenizer)


def _wrapped(tokenizer):
    tokenizer.post_processor = processors.TemplateProcessing("<first> $A", special_tokens=[("<first>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", cls_token="<first>")
