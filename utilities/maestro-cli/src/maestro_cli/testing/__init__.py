"""Trying the command out: a folder of its own, with services that are started in an instant."""

from ._workspace import Workspace, alive, until

__all__ = ["Workspace", "alive", "until"]
