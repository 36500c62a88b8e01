/** The calls of governance-service. */

import type { APIClient } from '../client.js'
import type { Calls } from '../generated/governance-service.js'
import { ServiceClient } from '../service.js'

export type * from '../generated/governance-service.js'

/** Call governance-service by a client. */
export function governance(client: APIClient): ServiceClient<Calls> {
  return new ServiceClient(client, 'governance-service')
}
