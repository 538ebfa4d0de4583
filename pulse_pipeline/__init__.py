"""PULSE: the method, without any orchestration."""
