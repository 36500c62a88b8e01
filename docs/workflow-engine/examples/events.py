"""Documents that emit events and listen for them, and one that events start."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import DocumentSchedules, load_document

# region: listen
ORDER = load_document("""
document: {dsl: '1.0.3', namespace: shop, name: order, version: 1.0.0}
do:
  - paid:
      listen:
        to:
          one:
            with: {type: order.paid}
            correlate:
              order: {from: .data.order, expect: '${ .order }'}
      timeout: {after: {days: 3}}
      output: {as: '.[0]'}
  - tell:
      emit:
        event:
          with: {type: order.ready, subject: '${ $workflow.id }', data: {cents: '${ .cents }'}}
""")
# endregion: listen

# region: schedule
PARCEL = load_document("""
document: {dsl: '1.0.3', namespace: shop, name: parcel, version: 1.0.0}
schedule:
  on: {one: {with: {type: order.ready}}}
  read: envelope
do:
  - label: {set: {parcel: '${ "parcel for " + $workflow.input[0].subject }'}}
""")
# endregion: schedule


async def main() -> None:
    async with WorkflowEngine.test([ORDER.as_workflow(), PARCEL.as_workflow()]) as engine:
        # region: publish
        await DocumentSchedules(engine).put(PARCEL)
        order = await engine.start("shop/order", {"order": 17}, id="order-17")
        await engine.time.sleep(timedelta(hours=1))
        event = {"id": "p1", "source": "/bank", "type": "order.paid", "data": {"order": 17, "cents": 1250}}
        print(await engine.publish_event(event), await engine.publish_event(event))
        print((await order.result())["data"])
        await engine.time.sleep(timedelta(seconds=1))
        (parcel,) = (await engine.runs(workflow="shop/parcel")).runs
        print(await engine.handle(parcel.id).result())
        # endregion: publish


if __name__ == "__main__":
    asyncio.run(main())
