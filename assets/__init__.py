"""The Dagster assets, one file for each stage word. The work itself lives in pulse_pipeline."""
