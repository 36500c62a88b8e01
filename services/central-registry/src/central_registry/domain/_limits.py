"""What a registration may say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from ._errors import Fault, InvalidRegistrationError
from ._health_limits import health_faults
from ._instances import Registration

# RFC 1123, section 2.1: the name is the host part of service:// addresses and may become a DNS name.
SERVICE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_INSTANCE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_ZONE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=/-]{0,62}")
_MAX_TAGS: Final = 32
_PLAIN_TEXT: Final = re.compile(r"[\x21-\x7e]+")
_MAX_URL_CHARS: Final = 2_048


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of what a registration may say."""

    min_lease: timedelta = timedelta(seconds=1)
    """The shortest lease; shorter ones would end before a busy machine gets round to renewing them."""
    max_lease: timedelta = timedelta(minutes=5)
    """The longest lease: how long a killed instance can go on being shown."""
    max_metadata_bytes: int = 4_096
    """Room for all keys and values of the metadata together, in UTF-8 bytes."""
    max_instances: int = 10_000
    """How many instances are taken, of all services together."""

    def check(self, registration: Registration) -> None:
        """Refuse a registration that breaks the rules.

        Args:
            registration: What the service says.

        Raises:
            InvalidRegistrationError: It names every fault.
        """
        if faults := tuple(self._faults(registration)):
            raise InvalidRegistrationError(faults)

    def _faults(self, registration: Registration) -> Iterator[Fault]:
        if not SERVICE_NAME.fullmatch(registration.service):
            yield Fault("name", "must be a DNS label: 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends")
        if not _INSTANCE_ID.fullmatch(registration.instance_id):
            yield Fault("instance_id", "must be 1 to 128 of letters, digits, '.', '_', '-', and begin with no sign")
        if not VERSION.fullmatch(registration.version):
            yield Fault("version", "must be 1 to 64 of letters, digits, '.', '_', '+', '-', and begin with no sign")
        if (fault := _url_fault(registration.url)) is not None:
            yield Fault("url", fault)
        if not self.min_lease <= registration.lease <= self.max_lease:
            yield Fault("lease_s", f"must be from {_seconds(self.min_lease)} to {_seconds(self.max_lease)}")
        if (fault := _metadata_fault(registration.metadata, self.max_metadata_bytes)) is not None:
            yield Fault("metadata", fault)
        if registration.zone is not None and not _ZONE.fullmatch(registration.zone):
            yield Fault("zone", "must be 1 to 63 of letters, digits, '.', '_', '-', and begin with no sign")
        if len(registration.tags) > _MAX_TAGS or not all(map(_TAG.fullmatch, registration.tags)):
            yield Fault(
                "tags",
                f"must be at most {_MAX_TAGS}, each 1 to 63 of letters, digits, and '._:=/-', beginning with no sign",
            )
        if registration.health_check is not None:
            yield from health_faults(registration.health_check, registration.url)


def _url_fault(url: str) -> str | None:
    if len(url) > _MAX_URL_CHARS:
        return f"has {len(url)} characters; at most {_MAX_URL_CHARS} are allowed"
    if not _PLAIN_TEXT.fullmatch(url):
        return "must be an address of ASCII characters without spaces"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"is not an address: {error}"
    rules = (
        (parts.scheme in {"http", "https"}, "must begin with http:// or https://"),
        (bool(host), "must name a host"),
        (port != 0, "must name the port that the service listens on, not 0"),
        (parts.username is None, "must not hold a user or password: everyone who may look up would see it"),
        ("?" not in url and "#" not in url, "must not have a query or fragment: paths are put after it"),
    )
    return next((message for kept, message in rules if not kept), None)


def _metadata_fault(metadata: Mapping[str, str], max_bytes: int) -> str | None:
    try:
        size = sum(len(text.encode()) for item in metadata.items() for text in item)
    except UnicodeEncodeError:
        # JSON can spell half of a surrogate pair, which no answer could be written with.
        return "must be text that has a UTF-8 form"
    return f"has {size} bytes; at most {max_bytes} are allowed" if size > max_bytes else None


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"
