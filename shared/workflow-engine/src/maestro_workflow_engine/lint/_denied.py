"""Which names break which rule. A name is its full dotted path; `()` marks an instance: `pathlib.Path().read_text`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from maestro_workflow_engine.lint import _rules as rules
from maestro_workflow_engine.lint._rules import Rule

_LOOP = "asyncio.get_running_loop()"
_PATH_IO = (
    "chmod copy copy_into exists expanduser glob group hardlink_to is_block_device is_char_device is_dir is_fifo is_file "
    "is_junction is_mount is_socket is_symlink iterdir lchmod link_to lstat mkdir move move_into open owner read_bytes "
    "read_text readlink rename replace resolve rglob rmdir samefile stat symlink_to touch unlink walk write_bytes write_text"
)
_OS_FILES = (
    "access chdir chmod chown close copy_file_range dup dup2 fchmod fchown fdatasync fdopen fstat fsync ftruncate link "
    "listdir lseek lstat makedirs mkdir mkfifo open pipe pread pwrite read readlink remove removedirs rename renames "
    "replace rmdir scandir sendfile stat statvfs symlink sync truncate unlink utime walk write"
)
_OS_PROCESSES = (
    "abort _exit execl execle execlp execlpe execv execve execvp execvpe fork forkpty kill killpg nice popen posix_spawn "
    "posix_spawnp spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe startfile system wait wait3 wait4 waitpid"
)
_OS_ENVIRONMENT = (
    "environ environb cpu_count ctermid get_terminal_size getcwd getcwdb getenv getenvb getgid getgroups getloadavg getlogin "
    "getpgid getpid getppid getuid process_cpu_count putenv sched_getaffinity times uname unsetenv"
)
_RANDOM = (
    "betavariate binomialvariate choice choices expovariate gammavariate gauss getrandbits getstate lognormvariate "
    "normalvariate paretovariate randbytes randint random randrange sample seed setstate shuffle triangular uniform "
    "vonmisesvariate weibullvariate"
)

_CLOCKS = (
    "asctime clock_gettime clock_gettime_ns ctime gmtime localtime monotonic monotonic_ns perf_counter perf_counter_ns "
    "process_time process_time_ns strftime thread_time thread_time_ns time time_ns"
)
_LOOP_NETWORK = (
    "create_connection create_datagram_endpoint create_server create_unix_connection create_unix_server getaddrinfo "
    "getnameinfo sendfile sock_accept sock_connect sock_recv sock_recv_into sock_recvfrom sock_sendall sock_sendfile "
    "sock_sendto start_tls"
)

_NAMES: Final[tuple[tuple[Rule, str, str], ...]] = (
    (rules.CLOCK, "time", _CLOCKS),
    (rules.CLOCK, "datetime", "datetime.now datetime.utcnow datetime.today date.today"),
    (rules.BLOCKING_SLEEP, "time", "sleep"),
    (rules.LOCAL_ZONE, "time", "mktime tzset tzname timezone altzone"),
    (rules.RANDOM, "random", _RANDOM),
    (rules.SECRET, "os", "urandom getrandom"),
    (rules.SECRET, "random", "SystemRandom"),
    (rules.SECRET, "ssl", "RAND_bytes"),
    (rules.UUID, "uuid", "uuid1 uuid4 uuid6 uuid7"),
    (rules.ENVIRONMENT, "os", _OS_ENVIRONMENT),
    (rules.ENVIRONMENT, "os.path", "abspath expanduser expandvars"),
    (rules.ENVIRONMENT, "pathlib", "Path.cwd Path.home Path().absolute"),
    (rules.ENVIRONMENT, "sys", "argv executable path platform version version_info"),
    (rules.ENVIRONMENT, "locale", "getlocale getpreferredencoding setlocale"),
    (rules.ENVIRONMENT, "socket", "gethostname getfqdn"),
    (rules.ENVIRONMENT, "threading", "get_ident current_thread"),
    (rules.ENVIRONMENT, "getpass", "getuser"),
    (rules.ENVIRONMENT, "uuid", "getnode"),
    (rules.FILES, "builtins", "open"),
    (rules.FILES, "io", "open open_code FileIO"),
    (rules.FILES, "os", _OS_FILES),
    (rules.FILES, "os.path", "exists getatime getctime getmtime getsize isdir isfile islink lexists realpath samefile"),
    (rules.FILES, "pathlib.Path", _PATH_IO),
    (rules.FILES, "pathlib.Path()", _PATH_IO),
    (rules.FILES, "codecs", "open"),
    (rules.FILES, "gzip", "open"),
    (rules.FILES, "bz2", "open"),
    (rules.FILES, "lzma", "open"),
    (rules.FILES, "tarfile", "open"),
    (rules.FILES, "zipfile", "ZipFile"),
    (rules.FILES, "mmap", "mmap"),
    (rules.FILES, "linecache", "getline getlines"),
    (rules.NETWORK, "asyncio", "open_connection open_unix_connection start_server start_unix_server"),
    (rules.NETWORK, _LOOP, _LOOP_NETWORK),
    (rules.PROCESSES, "os", _OS_PROCESSES),
    (rules.PROCESSES, "asyncio", "create_subprocess_exec create_subprocess_shell"),
    (rules.PROCESSES, _LOOP, "subprocess_exec subprocess_shell add_signal_handler"),
    (rules.PROCESSES, "signal", "alarm pause raise_signal setitimer signal sigwait"),
    (rules.PROCESSES, "sys", "exit"),
    (rules.INPUT, "builtins", "input breakpoint"),
    (rules.INPUT, "sys", "stdin"),
    (rules.INPUT, "getpass", "getpass"),
    (rules.THREADS, "asyncio", "to_thread run_coroutine_threadsafe wrap_future"),
    (rules.THREADS, _LOOP, "run_in_executor call_soon_threadsafe set_default_executor"),
    (rules.STEP_ONLY, "maestro_workflow_engine", "heartbeat last_heartbeat step_info"),
    (rules.OWN_LOOP, "asyncio", "run Runner new_event_loop"),
    (rules.OWN_LOOP, _LOOP, "run_until_complete run_forever"),
)

NAMES: Final = {f"{prefix}.{name}": rule for rule, prefix, names in _NAMES for name in names.split()}
"""Broken by calling the name, and by passing it on."""

_NETWORK_MODULES = (
    "aiobotocore aiohttp boto3 botocore ftplib grpc http.client httpx httpx2 imaplib maestro_core_api.APIClient nats obstore "
    "paho paramiko poplib requests smtplib socket socketserver ssl telnetlib urllib.request urllib3 websockets xmlrpc.client"
)
_DATABASE_MODULES = (
    "aiomysql aiosqlite asyncpg maestro_core_db motor mysql psycopg psycopg2 pymongo pymysql redis sqlalchemy.create_engine "
    "sqlalchemy.ext.asyncio sqlalchemy.orm.Session sqlalchemy.orm.sessionmaker sqlite3 valkey"
)

_MODULES: Final = (
    (rules.RANDOM, "numpy.random"),
    (rules.SECRET, "secrets"),
    (rules.ENVIRONMENT, "grp platform psutil pwd"),
    (rules.FILES, "aiofiles anyio.Path anyio.open_file dbm fileinput glob shelve shutil tempfile"),
    (rules.NETWORK, _NETWORK_MODULES),
    (rules.PROCESSES, "multiprocessing pty subprocess"),
    (rules.DATABASE, _DATABASE_MODULES),
    (rules.THREADS, "_thread anyio.from_thread anyio.to_thread asgiref.sync concurrent.futures queue threading"),
    (rules.OWN_LOOP, "trio uvloop"),
)

MODULES: Final = {module: rule for rule, modules in _MODULES for module in modules.split()}
"""Broken by calling the name, or anything under it."""

METHODS: Final[dict[str, Rule]] = {
    "read_bytes": rules.FILES,
    "read_text": rules.FILES,
    "write_bytes": rules.FILES,
    "write_text": rules.FILES,
    "run_in_executor": rules.THREADS,
}
"""Methods whose names say enough, whatever the object is."""

_VALUES = frozenset({
    "httpx.URL", "httpx2.URL", "httpx.Timeout", "httpx2.Timeout", "httpx.Headers", "httpx2.Headers", "httpx.codes",
    "httpx2.codes", "socket.inet_aton", "socket.inet_ntoa", "socket.inet_pton", "socket.inet_ntop", "socket.htons",
    "socket.ntohs", "subprocess.list2cmdline", "secrets.compare_digest", "glob.escape", "glob.translate", "sqlite3.Row",
    "urllib.request.pathname2url", "urllib.request.url2pathname", "numpy.random.SeedSequence",
})  # fmt: skip
_VALUE_ENDINGS = ("Error", "Exception", "Warning", "TimeoutExpired", "HTTPStatusError")


def denied(name: str, *, called: bool) -> Rule | None:
    """Tell which rule a name breaks.

    Args:
        name: Its full dotted path.
        called: Whether it is called; otherwise it is only read or passed on.

    Returns:
        The rule, or None when the name is harmless.
    """
    rule = NAMES.get(name)
    if rule is not None or not called:
        return rule
    if name.removesuffix("()") in _VALUES or name.endswith(_VALUE_ENDINGS):
        return None
    return next((MODULES[prefix] for prefix in _prefixes(name) if prefix in MODULES), None)


def _prefixes(name: str) -> Iterator[str]:
    """List what a name stands under: "a.b().c" stands under "a", "a.b" and "a.b()"."""
    for position, character in enumerate(name):
        if character in ".([":
            yield name[:position]
    yield name
