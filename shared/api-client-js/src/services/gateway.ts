/** The calls of orchestration-gateway. */

import type { APIClient } from '../client.js'
import type { Calls } from '../generated/orchestration-gateway.js'
import { ServiceClient } from '../service.js'

export type * from '../generated/orchestration-gateway.js'

/** Call orchestration-gateway by a client. */
export function gateway(client: APIClient): ServiceClient<Calls> {
  return new ServiceClient(client, 'orchestration-gateway')
}
