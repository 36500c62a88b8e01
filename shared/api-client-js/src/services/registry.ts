/** The calls of central-registry. */

import type { APIClient } from '../client.js'
import type { Calls } from '../generated/central-registry.js'
import { ServiceClient } from '../service.js'

export type * from '../generated/central-registry.js'

/** Call central-registry by a client. */
export function registry(client: APIClient): ServiceClient<Calls> {
  return new ServiceClient(client, 'central-registry')
}
