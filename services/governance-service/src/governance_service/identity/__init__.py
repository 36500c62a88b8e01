"""Identity: users, roles, sessions and their tokens, API keys, outside providers."""
