"""Writes docs/validation.md: published figures beside the model's."""
