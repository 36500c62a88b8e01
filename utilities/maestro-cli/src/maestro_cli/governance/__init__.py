"""Governance-service, in the words of the command line: who has signed in, its HTTP interface, and its audit trail verified here."""

from ._client import GovernanceClient
from ._credentials import Credentials, CredentialsFile
from ._opening import governance_url, open_governance
from ._signing_in import signed_in, signed_out
from ._trail import TrailBroken, TrailReader, TrailReport
from ._witness import Witness, read_witness, write_witness

__all__ = [
    "Credentials",
    "CredentialsFile",
    "GovernanceClient",
    "TrailBroken",
    "TrailReader",
    "TrailReport",
    "Witness",
    "governance_url",
    "open_governance",
    "read_witness",
    "signed_in",
    "signed_out",
    "write_witness",
]
