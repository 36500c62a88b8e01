"""Analysis by persona over any OpenAI-compatible model."""
