import type { APIClient } from '@maestro/api-client-js'
import { orchestrator } from '@maestro/api-client-js/orchestrator'

export async function follow(client: APIClient, runId: string, show: (line: string) => void): Promise<void> {
  const leaving = new AbortController()
  // In a page: window.addEventListener('pagehide', () => leaving.abort())
  const options = { path: { run_id: runId }, signal: leaving.signal }
  for await (const { id, event } of orchestrator(client).events('/runs/{run_id}/events', options)) {
    show(`${id} ${event}`)
  }
}
