"""Each rule with code that breaks it and code like it that does not."""

from __future__ import annotations

import pytest

from maestro_workflow_engine.lint import RULES, lint_source

HEAD = """
import asyncio
from maestro_workflow_engine import now, random, step, uuid4, workflow

@step
async def work(n=0) -> int: ...

"""


def codes(imports: str, body: str) -> list[str]:
    """Put some lines into a workflow and return the codes of what is found."""
    inside = "".join(f"    {line}\n" for line in body.splitlines())
    return [each.code for each in lint_source(f"{imports}\n{HEAD}@workflow\nasync def flow(given=None):\n{inside}")]


BAD = [
    ("MWF101", "import time", "time.time()"),
    ("MWF101", "import time as t", "t.monotonic()"),
    ("MWF101", "from time import perf_counter as tick", "tick()"),
    ("MWF101", "import time", "clock = time.time_ns"),
    ("MWF101", "import time", "sorted([1], key=lambda n: time.time())"),
    ("MWF101", "import datetime", "datetime.datetime.now(datetime.UTC)"),
    ("MWF101", "from datetime import datetime as dt", "dt.utcnow()"),
    ("MWF101", "import datetime as d", "d.date.today()"),
    ("MWF101", "from time import *", "monotonic()"),
    ("MWF101", "", "import time\nreturn time.time()"),
    ("MWF101", "import time\nSTARTED = time.time()", "return STARTED"),
    ("MWF102", "import time", "time.sleep(1)"),
    ("MWF103", "from datetime import datetime", "datetime.fromtimestamp(5)"),
    ("MWF103", "", "now().astimezone()"),
    ("MWF201", "import random as r", "r.randint(1, 6)"),
    ("MWF201", "from random import choice", "choice([1, 2])"),
    ("MWF201", "import random as r", "r.Random()"),
    ("MWF201", "import random as r\nDICE = r.Random(7)", "DICE.random()"),
    ("MWF201", "import numpy as np", "np.random.rand(3)"),
    ("MWF202", "import secrets", "secrets.token_hex(8)"),
    ("MWF202", "import os", "os.urandom(8)"),
    ("MWF202", "import random as r", "r.SystemRandom().random()"),
    ("MWF203", "import uuid", "uuid.uuid4()"),
    ("MWF203", "from uuid import uuid1 as new_id", "str(new_id())"),
    ("MWF301", "import os", "os.environ['HOME']"),
    ("MWF301", "import os", "os.environ.get('HOME')"),
    ("MWF301", "from os import getenv", "getenv('HOME')"),
    ("MWF301", "import os\nREGION = os.environ.get('REGION')", "return REGION"),
    ("MWF301", "import os", "os.getpid()"),
    ("MWF301", "import platform", "platform.node()"),
    ("MWF301", "import sys", "sys.argv[1:]"),
    ("MWF301", "from pathlib import Path", "Path.cwd()"),
    ("MWF401", "", "open('x')"),
    ("MWF401", "", "with open('x') as file:\n    pass"),
    ("MWF401", "import os", "os.listdir('.')"),
    ("MWF401", "import os.path", "os.path.exists('x')"),
    ("MWF401", "import shutil", "shutil.rmtree('x')"),
    ("MWF401", "from pathlib import Path", "Path('x').mkdir()"),
    ("MWF401", "from pathlib import Path", "(Path('x') / 'y').parent.joinpath('z').exists()"),
    ("MWF401", "from pathlib import Path", "folder = Path('x')\nfolder.iterdir()"),
    ("MWF401", "", "given.write_text('x')"),
    ("MWF401", "from tempfile import TemporaryDirectory", "TemporaryDirectory()"),
    ("MWF402", "import socket", "socket.create_connection(('a', 1))"),
    ("MWF402", "import requests", "requests.get('https://example.com')"),
    ("MWF402", "import httpx", "async with httpx.AsyncClient():\n    pass"),
    ("MWF402", "import httpx2 as httpx", "httpx.get('https://example.com')"),
    ("MWF402", "try:\n    import httpx2 as http\nexcept ImportError:\n    http = None", "http.get('x')"),
    ("MWF402", "import urllib.request", "urllib.request.urlopen('https://example.com')"),
    ("MWF402", "from urllib import request", "request.urlopen('https://example.com')"),
    ("MWF402", "", "await asyncio.open_connection('a', 1)"),
    ("MWF402", "", "loop = asyncio.get_running_loop()\nawait loop.create_connection(object, 'a', 1)"),
    ("MWF403", "import subprocess", "subprocess.run(['ls'])"),
    ("MWF403", "from subprocess import Popen", "Popen(['ls'])"),
    ("MWF403", "import os", "os.system('ls')"),
    ("MWF403", "import multiprocessing as mp", "mp.Pool(2)"),
    ("MWF403", "", "await asyncio.create_subprocess_exec('ls')"),
    ("MWF404", "import sqlite3", "sqlite3.connect('x.db')"),
    ("MWF404", "import sqlalchemy as sa", "sa.create_engine('sqlite://')"),
    ("MWF405", "", "input('name? ')"),
    ("MWF405", "import sys", "sys.stdin.readline()"),
    ("MWF501", "import threading", "threading.Thread(target=work)"),
    ("MWF501", "from concurrent.futures import ThreadPoolExecutor as Pool", "Pool()"),
    ("MWF501", "", "await asyncio.to_thread(sum, [1])"),
    ("MWF501", "", "await asyncio.get_event_loop().run_in_executor(None, sum, [1])"),
    ("MWF501", "", "await given.run_in_executor(None, sum, [1])"),
    ("MWF501", "import queue", "queue.Queue()"),
    ("MWF504", "from maestro_workflow_engine import heartbeat", "heartbeat(1)"),
    ("MWF504", "import maestro_workflow_engine as engine", "engine.step_info()"),
    ("MWF502", "", "asyncio.Future()"),
    ("MWF502", "from asyncio import Task", "Task(work(1), name='x')"),
    ("MWF502", "import asyncio.futures", "asyncio.futures.Future(loop=given)"),
    ("MWF503", "", "asyncio.run(work())"),
    ("MWF503", "", "asyncio.new_event_loop()"),
    ("MWF601", "", "for name in {'a', 'b'}:\n    await work(name)"),
    ("MWF601", "", "for name in set(given):\n    await work(name)"),
    ("MWF601", "", "return list({'a', 'b'})"),
    ("MWF601", "", "return [name for name in frozenset(given)]"),
    ("MWF601", "", "return {name: 1 for name in set(given)}"),
    ("MWF601", "", "names = {str(n) for n in range(3)}\nreturn ','.join(names)"),
    ("MWF601", "", "await asyncio.gather(*{work(1), work(2)})"),
    ("MWF601", "", "asyncio.as_completed({work(1), work(2)})"),
    ("MWF601", "", "first, second = {'a', 'b'}"),
    ("MWF601", "", "return next(iter(set(given) - {'a'}))"),
    ("MWF601", "", "names = set(given)\nreturn names.pop()"),
    ("MWF601", "NAMES = {'a', 'b'}", "return tuple(NAMES)"),
    ("MWF601", "", "names: set[str] = given\nreturn list(names)"),
    ("MWF601", "", "return sorted([await work(n) for n in {'a', 'b'}])"),
    ("MWF602", "", "hash('text')"),
    ("MWF602", "", "id(given)"),
    ("MWF602", "", "sorted(given, key=id)"),
    ("MWF701", "COUNT = 0", "global COUNT\nCOUNT += 1"),
    ("MWF701", "CACHE = {}", "CACHE['x'] = 1"),
    ("MWF701", "CACHE: dict[str, int] = {}", "CACHE.update(x=1)"),
    ("MWF701", "from collections import defaultdict\nSEEN = defaultdict(list)", "SEEN.pop('x')"),
    ("MWF701", "class Config:\n    size = 1", "Config.size = 2"),
    ("MWF701", "CACHE = {}", "del CACHE['x']"),
    ("MWF901", "", "given()  # deterministic:"),
]

GOOD = [
    ("MWF101", "import time", "now()"),
    (
        "MWF504",
        "from maestro_workflow_engine import start_child, signal_run, cancel_run",
        "await (await start_child('w'))",
    ),
    ("MWF504", "from maestro_workflow_engine import Saga", "async with Saga() as saga:\n    saga.add(work, 1)"),
    ("MWF101", "", "asyncio.get_running_loop().time()"),
    ("MWF101", "from datetime import datetime, timedelta", "datetime(2026, 1, 1) + timedelta(days=1)"),
    ("MWF101", "import time", "time = given\ntime.time()"),
    ("MWF101", "import time", "return [time.time() for time in given]"),
    ("MWF101", "import time", "def never_called():\n    time.time()"),
    ("MWF101", "import time\nLIMIT = time.strptime", "return given"),
    ("MWF102", "", "await asyncio.sleep(1)"),
    ("MWF103", "from datetime import UTC, datetime", "datetime.fromtimestamp(5, UTC).astimezone(UTC)"),
    ("MWF201", "", "random().randint(1, 6)"),
    ("MWF201", "import random as r", "dice = r.Random(7)\ndice.random()"),
    ("MWF202", "import secrets", "secrets.compare_digest('a', 'b')"),
    ("MWF203", "import uuid", "uuid4(), uuid.uuid5(uuid.NAMESPACE_URL, 'x'), uuid.UUID(int=1)"),
    ("MWF301", "import os.path", "os.path.join('a', 'b')"),
    ("MWF301", "import os\nHOME = 'home'", "return HOME"),
    ("MWF401", "from pathlib import Path", "Path('x') / 'y', Path('x').name, Path('x').with_suffix('.y').suffix"),
    ("MWF401", "", "print('fine'), given.open(), given.exists()"),
    ("MWF401", "", "open = given\nopen('x')"),
    ("MWF402", "import httpx", "try:\n    await work()\nexcept httpx.HTTPError:\n    pass"),
    ("MWF402", "from urllib.parse import urlsplit", "urlsplit('https://example.com')"),
    ("MWF403", "import subprocess", "raise subprocess.CalledProcessError(1, 'x')"),
    ("MWF404", "import sqlite3", "try:\n    await work()\nexcept sqlite3.Error:\n    pass"),
    ("MWF405", "", "given.input('x')"),
    ("MWF501", "", "asyncio.Lock(), asyncio.Queue(), asyncio.create_task(work())"),
    ("MWF502", "", "asyncio.as_completed([work(1), work(2)]), asyncio.as_completed(map(work, [1, 2]))"),
    ("MWF502", "", "future: asyncio.Future[int] = asyncio.get_running_loop().create_future()"),
    ("MWF502", "", "return isinstance(given, asyncio.Task)"),
    ("MWF503", "", "async with asyncio.TaskGroup() as group:\n    group.create_task(work())"),
    ("MWF601", "", "for name in sorted({'a', 'b'}):\n    await work(name)"),
    ("MWF601", "", "return len(set(given)), 'a' in {'a', 'b'}, max(set(given))"),
    ("MWF601", "", "return any(name == 'a' for name in set(given)), {n for n in set(given)}"),
    ("MWF601", "", "return sorted(name for name in set(given))"),
    ("MWF601", "", "return list({1, 2, 3}), [n for n in {len(x) for x in given}]"),
    ("MWF601", "", "return list(dict.fromkeys(given))"),
    ("MWF601", "", "names: set[int] = given\nreturn list(names)"),
    ("MWF601", "", "tasks = set()\ntasks.add(asyncio.create_task(work()))\nawait asyncio.gather(*tasks)"),
    ("MWF601", "", "tasks = {asyncio.create_task(work(n)) for n in range(3)}\ndone, left = await asyncio.wait(tasks)"),
    ("MWF601", "", "tasks: set[asyncio.Task[int]] = set()\nawait asyncio.wait(tasks)"),
    ("MWF602", "", "hash(5)"),
    ("MWF602", "import hashlib", "hashlib.sha256(b'x').hexdigest()"),
    ("MWF701", "COUNT = 0", "count = COUNT + 1\ncount += 1"),
    ("MWF701", "CACHE = {}", "CACHE = {}\nCACHE['x'] = 1"),
    ("MWF701", "NAMES = ['a']", "NAMES.index('a')\nNAMES.copy().append('b')"),
    ("MWF701", "", "class Local:\n    size = 1\nLocal.size = 2\nthing = Local()\nthing.size = 3"),
    ("MWF901", "", "given()  # deterministic by design"),
]


@pytest.mark.parametrize(("code", "imports", "body"), BAD)
def test_code_that_breaks_a_rule(code, imports, body):
    """The line is named with the rule's code, and with no other."""
    assert set(codes(imports, body)) == {code}


@pytest.mark.parametrize(("code", "imports", "body"), GOOD)
def test_code_that_keeps_a_rule(code, imports, body):
    """What only looks like the rule's subject is let pass."""
    assert codes(imports, body) == []


def test_the_table_has_every_rule():
    """No rule is without an example of either kind."""
    every = {rule.code for rule in RULES}
    assert {code for code, _, _ in BAD} == every
    assert {code for code, _, _ in GOOD} == every


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_message_says_what_to_do(rule):
    """A message names what was found, why it is wrong and what to use instead."""
    assert rule.message("it()") == f"it() {rule.because}: {rule.instead}"
    assert rule.instead
