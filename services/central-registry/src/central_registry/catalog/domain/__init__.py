"""The rules of the catalog: what an entry may say, how it is compared with what traces show. No I/O here."""

from ._catalog import Catalog, Outcome, Put
from ._comparison import Comparison, compare
from ._entries import Dependency, DocumentInfo, DocumentKind, Draft, Entry, Link, Revision
from ._errors import CatalogFullError, EntryNotFoundError, InvalidEntryError
from ._limits import CatalogLimits
from ._observations import DayOfCalls, Observation, ObservedCalls
from ._storage import CatalogStore
from ._versions import is_older

__all__ = [
    "Catalog",
    "CatalogFullError",
    "CatalogLimits",
    "CatalogStore",
    "Comparison",
    "DayOfCalls",
    "Dependency",
    "DocumentInfo",
    "DocumentKind",
    "Draft",
    "Entry",
    "EntryNotFoundError",
    "InvalidEntryError",
    "Link",
    "Observation",
    "ObservedCalls",
    "Outcome",
    "Put",
    "Revision",
    "compare",
    "is_older",
]
