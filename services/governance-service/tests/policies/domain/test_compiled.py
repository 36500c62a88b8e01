import json
import subprocess
import sys

import pytest

from governance_service.policies.domain import (
    WITHOUT_APPROVAL,
    CompiledPolicy,
    Entity,
    InvalidDecisionRequestError,
    InvalidPolicyError,
    Outcome,
    PolicySource,
    Question,
)

SCHEMA = """
entity Team;
entity User in [Team] = { level?: Long, manager?: User };
entity Order = { cents: Long, risk: decimal, tags?: Set<String> };
action pay, pay_without_approval, look appliesTo { principal: [User], resource: Order, context: { note?: String } };
"""
RULES = """
@id("staff") @text("{principal} may {action} orders like {resource} ({resource.cents} cents, {context.note}).")
permit (principal in Team::"staff", action in [Action::"pay", Action::"look"], resource);

@id("small") @text("{resource.cents} cents are little.")
permit (principal, action == Action::"pay_without_approval", resource) when { resource.cents < 1000 };

@id("risky") @text("A risk of {resource.risk} is too high.")
forbid (principal, action in [Action::"pay", Action::"pay_without_approval"], resource)
when { resource.risk.greaterThan(decimal("0.9")) };

@id("tagged") @text("Tagged {resource.tags}.")
forbid (principal, action == Action::"pay_without_approval", resource)
when { resource has tags && resource.tags.contains("check") };
"""
STAFF = Entity("Team", "staff")
ADA = Entity("User", "ada", parents=(STAFF,))


def order(cents: int = 500, risk: float = 0.1, **more: object) -> Entity:
    return Entity("Order", "o-1", {"cents": cents, "risk": risk, **more})


@pytest.fixture(scope="module")
def policy() -> CompiledPolicy:
    return CompiledPolicy("payments", PolicySource(RULES, SCHEMA))


def asked(
    policy: CompiledPolicy, resource: Entity, *, action: str = "pay", principal: Entity = ADA
) -> tuple[str, list[str]]:
    verdict = policy.answer(Question(principal, action, resource))
    return verdict.outcome, [reason.rule for reason in verdict.reasons]


def test_there_are_three_outcomes_and_each_names_its_rules(policy: CompiledPolicy) -> None:
    """What both actions allow is allowed, what only the first allows needs an approval, what the first denies is denied."""
    assert asked(policy, order()) == (Outcome.ALLOW, ["small"])
    assert asked(policy, order(cents=5_000)) == (Outcome.NEEDS_APPROVAL, ["default-approval"])
    assert asked(policy, order(tags=["check"])) == (Outcome.NEEDS_APPROVAL, ["tagged"])
    assert asked(policy, order(risk=0.95)) == (Outcome.DENY, ["risky"])
    assert asked(policy, order(), principal=Entity("User", "bo")) == (Outcome.DENY, ["default-deny"])


def test_an_action_without_a_stricter_one_has_two_outcomes(policy: CompiledPolicy) -> None:
    """Where there is nothing to approve there is allow and deny; the stricter action can be asked by itself."""
    assert asked(policy, order(), action="look") == (Outcome.ALLOW, ["staff"])
    assert asked(policy, order(cents=5_000), action="pay_without_approval") == (Outcome.DENY, ["default-deny"])


@pytest.mark.parametrize("action", ["pay-now", "pay now", "zahlen für", 'pay"', "pay\\", "pay\n", "Pay::Now", ""])
def test_an_action_of_any_name_has_a_stricter_one(action: str) -> None:
    """Quoted names ask for approvals as bare ones do: what only the first action allows is not allowed at once."""
    known = json.dumps(action, ensure_ascii=False), json.dumps(action + WITHOUT_APPROVAL, ensure_ascii=False)
    schema = f"entity User; entity Order; action {', '.join(known)} appliesTo {{ principal: User, resource: Order }};"
    text = f'@id("all") @text("t") permit (principal, action == Action::{known[0]}, resource);'
    verdict = CompiledPolicy("p", PolicySource(text, schema)).answer(
        Question(Entity("User", "ada"), action, Entity("Order", "o"))
    )
    assert verdict.outcome is Outcome.NEEDS_APPROVAL


def test_a_stricter_action_that_applies_to_nothing_allows_nothing() -> None:
    """Where the stricter action cannot be asked the question is refused, not allowed."""
    schema = "entity User; entity Order; action pay appliesTo { principal: User, resource: Order };"
    schema += " action pay_without_approval;"
    text = '@id("all") @text("t") permit (principal, action == Action::"pay", resource);'
    policy = CompiledPolicy("p", PolicySource(text, schema))
    with pytest.raises(InvalidDecisionRequestError, match="pay_without_approval"):
        policy.answer(Question(Entity("User", "ada"), "pay", Entity("Order", "o")))


def test_reasons_are_sentences_with_the_values_of_the_question(policy: CompiledPolicy) -> None:
    """Placeholders become what was asked; what was not given is said to be unknown; a default says that it is one."""
    (reason,) = policy.answer(Question(ADA, "look", order(cents=7), {"note": "today"})).reasons
    assert reason.text == "ada may look orders like o-1 (7 cents, today)."
    (reason,) = policy.answer(Question(ADA, "look", order(cents=7))).reasons
    assert reason.text.endswith("(7 cents, unknown note).")
    (reason,) = policy.answer(Question(Entity("User", "bo"), "look", order())).reasons
    assert reason.text == "No rule allows bo to look o-1, and what no rule allows is denied"
    (reason,) = policy.answer(Question(ADA, "pay", order(tags=["a", "check"]))).reasons
    assert reason.text == "Tagged a, check."


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(ADA, "steal", order()), "does not exist"),
        (Question(Entity("Robot", "r"), "pay", order()), "Robot"),
        (Question(ADA, "pay", Entity("Order", "o", {"cents": 5})), "risk"),
        (Question(ADA, "pay", order(cents="many")), "cents"),  # type: ignore[arg-type]
        (Question(ADA, "pay", order(), {"note": 5}), "not valid"),
        (Question(ADA, "pay", order(), {"unknown": True}), "unknown"),
        (Question(ADA, "pay", order(colour="red")), "colour"),
        (Question(ADA, "pay", order(risk=1e300)), "fit"),
        (Question(ADA, "pay", order(risk=float("nan"))), "fit"),
        (Question(ADA, "pay", order(cents=2**70)), "fit"),
        (Question(ADA, 'pay"', order()), "fit"),
        (Question(ADA, "pay", order(), {"note": "\ud800"}), "fit"),
        (Question(Entity("User", "a", parents=(Entity("User", "a"),)), "pay", order()), "fit"),
    ],
)  # fmt: skip
def test_a_question_that_does_not_fit_the_schema_is_refused(
    policy: CompiledPolicy, question: Question, said: str
) -> None:
    """Unknown actions and types, missing, wrong and unknown attributes: each is the asker's fault and says what."""
    with pytest.raises(InvalidDecisionRequestError, match=said):
        policy.answer(question)


def test_what_cannot_be_evaluated_is_denied() -> None:
    """A rule that fails at run time does not silently let others allow."""
    text = '@id("sum") @text("s") permit (principal, action, resource);\n'
    text += '@id("over") @text("o") forbid (principal, action, resource) when { resource.cents * 10 > 5 };'
    policy = CompiledPolicy("p", PolicySource(text, SCHEMA))
    assert asked(policy, order(cents=2**62), action="look") == (Outcome.DENY, ["evaluation-error"])


def annotated(rule: str) -> str:
    return f'@id("r") @text("t") {rule}'


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("permit(", "text", "does not parse"),
        ("", "text", "no rules"),
        ("// nothing but a remark", "text", "no rules"),
        ("permit (principal, action, resource);", "rule 1", "@id"),
        ('@id("r") permit (principal, action, resource);', "r", "@text"),
        ('@id("R!") @text("t") permit (principal, action, resource);', "rule 1", "@id"),
        (annotated("permit (principal, action, resource);") * 2, "r", "2 rules"),
        ('@id("r") @text("{secret}") permit (principal, action, resource);', "r", "{secret}"),
        (annotated("permit (principal, action, resource) when { resource.nothing };"), "r", "nothing"),
        (annotated('permit (principal, action == Action::"fly", resource);'), "r", "fly"),
        (annotated("permit (principal == ?principal, action, resource);"), "text", "templates"),
        (annotated("permit (principal, action, resource) when {" + "(" * 5_000 + "true" + ")" * 5_000 + "};"), "text", "deep"),
        (annotated("permit (principal, action, resource) when {" + "[" * 900 + "]" * 900 + " == []};"), "text", "deep"),
        (annotated("permit (principal, action, resource) when {" + "if true then true else " * 2_500 + "true};"), "text", "'if'"),
        (annotated("permit (principal, action, resource) when {" + " && ".join(["true"] * 1_000) + "};"), "text", "1000 operators"),
        (annotated("permit (principal, action, resource) when {" + " || ".join(["true"] * 1_000) + "};"), "text", "1000 operators"),
        (annotated("permit (principal, action, resource) when { 1" + " * 1" * 1_000 + " == 1};"), "text", "1001 operators"),
        (annotated("permit (principal, action, resource) when { -1" + " - 1" * 300 + " == 1};"), "text", "302 operators"),
        (annotated("permit (principal, action, resource) when {" + "(true && " * 40 + ("true && " * 200) + "true" + ")" * 40 + "};"), "text", "241 operators"),
        (annotated("permit (principal, action, resource)" + " when {true} unless {false}" * 150 + ";"), "text", "300 operators"),
        (annotated("permit (principal, action, resource) when { principal" + ".manager" * 1_000 + " == principal};"), "text", "1000 attributes"),
        (annotated("permit (principal, action, resource) when { principal has " + "a." * 500 + "a};"), "text", "500 attributes"),
        (annotated("permit (principal, action, resource) when { principal" + '["manager"]' * 100 + " == principal};"), "text", "100 attributes"),
        (annotated("permit (principal, action, resource) when {" + "!" * 1_000 + "true};"), "text", "1001 operators"),
        ("x" * 70_000, "text", "70000 characters"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_used_is_refused_and_says_why(text: str, path: str, said: str) -> None:
    """What does not parse, does not fit its schema, cannot be explained or would end the process is refused, with its place."""
    with pytest.raises(InvalidPolicyError, match=said) as caught:
        CompiledPolicy("p", PolicySource(text, SCHEMA))
    assert path in [fault.path for fault in caught.value.faults]


def test_a_chain_that_would_end_the_process_is_refused() -> None:
    """Cedar's parser overflows the stack by a long sum, which no `try` survives; so this is tried in another process."""
    script = f"""
from governance_service.policies.domain import CompiledPolicy, InvalidPolicyError, PolicySource
rule = '@id("r") @text("t") permit (principal, action, resource) when {{ 1' + '+1' * 30_000 + ' == 1 }};'
try:
    CompiledPolicy("p", PolicySource(rule, {SCHEMA!r}))
except InvalidPolicyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, "30001 operators" in done.stdout) == (0, True), done.stderr


def test_what_stays_within_the_bounds_is_used() -> None:
    """Many conditions, many rules, large sets and everything at its bound at once are read and answered."""
    conditions = [
        " && ".join(["resource.cents == 500"] * 150),
        " || ".join(["1 == 1"] * 200),
        "-1" + " + 1" * 190 + " == 189",
    ]
    conditions.append("(" * 40 + " && ".join(["resource.cents > 1"] * 150) + ")" * 40)
    conditions.append("principal in [" + ", ".join(['User::"ada"'] * 2_000) + "]")
    rules = [
        f'@id("r{at}") @text("t") permit (principal, action, resource) when {{ {one} }};'
        for at, one in enumerate(conditions)
    ]
    policy = CompiledPolicy("p", PolicySource("\n".join(rules), SCHEMA))
    assert asked(policy, order(), action="look") == (Outcome.ALLOW, ["r0", "r1", "r2", "r3", "r4"])


@pytest.mark.parametrize(
    "schema", ["entity", "entity A = {", "entity A = { a: " + "Set<" * 400 + "Long" + ">" * 400 + " };"]
)
def test_a_schema_that_cannot_be_used_is_refused(schema: str) -> None:
    """A schema that does not parse, or is too deep, is a fault of the schema."""
    with pytest.raises(InvalidPolicyError) as caught:
        CompiledPolicy("p", PolicySource(RULES, schema))
    assert [fault.path for fault in caught.value.faults] == ["schema"]


def test_brackets_in_texts_and_remarks_do_not_count() -> None:
    """A text or remark may hold as many brackets as it likes."""
    text = f'// {"(" * 100}\n@id("r") @text("{"(" * 100}\\"(") permit (principal, action, resource);'
    assert [rule.id for rule in CompiledPolicy("p", PolicySource(text, SCHEMA)).rules] == ["r"]
