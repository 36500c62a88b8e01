"""Keys that sign: made, kept, published, replaced."""

from ._errors import KeyFolderError, KeysError, NoSigningKeyError
from ._key_folder import KeyFolder
from ._key_ring import KeyRing, Rotation
from ._signing_key import PublicKeys, SigningKey, b64url, thumbprint, unb64url

__all__ = [
    "KeyFolder",
    "KeyFolderError",
    "KeyRing",
    "KeysError",
    "NoSigningKeyError",
    "PublicKeys",
    "Rotation",
    "SigningKey",
    "b64url",
    "thumbprint",
    "unb64url",
]
