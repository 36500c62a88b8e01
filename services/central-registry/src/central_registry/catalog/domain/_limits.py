"""What an entry may say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from central_registry.domain import SERVICE_NAME, VERSION, Fault

from ._entries import Draft

_LINK: Final = re.compile(r"https?://[\x21-\x7e]{1,2000}")
_NAME_RULE: Final = "must be a DNS label: 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends"


@dataclass(frozen=True, slots=True)
class CatalogLimits:
    """The bounds of the catalog."""

    max_services: int = 2_000
    """Entries."""
    max_document_bytes: int = 2 * 1024 * 1024
    """Room for one document, in bytes of JSON."""
    max_revisions: int = 20
    """Revisions of an entry that are kept."""
    max_links: int = 50
    """Pages about a service."""
    max_dependencies: int = 200
    """Dependencies of a service."""
    max_pairs: int = 20_000
    """Pairs of caller and callee that are kept of what was observed."""

    def faults(self, service: str, draft: Draft) -> Iterator[Fault]:
        """Find what is wrong with an entry, apart from its documents.

        Args:
            service: Name of the service.
            draft: What it says.

        Yields:
            Each fault, by the field's name on the wire.
        """
        if not SERVICE_NAME.fullmatch(service):
            yield Fault("name", _NAME_RULE)
        if not VERSION.fullmatch(draft.version):
            yield Fault("version", "must be 1 to 64 of letters, digits, '.', '_', '+', '-', and begin with no sign")
        for field, text, most in (("owner", draft.owner, 200), ("description", draft.description, 5_000)):
            if (fault := _text_fault(text, most)) is not None:
                yield Fault(field, fault)
        yield from self._link_faults(draft)
        yield from self._dependency_faults(service, draft)

    def _link_faults(self, draft: Draft) -> Iterator[Fault]:
        if len(draft.docs) > self.max_links:
            yield Fault("docs", f"has {len(draft.docs)} links; at most {self.max_links} are allowed")
            return
        for place, link in enumerate(draft.docs):
            if (fault := _text_fault(link.title, 200)) is not None:
                yield Fault(f"docs.{place}.title", fault)
            if not _LINK.fullmatch(link.url):
                yield Fault(
                    f"docs.{place}.url", "must be an address that begins with http:// or https://, without spaces"
                )

    def _dependency_faults(self, service: str, draft: Draft) -> Iterator[Fault]:
        if len(draft.dependencies) > self.max_dependencies:
            count = len(draft.dependencies)
            yield Fault("dependencies", f"has {count} services; at most {self.max_dependencies} are allowed")
            return
        seen: set[str] = set()
        for place, dependency in enumerate(draft.dependencies):
            if not SERVICE_NAME.fullmatch(dependency.service):
                yield Fault(f"dependencies.{place}.service", _NAME_RULE)
            elif dependency.service == service:
                yield Fault(f"dependencies.{place}.service", "must be another service")
            elif dependency.service in seen:
                yield Fault(f"dependencies.{place}.service", f"names {dependency.service} a second time")
            seen.add(dependency.service)
            if (fault := _text_fault(dependency.reason, 500)) is not None:
                yield Fault(f"dependencies.{place}.reason", fault)


def _text_fault(text: str, most: int) -> str | None:
    if len(text) > most:
        return f"has {len(text)} characters; at most {most} are allowed"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must be text that has a UTF-8 form"
    return None
