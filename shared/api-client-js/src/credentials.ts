/** Who calls: what is sent with each attempt. */

import type { Authentication } from './options.js'
import type { Session } from './session/session.js'

export interface Credentials {
  /** Give the headers for an attempt. */
  headers(): Promise<Readonly<Record<string, string>>>
  /** Give others in place of headers that were refused; undefined when there cannot be any. */
  renewed?(refused: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> | undefined
}

/** Make the credentials of a client. */
export function credentialsOf(authentication: Authentication | undefined, session: Session | undefined): Credentials {
  if (session !== undefined) return ofSession(session)
  if (authentication?.type === 'api-key') {
    const { apiKey } = authentication
    return { headers: async () => ({ 'x-api-key': apiKey }) }
  }
  if (authentication?.type === 'bearer') {
    const { token } = authentication
    return { headers: async () => bearer(typeof token === 'function' ? await token() : token) }
  }
  return { headers: async () => ({}) }
}

function ofSession(session: Session): Credentials {
  return {
    headers: async () => bearer(await session.token()),
    renewed: ({ authorization }) =>
      authorization === undefined ? undefined : session.renew(authorization.slice('Bearer '.length)).then(bearer),
  }
}

function bearer(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}
