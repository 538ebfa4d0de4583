"""What the commands of `pulse` do, one a file; `pulse_pipeline.cli` only parses their words."""
