import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from intelligence_service.config import IntelligenceServiceConfig
from maestro_core_config import ConfigManager


@contextmanager
def process(folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAESTRO_", "INTELLIGENCE_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "intelligence_service"],
        cwd=folder,
        env={**own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def test_the_module_serves_and_stops_with_everything_it_started(tmp_path: Path) -> None:
    """`python -m intelligence_service` is ready, answers without a token only on open paths, and stops on SIGTERM."""
    environment = {"MAESTRO_JWT_SECRET": "x" * 40, "MAESTRO_DATA_DIR": str(tmp_path), "MAESTRO_LOG_FORMAT": "json"}
    with process(tmp_path, environment) as service:
        assert service.stdout is not None
        url = ""
        started = ""
        while not (url and started):
            line = service.stdout.readline()
            assert line, "the service ended before it served"
            if found := re.search(r'"url": ?"(http://[^"]+)"', line):
                url = found.group(1)
            if found := re.search(r'"pid": ?(\d+)', line):
                started = found.group(1)
        assert httpx2.get(f"{url}/health/ready", trust_env=False).status_code == 200
        assert httpx2.post(f"{url}/analyze", json={}, trust_env=False).status_code == 401
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=30)
        assert service.returncode == 0
    assert not Path(f"/proc/{started}").exists()


def test_a_configuration_that_is_wrong_is_told_and_stops_the_start(tmp_path: Path) -> None:
    """Every fault is printed, with where it comes from; the exit status says "configuration"."""
    environment = {"INTELLIGENCE_SERVICE_CACHE_TTL": "soon", "MAESTRO_PORT": "99999"}
    with process(tmp_path, environment) as service:
        out, _ = service.communicate(timeout=30)
    assert service.returncode == 78
    assert "INTELLIGENCE_SERVICE_CACHE_TTL" in out
    assert "MAESTRO_PORT" in out
    assert "Traceback" not in out


def test_settings_come_from_the_services_own_variables(tmp_path: Path) -> None:
    """The service's name is the prefix of its variables, and the guide's fields are there with the guide's defaults."""
    environment = {"INTELLIGENCE_SERVICE_MODEL_ENDPOINT": "http://127.0.0.1:8000/v1", "MAESTRO_CACHE_TTL": "60"}
    config = ConfigManager(IntelligenceServiceConfig, environ=environment, config_dir=tmp_path).load()
    assert (config.model_endpoint, config.cache_ttl, config.enable_learning) == ("http://127.0.0.1:8000/v1", 60, True)
    assert IntelligenceServiceConfig().cache_ttl == 3600
    assert IntelligenceServiceConfig.service_name == "intelligence-service"


@pytest.mark.parametrize("field", ["model_timeout", "model_concurrency", "local_model_threads"])
def test_nonsense_is_refused(field: str) -> None:
    """Times and counts are positive."""
    with pytest.raises(ValueError, match=field):
        IntelligenceServiceConfig.model_validate({field: 0})
