/** The calls of intelligence-service. */

import type { APIClient } from '../client.js'
import type { Calls } from '../generated/intelligence-service.js'
import { ServiceClient } from '../service.js'

export type * from '../generated/intelligence-service.js'

/** Call intelligence-service by a client. */
export function intelligence(client: APIClient): ServiceClient<Calls> {
  return new ServiceClient(client, 'intelligence-service')
}
