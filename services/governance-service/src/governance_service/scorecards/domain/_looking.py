"""Looking at a service's code through its windows: `/ops`, errors, health, metrics."""

from collections.abc import Mapping
from typing import Final

from ._facts import Answer, Facts
from ._findings import Finding, failed, passed, unknown

LIBRARIES: Final = ("maestro-core-api", "maestro-core-config", "maestro-core-logging", "maestro-core-monitoring")
STANDARD_METRICS: Final = (
    "service_requests_total",
    "service_request_duration_seconds",
    "service_errors_total",
    "service_health_status",
)
_MAJOR: Final = "1"


def dependencies(facts: Facts) -> Finding:
    """Check that the service stands on the shared libraries, in the versions of today."""
    info = _ops(facts.ops_info)
    if info is None:
        return _closed(facts, facts.ops_info, "which libraries it runs with")
    found = info.get("packages")
    packages = found if isinstance(found, Mapping) else {}
    versions = {name: str(packages.get(name, "")) for name in LIBRARIES}
    absent = [name for name, version in versions.items() if not version]
    if absent:
        return failed(
            f"runs without {', '.join(absent)}", f"declare {', '.join(f'{name} = ^1.0.0' for name in absent)}"
        )
    old = [f"{name} {version}" for name, version in versions.items() if version.split(".")[0] != _MAJOR]
    if old:
        return failed(f"runs with {', '.join(old)}", "declare ^1.0.0 and update")
    return passed(", ".join(f"{name} {version}" for name, version in versions.items()))


def logging(facts: Facts) -> Finding:
    """Check that the service logs through core-logging: its loggers can be set while it runs, and lines find their trace."""
    levels = _ops(facts.ops_loggers)
    if levels is None:
        return _closed(facts, facts.ops_loggers, "its loggers")
    if not isinstance(levels.get("levels"), Mapping):
        return failed("/ops/loggers shows no levels", "call configure_logging of maestro_core_logging at the start")
    request_id = "" if facts.missing is None else facts.missing.headers.get("x-request-id", "")
    if not request_id:
        return failed("answers carry no x-request-id", "log through maestro_core_logging and serve with MaestroAPI")
    return passed("/ops/loggers shows its levels; answers carry the x-request-id of their log lines")


def configuration(facts: Facts) -> Finding:
    """Check that the configuration comes through core-config, so that each value has a source."""
    settings = _ops(facts.ops_config)
    if settings is None:
        answer = facts.ops_config
        if answer is not None and answer.status == 404:
            return failed("/ops/config knows no settings", "load a BaseConfig and pass MaestroAPI(…, settings=manager)")
        return _closed(facts, answer, "its settings")
    listed = settings.get("settings")
    if not isinstance(listed, list) or not listed:
        return failed("/ops/config lists no settings", "load a BaseConfig and pass MaestroAPI(…, settings=manager)")
    return passed(f"/ops/config explains {len(listed)} settings")


def framework(facts: Facts) -> Finding:
    """Check that nothing is open without a token, as core-api has it."""
    if facts.anonymous is None:
        return unreachable(facts)
    body = facts.anonymous.body
    rule = body.get("rule") if isinstance(body, Mapping) else None
    if facts.anonymous.status == 401 and facts.anonymous.is_problem and rule:
        return passed(f"a call without a token is refused by the rule {rule!r}")
    return failed(
        f"a call without a token is answered with {facts.anonymous.status}",
        "serve with MaestroAPI of maestro_core_api, which wants a token for everything that is not marked public",
    )


def errors(facts: Facts) -> Finding:
    """Check that errors are problem documents."""
    if facts.missing is None:
        return unreachable(facts)
    remedy = "raise subclasses of APIException and serve with MaestroAPI: errors are then application/problem+json"
    if facts.missing.status != 404:
        return failed(f"an address that there is not is answered with {facts.missing.status}", remedy)
    if not facts.missing.is_problem:
        shown = facts.missing.content_type or "nothing"
        return failed(f"a 404 is {shown}, without all of type, title, status, error_code and trace_id", remedy)
    return passed(f"a 404 is a problem document with error_code {facts.missing.body['error_code']}")


def metrics(facts: Facts) -> Finding:
    """Check that the four standard metrics are there."""
    if facts.metrics is None:
        return unreachable(facts, "/metrics could not be read")
    absent = [name for name in STANDARD_METRICS if name not in facts.metrics.families]
    if absent:
        remedy = "serve with MaestroAPI, or make a MetricsCollector of maestro_core_monitoring and observe requests"
        return failed(f"/metrics lacks {', '.join(absent)}", remedy)
    return passed(f"/metrics has {', '.join(STANDARD_METRICS)}")


def health(facts: Facts) -> Finding:
    """Check that the service tells whether it lives and whether it is ready."""
    if facts.live is None or facts.ready is None:
        return unreachable(facts)
    if facts.live.status != 200:
        return failed(
            f"/health/live answers {facts.live.status}", "serve with MaestroAPI, and look why it is not alive"
        )
    if facts.ready.status != 200:
        return failed(
            f"/health/ready answers {facts.ready.status}", "look at its checks: something that it needs is away"
        )
    return passed("/health/live and /health/ready answer 200")


def tracing(facts: Facts) -> Finding:
    """Check that errors carry the trace that finds everything else."""
    if facts.missing is None:
        return unreachable(facts)
    body = facts.missing.body
    trace_id = body.get("trace_id") if isinstance(body, Mapping) else None
    if isinstance(trace_id, str) and len(trace_id) == 32 and trace_id.strip("0123456789abcdef") == "":
        return passed(f"errors carry their trace ({trace_id})")
    return failed("errors carry no trace_id", "serve with MaestroAPI, which opens a span for each request")


def unreachable(facts: Facts, what: str | None = None) -> Finding:
    """Say that the service could not be asked.

    Args:
        facts: What is known of it.
        what: What could not be asked, where that is not everything.
    """
    return unknown(
        facts.unreachable or what or "it did not answer", "start it, and let it register an address that can be reached"
    )


def _ops(answer: Answer | None) -> Mapping[str, object] | None:
    return answer.body if answer is not None and answer.status == 200 and isinstance(answer.body, Mapping) else None


def _closed(facts: Facts, answer: Answer | None, what: str) -> Finding:
    if answer is None:
        return unreachable(facts)
    if answer.status == 403 and answer.is_problem:
        return unknown(f"/ops tells {what} to admins only", "set scorecard_reads_ops of governance-service")
    if answer.status in {404, 405}:
        return failed(f"it has no /ops that would tell {what}", "serve with MaestroAPI, without enable_ops=False")
    return unknown(f"/ops answers {answer.status}", "look into its log")
