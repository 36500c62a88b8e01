/** What the compiler must accept and refuse; `tsc` is the test. */

import { APIClient, type APIResponse } from '@maestro/api-client-js'
import { type ApprovalView, governance } from '@maestro/api-client-js/governance'
import { intelligence } from '@maestro/api-client-js/intelligence'
import { orchestrator } from '@maestro/api-client-js/orchestrator'

const client = new APIClient({ baseURL: undefined })
const approvals = governance(client)
const runs = orchestrator(client)

export const shown: Promise<APIResponse<ApprovalView>> = approvals.get('/approvals/{approval_id}', {
  path: { approval_id: 'a' },
  timeout: 5_000,
})
export const listed: AsyncGenerator<ApprovalView> = approvals.pages('/approvals', { query: { mine: true } })
export const nothing: Promise<APIResponse<undefined>> = approvals.delete('/roles/{name}', { path: { name: 'r' } })
export const options = [
  approvals.get('/auth/me'),
  runs.events('/runs/{run_id}/events', { path: { run_id: 'r' }, lastEventId: '3' }),
  intelligence(client).events('/analyze/stream', { body: { persona: 'p', input: 'i' } }),
]
for await (const run of runs.pages('/runs', { query: { status: ['failed'] } })) run.id.toUpperCase()

export const refused = [
  // @ts-expect-error there is no such path
  approvals.get('/approval'),
  // @ts-expect-error it takes no GET
  approvals.get('/decisions/{decision_id}/nothing'),
  // @ts-expect-error the path's value is missing
  approvals.get('/approvals/{approval_id}'),
  // @ts-expect-error the body is missing
  approvals.post('/approvals'),
  // @ts-expect-error the title is missing
  approvals.post('/approvals', { body: {} }),
  // @ts-expect-error it is no decision
  approvals.post('/approvals/{approval_id}/decide', { path: { approval_id: 'a' }, body: { decision: 'maybe' } }),
  // @ts-expect-error there is no such query
  approvals.get('/approvals', { query: { theirs: true } }),
  // @ts-expect-error it is no listing
  approvals.pages('/auth/me'),
  // @ts-expect-error it is no stream
  runs.events('/runs'),
  // @ts-expect-error tokens are kept nowhere else
  new APIClient({ authentication: { type: 'jwt', tokenStorage: 'cookies' } }),
]
