"""Proto files: compiling them with their imports, and finding a service's methods."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._resources import fetch

_IMPORT = re.compile(r'(?:^|[;}])\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"(?=\s*;)')
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_MAIN = "main.proto"
_LEVELS_UP = 6


@dataclass(frozen=True)
class Services:
    """Services and the messages they speak with."""

    pool: DescriptorPool
    names: tuple[str, ...]
    """Full names: package and service."""

    def method(self, service: str, name: str) -> MethodDescriptor:
        """Find a method.

        Args:
            service: The service's full name; the package may be left out where that is clear.
            name: The method.

        Returns:
            Its description.

        Raises:
            CallFault: There is none: the standard error "configuration", with the nearest name.
        """
        fitting = [each for each in self.names if each == service] or [
            each for each in self.names if each.rpartition(".")[2] == service
        ]
        if len(fitting) != 1:
            raise CallFault("configuration", f"no gRPC service {service!r}; {_hint(service, self.names)}")
        found = self.pool.FindServiceByName(fitting[0])
        for each in found.methods:
            if each.name == name:
                return each
        raise CallFault(
            "configuration",
            f"{found.full_name} has no method {name!r}; {_hint(name, [each.name for each in found.methods])}",
        )


def gathered(files: list[FileDescriptorProto]) -> Services:
    """Make services of files, each after those that it imports."""
    pool = DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    names = [f"{file.package}.{each.name}".lstrip(".") for file in files for each in file.service]
    return Services(pool, tuple(names))


async def services_of(proto: Mapping[str, Any], context: CallContext) -> Services:
    """Fetch and compile a proto file.

    Args:
        proto: Its endpoint. What it imports is looked for beside it, and in the folders above.
        context: The call. What was compiled is kept, by its text.

    Returns:
        The services.

    Raises:
        CallFault: It cannot be had, or is wrong.
    """
    uri = proto["uri"]
    content = await fetch(proto, context)
    files = {_MAIN: content}
    await _fetch_imports(proto, content, files, context)
    key = ("proto", tuple(sorted(files.items())))
    known: Services | None = context.shared.compiled.get(key)
    if known is None:
        known = gathered(list((await _compiled(uri, files)).file))
        context.shared.compiled.put(key, known)
    return known


async def _fetch_imports(
    proto: Mapping[str, Any], content: bytes, files: dict[str, bytes], context: CallContext
) -> None:
    for name in _IMPORT.findall(_COMMENT.sub("", content.decode("utf-8", "replace"))):
        if name in files or name.startswith("google/protobuf/"):
            continue
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise CallFault("configuration", f"{proto['uri']} imports {name!r}, which leads out of its folder")
        files[name] = await _fetch_import(proto, name, context)
        await _fetch_imports(proto, files[name], files, context)


async def _fetch_import(proto: Mapping[str, Any], name: str, context: CallContext) -> bytes:
    tried: CallFault | None = None
    for level in range(_LEVELS_UP):
        try:
            return await fetch({**proto, "uri": urljoin(proto["uri"], "../" * level + name)}, context)
        except CallFault as fault:
            tried = tried or fault
    assert tried is not None  # at least one was tried
    raise tried


async def _compiled(uri: str, files: Mapping[str, bytes]) -> FileDescriptorSet:
    """Run protoc in a process of its own: inside ours its messages would be lost."""
    with tempfile.TemporaryDirectory(prefix="maestro-proto-") as name:
        folder = Path(name)
        await asyncio.to_thread(_write, folder, files)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", "--include_imports",
            f"--descriptor_set_out={folder / 'descriptors.bin'}", str(folder / _MAIN),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, told = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            reason = told.decode("utf-8", "replace").replace(f"{folder}/", "").strip()
            if "No module named" in reason:
                raise CallFault(
                    "configuration", "proto files need grpcio-tools: pip install 'maestro-workflow-engine[grpc]'"
                )
            raise CallFault("configuration", f"{uri} is no right proto file: {reason}")
        return FileDescriptorSet.FromString(await asyncio.to_thread((folder / "descriptors.bin").read_bytes))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _hint(name: str, known: list[str] | tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
