"""The commands, one module each; they are loaded by name."""

__all__: list[str] = []
