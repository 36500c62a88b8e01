import { type APIClient, isProblem } from '@maestro/api-client-js'
import { governance } from '@maestro/api-client-js/governance'
import { orchestrator } from '@maestro/api-client-js/orchestrator'

export async function approveMine(client: APIClient, comment: string): Promise<string[]> {
  const approvals = governance(client)
  const approved: string[] = []
  for await (const { id } of approvals.pages('/approvals', { query: { mine: true, status: 'open' } })) {
    try {
      await approvals.post('/approvals/{approval_id}/decide', {
        path: { approval_id: id },
        body: { decision: 'approve', comment },
      })
      approved.push(id)
    } catch (error) {
      // Somebody else was faster; anything else is for the caller.
      if (!isProblem(error, 'APPROVAL_CLOSED', 'APPROVAL_CLAIMED')) throw error
    }
  }
  return approved
}

export async function signalOnce(client: APIClient, runId: string, orderId: string): Promise<string | undefined> {
  const { traceId } = await orchestrator(client).post('/runs/{run_id}/signals/{name}', {
    path: { run_id: runId, name: 'paid' },
    body: { order: orderId },
    // With the same key, a signal that is sent again is the same signal: so it may be tried again.
    idempotencyKey: `paid-${orderId}`,
  })
  return traceId
}
