"""Protocols, metrics, baselines, transfer and the report. Nothing here trains the Thought Space."""
