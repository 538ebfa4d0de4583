"""The outside world behind small typed interfaces: language model, encoder, tracking, storage."""
