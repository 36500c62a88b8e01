"""Lock, Semaphore, Condition, Event, Barrier and queues: as on CPython's own loop."""

from __future__ import annotations

import asyncio

import pytest
from engine_beside_cpython import World, assert_alike


def test_a_lock_is_handed_on_in_order_and_skips_the_cancelled():
    """Waiters get the lock first come, first served; one that is cancelled meanwhile is left out."""

    async def program(w: World) -> object:
        lock = asyncio.Lock()

        async def user(label: str) -> None:
            async with lock:
                w.log(label, "has it", lock.locked())
                await w.act(label, 1)
            w.log(label, "gave it back")

        users = [asyncio.create_task(user(label)) for label in "abcde"]
        await asyncio.sleep(0.5)
        users[1].cancel()
        await asyncio.sleep(2)
        users[3].cancel()
        w.log([repr(each) for each in await asyncio.gather(*users, return_exceptions=True)], lock.locked())
        try:
            lock.release()
        except RuntimeError as error:
            w.log(error)
        return "end"

    assert_alike(program)


def test_a_lock_that_arrives_with_the_cancellation_is_not_lost():
    """A waiter that is woken and cancelled in one moment passes the lock on."""

    async def program(w: World) -> object:
        lock = asyncio.Lock()
        await lock.acquire()

        async def user(label: str) -> None:
            async with lock:
                w.log(label)

        first, second = asyncio.create_task(user("first")), asyncio.create_task(user("second"))
        await asyncio.sleep(0)
        lock.release()
        first.cancel()
        await asyncio.wait([first, second])
        w.log(first.cancelled(), lock.locked())
        return "end"

    assert_alike(program)


@pytest.mark.parametrize("kind", [asyncio.Semaphore, asyncio.BoundedSemaphore])
def test_a_semaphore_lets_so_many_in(kind):
    """At most the count is inside, in order; a bounded one refuses a release too many."""

    async def program(w: World) -> object:
        gate = kind(2)
        inside = 0

        async def user(n: int) -> None:
            nonlocal inside
            async with gate:
                inside += 1
                w.log(n, inside, gate.locked())
                await w.act(n, 1 + n / 8)
                inside -= 1

        users = [asyncio.create_task(user(n)) for n in range(7)]
        await asyncio.sleep(0.3)
        users[3].cancel()
        await asyncio.wait(users)
        try:
            gate.release()
            w.log("released", gate.locked())
        except ValueError as error:
            w.log(error)
        try:
            kind(-1)
        except ValueError as error:
            w.log(error)
        return "end"

    assert_alike(program)


def test_an_event_wakes_all_who_wait():
    """Waiters wake in order; a cleared event holds the next ones; a cancelled waiter does not wake."""

    async def program(w: World) -> object:
        event = asyncio.Event()

        async def waiter(n: int) -> None:
            w.log(n, await event.wait(), event.is_set())

        waiters = [asyncio.create_task(waiter(n)) for n in range(4)]
        await asyncio.sleep(1)
        waiters[2].cancel()
        event.set()
        event.clear()
        late = asyncio.create_task(waiter(9))
        await asyncio.wait(waiters)
        w.log(late.done())
        await w.act("later", 1)
        event.set()
        await late
        await waiter(10)
        return "end"

    assert_alike(program)


def test_a_condition_notifies_some_or_all():
    """Notify wakes so many, notify_all the rest, wait_for looks again; without the lock it refuses."""

    async def program(w: World) -> object:
        condition = asyncio.Condition()
        stock: list[int] = []

        async def taker(n: int) -> None:
            async with condition:
                await condition.wait_for(lambda: stock)
                w.log(n, "took", stock.pop(), condition.locked())

        takers = [asyncio.create_task(taker(n)) for n in range(5)]
        await asyncio.sleep(1)
        for count in (1, 2):
            async with condition:
                stock.extend(range(count))
                condition.notify(count)
            await w.act(f"brought {count}", 1)
        takers[3].cancel()
        async with condition:
            stock.extend([7, 8])
            condition.notify_all()
        w.log([repr(each) for each in await asyncio.gather(*takers, return_exceptions=True)], stock)
        for call in (condition.notify, condition.notify_all):
            try:
                call()
            except RuntimeError as error:
                w.log(error)
        try:
            await condition.wait()
        except RuntimeError as error:
            w.log(error)
        return "end"

    assert_alike(program)


def test_a_barrier_fills_breaks_and_is_reset():
    """Parties leave together with their places; aborting and resetting break those who wait."""

    async def program(w: World) -> object:
        barrier = asyncio.Barrier(3)

        async def party(n: int, delay: float) -> None:
            await w.act(n, delay)
            try:
                async with barrier as place:
                    w.log(n, place, barrier.n_waiting)
            except asyncio.BrokenBarrierError as error:
                w.log(n, error, barrier.broken)

        await asyncio.gather(*(party(n, 3 - n) for n in range(3)), *(party(n, 1 + n) for n in range(3, 6)))
        for end in (barrier.reset, barrier.abort):
            waiting = [asyncio.create_task(party(n, 1 + n / 4)) for n in range(2)]
            await asyncio.sleep(2)
            w.log(barrier.n_waiting, barrier.parties)
            await end()
            await asyncio.wait(waiting)
        w.log(barrier.broken)
        return "end"

    assert_alike(program, is_ordered=True)


@pytest.mark.parametrize("kind", [asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_queues_between_producers_and_consumers(kind, size):
    """Items pass in the queue's order, full queues hold producers, join waits for the last task_done."""

    async def program(w: World) -> object:
        queue: asyncio.Queue[int] = kind(size)

        async def produce(first: int) -> None:
            for n in range(first, first + 3):
                await queue.put(await w.act(n, 0.3 + n / 50))
                w.log("put", n, queue.qsize(), queue.full())

        async def consume(label: str) -> None:
            while True:
                item = await queue.get()
                w.log(label, "got", item, queue.empty())
                await w.act(f"{label}{item}", 0.713 + item / 125)
                queue.task_done()

        consumers = [asyncio.create_task(consume(label)) for label in "xy"]
        await asyncio.gather(produce(0), produce(10))
        await queue.join()
        w.log("joined")
        for each in consumers:
            each.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)
        for call in (queue.get_nowait, queue.task_done, lambda: [queue.put_nowait(n) for n in (3, 1, 2)]):
            try:
                w.log(call())
            except (asyncio.QueueEmpty, asyncio.QueueFull, ValueError) as error:
                w.log(error)
        w.log([queue.get_nowait() for _ in range(queue.qsize())])
        return "end"

    assert_alike(program)


def test_a_queue_loses_nothing_to_cancelled_getters_and_putters():
    """An item for a getter that is cancelled in the same moment goes to the next; a cancelled put puts nothing."""

    async def program(w: World) -> object:
        queue: asyncio.Queue[str] = asyncio.Queue(1)

        async def get(label: str) -> None:
            w.log(label, await queue.get())

        first, second = asyncio.create_task(get("first")), asyncio.create_task(get("second"))
        await asyncio.sleep(1)
        queue.put_nowait("item")
        first.cancel()
        await asyncio.wait([first, second])
        queue.put_nowait("full")
        putter = asyncio.create_task(queue.put("never"))
        other = asyncio.create_task(queue.put("next"))
        await asyncio.sleep(1)
        putter.cancel()
        await asyncio.sleep(1)
        w.log(queue.get_nowait())
        await other
        w.log(queue.get_nowait(), queue.empty(), first.cancelled(), putter.cancelled())
        return "end"

    assert_alike(program)
