"""Why a cluster was not reached, and what to do about it: TLS says it in terms that few know by heart."""

from __future__ import annotations

from maestro_workflow_engine._errors import ClusterUnreachableError
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._calls import said

_SIGNS = (
    (("UnknownIssuer", "CaUsedAsEndEntity", "BadSignature"), "the server's certificate is from another authority: name it with server_ca=FILE"),
    (("NotValidForName", "not valid for name"), "the server's certificate is for another name: use the host that it names"),
    (("certificate expired", "Expired"), "the server's certificate has expired: renew it"),
    (("CertificateRequired",), "the server wants to know the client: give client_cert=FILE and client_key=FILE"),
    (("CertificateExpired",), "the client's certificate has expired: renew client_cert"),
    (
        ("UnknownCA", "BadCertificate", "CertificateUnknown", "AccessDenied", "DecryptError"),
        "the server does not accept the client's certificate: check client_cert, client_key and that it has not expired",
    ),
    (("InvalidContentType", "corrupt message"), "the server does not speak TLS: leave out tls=1, certificates and API key"),
    (("Unauthenticated", "PermissionDenied", "unauthorized"), "the server refuses the API key: check api_key_file and the namespace"),
    (("KeyMismatch", "InconsistentKeys", "private key"), "client_key is not the key of client_cert"),
)  # fmt: skip


def turned_away(address: TemporalAddress, error: Exception) -> ClusterUnreachableError:
    """Return the error for a cluster that could not be reached, with what to do.

    Args:
        address: The cluster.
        error: What the SDK raised.
    """
    whole, reason = str(error), said(error)
    for signs, advice in _SIGNS:
        if any(sign in whole for sign in signs):
            return ClusterUnreachableError(address.target, f"{advice} ({reason})")
    if "refused" in reason:  # nothing listens there
        reason = f"{reason}; is it running?"
    elif not address.tls:
        reason = f"{reason}; is it running, and does it want TLS (tls=1)?"
    elif address.client_cert is None:
        reason = f"{reason}; does the server want a client's certificate (client_cert, client_key)?"
    else:
        reason = f"{reason}; does the server accept client_cert?"
    return ClusterUnreachableError(address.target, reason)
