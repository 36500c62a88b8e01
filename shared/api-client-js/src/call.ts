/** One call as it was asked for. */

import type { Address, QueryValue } from './address.js'
import { newTraceparent } from './trace.js'

/** What every call takes. Times are milliseconds. */
export interface CallOptions {
  readonly query?: Readonly<Record<string, QueryValue>> | undefined
  /** Further headers; they win over the client's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Ends the call; its reason is what the call throws. */
  readonly signal?: AbortSignal | undefined
  /** Instead of the client's limit for one attempt. */
  readonly timeout?: number | undefined
  /** Instead of the client's limit for the whole call. */
  readonly totalTimeout?: number | undefined
  /** Makes a POST or PATCH one that may be made twice: it is then tried again as others are. The same for the same intent. */
  readonly idempotencyKey?: string | undefined
}

/** A call with a body. */
export interface BodyOptions extends CallOptions {
  /** Any JSON value; with `contentType`, what is sent as it is. */
  readonly body?: unknown
  /** What the body is, when it is not JSON. */
  readonly contentType?: string | undefined
}

/** The answer to a call. */
export interface APIResponse<T> {
  /** The body: JSON as its value, text as a string, anything else as an ArrayBuffer; undefined when there is none. */
  readonly data: T
  readonly status: number
  readonly headers: Headers
  readonly requestId: string | undefined
  /** The trace of the call: it finds the logs and spans of everything that it caused. */
  readonly traceId: string | undefined
}

/** A call, ready to be made. */
export interface Call extends CallOptions {
  readonly method: string
  readonly address: Address
  readonly body: BodyInit | undefined
  /** Without credentials and trace, which are of each attempt; names are in small letters. */
  readonly sent: Readonly<Record<string, string>>
  readonly traceparent: string | undefined
  /** Whether the trace begins with this call: then each attempt is a span of its own, and else a child of the caller's. */
  readonly isTraceOurs: boolean
  /** Whether it goes without credentials, as those calls do that bring them. */
  readonly isAnonymous: boolean
}

/** Work out what is sent. */
export function prepare(
  method: string,
  address: Address,
  options: BodyOptions,
  own: { headers: Readonly<Record<string, string>>; traceparent: string | undefined; isAnonymous: boolean },
): Call {
  const { body, contentType, ...rest } = options
  const sent: Record<string, string> = { accept: 'application/json, application/problem+json' }
  if (body !== undefined) sent['content-type'] = contentType ?? 'application/json'
  if (options.idempotencyKey !== undefined) sent['idempotency-key'] = options.idempotencyKey
  for (const headers of [address.isOurs ? own.headers : {}, options.headers ?? {}]) {
    for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = value
  }
  const given = sent.traceparent ?? own.traceparent
  const written =
    contentType === undefined && body !== undefined ? JSON.stringify(body) : (body as BodyInit | undefined)
  return {
    ...rest,
    method,
    address,
    body: written,
    sent,
    isAnonymous: own.isAnonymous,
    traceparent: address.isOurs ? (given ?? newTraceparent()) : undefined,
    isTraceOurs: given === undefined,
  }
}
