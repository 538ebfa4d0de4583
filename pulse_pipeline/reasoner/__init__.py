"""A small language model that chooses among candidates: LoRA fine-tuning, choice by likelihood."""
