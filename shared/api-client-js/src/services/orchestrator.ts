/** The calls of maestro-orchestrator. */

import type { APIClient } from '../client.js'
import type { Calls } from '../generated/maestro-orchestrator.js'
import { ServiceClient } from '../service.js'

export type * from '../generated/maestro-orchestrator.js'

/** Call maestro-orchestrator by a client. */
export function orchestrator(client: APIClient): ServiceClient<Calls> {
  return new ServiceClient(client, 'maestro-orchestrator')
}
