"""Encrypted payloads, and large ones elsewhere."""

import asyncio
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import AesGcmCodec, WorkflowEngine, receive, workflow

SOON = timedelta(seconds=10)


@workflow
async def patient(name: str) -> str:
    return f"{name} {await receive('finding')}"


async def main() -> None:
    october, november = bytes(range(32)), bytes(range(32, 64))  # from a secret store, in earnest

    # region: encrypt
    codec = AesGcmCodec(keys={"2026-10": october}, active="2026-10")
    async with WorkflowEngine("sqlite:///clinic.db", workflows=[patient], codec=codec) as engine:
        await engine.start(patient, "Ada Lovelace", id="patient-1")
        # endregion: encrypt
    print(any(b"Lovelace" in path.read_bytes() for path in Path().glob("clinic.db*")))

    # region: rotate
    codec = AesGcmCodec(keys={"2026-11": november, "2026-10": october}, active="2026-11")
    async with WorkflowEngine("sqlite:///clinic.db", workflows=[patient], codec=codec) as engine:
        await engine.handle("patient-1").signal("finding", "is well")
        print(await engine.handle("patient-1").result(SOON))
        # endregion: rotate

    # region: large
    store = f"file://{Path('payloads').absolute()}"  # or "s3://bucket/prefix"
    async with WorkflowEngine(
        "sqlite:///clinic.db", workflows=[patient], codec=codec, payload_store=store, payload_limit_bytes=64 * 1024
    ) as engine:
        handle = await engine.start(patient, "Bob", id="patient-2")
        await handle.signal("finding", "x" * 1_000_000)
        print(len(await handle.result(SOON)))
        # endregion: large
    print(sum(path.is_file() for path in Path("payloads/sha256").rglob("*")), "objects in the store")


if __name__ == "__main__":
    asyncio.run(main())
