/** One attempt at a call. */

import type { Call } from './call.js'
import type { Credentials } from './credentials.js'
import { type DebugLog, maskHeaders, maskURL } from './debug-log.js'
import { AnswerError, ConfigurationError, NetworkError, ProblemError } from './errors.js'
import type { Limit } from './limit.js'
import { retryAfter } from './retrying.js'
import { nextSpan, traceIdOf } from './trace.js'

/** Sends requests; nothing of it is tried again, but what was refused for its token alone. */
export class Sender {
  debug: DebugLog | undefined
  readonly #credentials: Credentials
  readonly #fetch: typeof fetch | undefined

  constructor(credentials: Credentials, own: typeof fetch | undefined) {
    this.#credentials = credentials
    this.#fetch = own
  }

  /** Send a call. Returns the 2xx answer, not read yet; throws what stands in the way of one. */
  async send(call: Call, limit: Limit): Promise<Response> {
    if (!call.address.isOurs || call.isAnonymous || 'authorization' in call.sent)
      return this.#checked(call, await this.#ask(call, {}, limit), limit)
    const first = await limit.wait(this.#credentials.headers())
    const response = await this.#ask(call, first, limit)
    const renewed = response.status === 401 ? this.#credentials.renewed?.(first) : undefined
    if (renewed === undefined) return this.#checked(call, response, limit)
    // Whoever refuses a token has not looked at the request, so any method may be sent again.
    void response.body?.cancel().catch(() => undefined)
    this.debug?.('The token was refused; going on with another one', { url: call.address.shown })
    return this.#checked(call, await this.#ask(call, await limit.wait(renewed), limit), limit)
  }

  async #ask(call: Call, credentials: Readonly<Record<string, string>>, limit: Limit): Promise<Response> {
    const { method, address, body } = call
    const headers: Record<string, string> = { ...call.sent, ...credentials }
    const trace = call.traceparent
    if (trace !== undefined) headers.traceparent = call.isTraceOurs ? nextSpan(trace) : trace
    refuseInvalid(headers)
    const debug = this.debug
    const started = performance.now()
    debug?.(`${method} ${maskURL(address.url)}`, { headers: maskHeaders(headers) })
    try {
      // Redirects are not followed: a key in a header of our own would go along to wherever they lead.
      const init: RequestInit = { method, headers, signal: limit.signal, redirect: 'manual', body: body ?? null }
      const response = await limit.wait((this.#fetch ?? fetch)(address.url, init))
      debug?.(`${response.status} ${method} ${maskURL(address.url)}`, {
        duration_ms: Math.round(performance.now() - started),
        request_id: response.headers.get('x-request-id'),
        trace_id: traceIdOf(trace),
      })
      return response
    } catch (error) {
      debug?.(`No answer: ${method} ${maskURL(address.url)}`, {
        duration_ms: Math.round(performance.now() - started),
        error: maskURL(String(error)),
      })
      limit.check()
      throw new NetworkError(
        'UNREACHABLE',
        `${method} ${address.shown}: no connection, or it broke before the answer (${why(error)})`,
        { cause: error },
      )
    }
  }

  async #checked(call: Call, response: Response, limit: Limit): Promise<Response> {
    if (response.ok) return response
    const { method, address } = call
    const where = response.headers.get('location')
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400 && where !== null)) {
      void response.body?.cancel().catch(() => undefined)
      const to = where === null ? '' : ` to ${maskURL(where)}`
      throw new AnswerError(
        'REDIRECTED',
        `${method} ${address.shown} is redirected${to}, which is not followed; call the final address`,
      )
    }
    throw new ProblemError({
      method,
      url: address.shown,
      status: response.status,
      headers: response.headers,
      problem: problem(await readBody(call, response, limit, 'text')),
      traceId: traceIdOf(call.traceparent),
      retryAfter: retryAfter(response.headers.get('retry-after')),
    })
  }
}

// An engine's own error would show the value, which may be a token.
function refuseInvalid(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\t -~\u0080-\u00ff]*$/.test(value)) {
      throw new ConfigurationError(
        'HEADER_INVALID',
        `the value of the header ${name} has characters that no header can have`,
      )
    }
  }
}

/** Read an answer to its end. */
export async function readBody(
  call: Call,
  response: Response,
  limit: Limit,
  as: 'text' | 'arrayBuffer',
): Promise<string | ArrayBuffer> {
  try {
    return await limit.wait<string | ArrayBuffer>(response[as]())
  } catch (error) {
    limit.check()
    throw new NetworkError(
      'CONNECTION_BROKEN',
      `${call.method} ${call.address.shown}: the answer broke off (${why(error)})`,
      { cause: error },
    )
  }
}

/** Say what an engine's error means; Node keeps the reason in its cause. */
export function why(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

function problem(text: string | ArrayBuffer): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(text as string)
    return typeof document === 'object' && document !== null && !Array.isArray(document) ? { ...document } : {}
  } catch {
    return {}
  }
}
