"""A workflow that asks a policy, and a person where the policy wants one."""

from datetime import timedelta

from pydantic import BaseModel

from maestro_core_api import APIClient
from maestro_core_config import BaseConfig, ConfigManager
from maestro_workflow_engine import RetryPolicy, info, receive, step, workflow

AGAIN = RetryPolicy(max_attempts=8, initial_interval=timedelta(milliseconds=200))


class Package(BaseModel):
    name: str
    licenses: list[str]
    confidence: float


def services() -> APIClient:
    """Call services under a name of one's own."""
    return APIClient.for_service(ConfigManager(BaseConfig, service_name="use-package").load())


@step(retry=AGAIN)
async def ask_policy(package: Package) -> str:
    question = {
        "policy": "licences",
        "principal": {"type": "Service", "id": "use-package"},
        "action": "use",
        "resource": {
            "type": "Distribution",
            "id": package.name,
            "attributes": {"licenses": package.licenses, "confidence": package.confidence},
        },
    }
    async with services() as client:
        answer = await client.post("service://governance-service/decisions", json=question)
    decision: str = answer.json()["decision"]
    return decision


# region: people
@step(retry=AGAIN)
async def ask_people(approval_id: str, run_id: str, title: str) -> None:
    asked = {
        "id": approval_id,  # the same id again is the same approval, so that a step may be tried again
        "title": title,
        "run_id": run_id,
        "signal": approval_id,  # a signal of its own: nothing else can be mistaken for it
        "candidates": {"roles": ["approver"]},
        "due_in_s": 3 * 24 * 3600,
    }
    async with services() as client:
        await client.post("service://governance-service/approvals", json=asked)


@workflow(name="examples/use-package")
async def use_package(package: Package) -> str:
    decision = await ask_policy(package)
    if decision != "needs_approval":
        return decision
    approval_id = f"{info().run_id}.approval"
    await ask_people(approval_id, info().run_id, f"Use {package.name} ({', '.join(package.licenses)})?")
    outcome = await receive(approval_id)
    return "allow" if outcome["decision"] == "approve" else "deny"


# endregion: people
