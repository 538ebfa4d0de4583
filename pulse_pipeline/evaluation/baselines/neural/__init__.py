"""Baselines that are trained by gradients, on one small trainer."""
