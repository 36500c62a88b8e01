"""Policies as code: named, versioned, tested, explained."""
