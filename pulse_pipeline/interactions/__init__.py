"""From raw logs to clean interactions, items and splits. Nothing here knows a model."""
