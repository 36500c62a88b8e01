/** How a client is set up. Times are milliseconds. */

import type { RetryOptions } from './retrying.js'
import type { SessionEnd } from './session/session.js'
import type { TokenStorage } from './session/storage.js'

/** Signing in with a name and a password at governance-service; the session is gone on with when its access token ends. */
export interface JwtAuthentication {
  readonly type: 'jwt'
  /** Where tokens are kept. Default: 'memory'. What a runtime has not got is kept in memory, too. */
  readonly tokenStorage?: 'localStorage' | 'sessionStorage' | 'memory' | TokenStorage
  /** Under which name. Default: 'maestro.session'. */
  readonly storageKey?: string
  /** The service that gives tokens. Default: 'governance-service'. */
  readonly service?: string
  /** Called once when the session ends, however it does. */
  readonly onSessionEnd?: (end: SessionEnd) => void
}

/** A token that comes from elsewhere. */
export interface BearerAuthentication {
  readonly type: 'bearer'
  /** The token, or what gives one for each call. */
  readonly token: string | (() => string | undefined | Promise<string | undefined>)
}

/** A key for programs; it does not belong into a browser. */
export interface ApiKeyAuthentication {
  readonly type: 'api-key'
  readonly apiKey: string
}

export type Authentication = JwtAuthentication | BearerAuthentication | ApiKeyAuthentication

export interface APIClientOptions {
  /** The gateway's address, below which every service has its name. Default: in browsers, the page's own origin. */
  readonly baseURL?: string | undefined
  /** Limit for one attempt, to the last byte of its answer; for a stream, to its head. Default: 30000. */
  readonly timeout?: number
  /** Limit for a whole call with its retries and pauses. Default: ten times `timeout`. */
  readonly totalTimeout?: number
  /** Whether idempotent calls that fail are made again, or when. Default: true. */
  readonly enableRetry?: boolean | RetryOptions
  /** Who calls. Default: nobody. */
  readonly authentication?: Authentication
  /** Addresses of services that are reached without the gateway, by name. */
  readonly services?: Readonly<Record<string, string>>
  /** Headers of every call to the platform. */
  readonly headers?: Readonly<Record<string, string>>
  /** Gives the `traceparent` of a call, to join it to a trace of the page. Default: a new trace for each call. */
  readonly traceparent?: () => string | undefined
  /** What sends requests, when it is not the runtime's `fetch`: `expo/fetch` gives React Native streams. */
  readonly fetch?: typeof fetch
}
