"""The migration checklist, checked for every registered service."""
