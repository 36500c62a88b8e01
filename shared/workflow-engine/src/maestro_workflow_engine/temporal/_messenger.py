"""What a run asks of itself: a cluster lets none signal or cancel itself, so a worker asks on its behalf."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import activity
from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    RequestCancelWorkflowExecutionRequest,
    SignalWorkflowExecutionRequest,
)
from temporalio.client import Client
from temporalio.common import RawValue

from maestro_workflow_engine.temporal._wire import TO_ITSELF, Request, json_of, raw, unpacked


class Messenger:
    """Sends what runs ask of themselves, once: the cluster knows each request by its id."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn(name=TO_ITSELF)
    async def send(self, payload: RawValue, packed: RawValue) -> None:
        """Send a signal or a cancel request; the worker registers this."""
        info, service = activity.info(), self._client.workflow_service
        request = unpacked([packed], 0, Request)
        execution = WorkflowExecution(workflow_id=info.workflow_id or "", run_id=info.workflow_run_id or "")
        request_id = f"{execution.run_id}/{info.activity_id}"
        if request.signal is None:
            await service.request_cancel_workflow_execution(
                RequestCancelWorkflowExecutionRequest(
                    namespace=info.namespace,
                    workflow_execution=execution,
                    request_id=request_id,
                    reason=request.reason,
                ),
                retry=True,
            )
            return
        values: Sequence[RawValue] = [raw(json_of([payload]))]
        await service.signal_workflow_execution(
            SignalWorkflowExecutionRequest(
                namespace=info.namespace,
                workflow_execution=execution,
                signal_name=request.signal,
                input=Payloads(payloads=await self._client.data_converter.encode(values)),
                request_id=request_id,
            ),
            retry=True,
        )
