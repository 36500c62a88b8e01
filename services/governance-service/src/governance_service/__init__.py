"""Policies, approvals, the audit trail, scorecards and identity."""
