"""The audit trail: what was done, by whom, in a chain that nobody can change unseen."""

from .domain import AuditEntry, AuditError, AuditRecord, Outcome
from .trail import AuditTrail

__all__ = ["AuditEntry", "AuditError", "AuditRecord", "AuditTrail", "Outcome"]
