/** The calls of telemetry-store. */

import type { APIClient } from '../client.js'
import type { Calls } from '../generated/telemetry-store.js'
import { ServiceClient } from '../service.js'

export type * from '../generated/telemetry-store.js'

/** Call telemetry-store by a client. */
export function telemetry(client: APIClient): ServiceClient<Calls> {
  return new ServiceClient(client, 'telemetry-store')
}
