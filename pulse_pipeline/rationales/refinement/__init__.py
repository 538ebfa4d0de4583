"""Tree-of-Thought refinement: chains of short thoughts, grown level by level and scored."""
