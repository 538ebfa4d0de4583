"""What a rationale must not be: one check a file."""
