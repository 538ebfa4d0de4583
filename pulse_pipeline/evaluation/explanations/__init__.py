"""Explanations: why an item is there, and how far what is said about it can be trusted."""
