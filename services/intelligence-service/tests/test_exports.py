from intelligence_service import testing
from intelligence_service.domain import licenses


def test_public_names_of_the_recogniser() -> None:
    """The recogniser's public names are these and no others, sorted."""
    assert licenses.__all__ == [
        "LicenseCorpus",
        "LicenseFindings",
        "LicenseRecognizer",
        "Passage",
        "ReferenceKind",
        "ReferenceText",
        "TextFinding",
        "Verdict",
    ]
    assert all(hasattr(licenses, name) for name in licenses.__all__)


def test_public_names_for_tests() -> None:
    """The test doubles are public and sorted."""
    assert testing.__all__ == sorted(testing.__all__)
    assert all(hasattr(testing, name) for name in testing.__all__)
