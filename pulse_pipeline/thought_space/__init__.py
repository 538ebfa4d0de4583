"""Where behaviour and rationale meet: model, losses, training, scoring."""
