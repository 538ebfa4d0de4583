"""Why users act, written by a small language model: specs, prompts, generation, checks."""
