"""Rows of the `metrics` table, arranged as the sections of the report show them: one file a section."""
