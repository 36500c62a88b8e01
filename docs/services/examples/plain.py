"""A service on plain FastAPI, as it often grows."""

import logging
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, HTTPException, Request, Response

logger = logging.getLogger("shop")
app = FastAPI(title="Shop")


@app.middleware("http")
async def access_log(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    begun = time.perf_counter()
    response = await call_next(request)
    logger.info("%s %s %s %.3f", request.method, request.url.path, response.status_code, time.perf_counter() - begun)
    return response


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, int]:
    if number > 99:
        raise HTTPException(404, "no such order")
    return {"number": number}
