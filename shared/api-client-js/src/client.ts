/** `APIClient`: how a page, an app or a program calls the platform. */

import { AddressBook, type QueryValue } from './address.js'
import { type APIResponse, type BodyOptions, type Call, type CallOptions, prepare } from './call.js'
import { Calling } from './calling.js'
import { credentialsOf } from './credentials.js'
import { type DebugLog, toConsole } from './debug-log.js'
import { AnswerError, ConfigurationError } from './errors.js'
import type { StreamEvent } from './event-parser.js'
import { type EventOptions, type OpenStream, readEvents } from './events.js'
import type { Limit } from './limit.js'
import type { APIClientOptions, JwtAuthentication } from './options.js'
import { itemsOfPages } from './pages.js'
import { RETRY_DEFAULTS, type RetryOptions } from './retrying.js'
import { readBody, Sender } from './sending.js'
import { Session } from './session/session.js'
import { TokenStore } from './session/storage.js'
import { traceIdOf } from './trace.js'

const WHOLE_CALL = 10
const EVENT_STREAM = { accept: 'text/event-stream, application/problem+json' }

/** Whether a call is below a service's name, and whether it goes without credentials. */
interface Way {
  readonly service?: string | undefined
  readonly isAnonymous?: boolean
}

/**
 * Calls the platform's services.
 *
 * A path is below `baseURL`; the gateway finds a service by its first part (`/governance-service/approvals`). An answer that is
 * not 2xx is thrown as `ProblemError`, trouble on the way as `NetworkError` or `TimeoutError`. Calls that are idempotent, by
 * their method or an `idempotencyKey`, are made again after pauses, as far as the budget goes.
 */
export class APIClient {
  readonly #options: APIClientOptions
  readonly #addresses: AddressBook
  readonly #retry: Required<RetryOptions>
  readonly #sender: Sender
  readonly #calling: Calling
  readonly #session: Session | undefined

  constructor(options: APIClientOptions = {}) {
    const { timeout = 30_000, enableRetry = true, authentication } = options
    this.#options = options
    this.#addresses = new AddressBook(options.baseURL, options.services ?? {})
    const retry = typeof enableRetry === 'object' ? enableRetry : enableRetry ? {} : { retries: 0 }
    this.#retry = { ...RETRY_DEFAULTS, ...retry }
    this.#session = authentication?.type === 'jwt' ? this.#openSession(authentication) : undefined
    this.#sender = new Sender(credentialsOf(authentication, this.#session), options.fetch)
    this.#calling = new Calling(this.#sender, this.#retry, timeout, options.totalTimeout ?? timeout * WHOLE_CALL)
  }

  /** The user's session. Throws when `authentication.type` is not 'jwt'. */
  get session(): Session {
    if (this.#session === undefined) {
      throw new ConfigurationError('NOT_JWT', "only a client with authentication: { type: 'jwt' } has a session")
    }
    return this.#session
  }

  /** Tell every request, answer, retry and refresh, by default on the console. Tokens and keys are masked, bodies left out. */
  enableDebugLogging(log: DebugLog = toConsole): void {
    this.#sender.debug = log
  }

  /** Tell nothing any more. */
  disableDebugLogging(): void {
    this.#sender.debug = undefined
  }

  /** Make a call. `T` is what the caller knows of the body; it is not checked. */
  async request<T = unknown>(
    method: string,
    path: string,
    options: BodyOptions = {},
    way: Way = {},
  ): Promise<APIResponse<T>> {
    const call = this.#prepare(method, path, options, way)
    return this.#calling.call(call, async (response, limit) => {
      const data = (await readData(call, response, limit)) as T
      limit.release()
      const { status, headers } = response
      return {
        data,
        status,
        headers,
        requestId: headers.get('x-request-id') ?? undefined,
        traceId: traceIdOf(call.traceparent),
      }
    })
  }

  get<T = unknown>(path: string, options?: CallOptions): Promise<APIResponse<T>> {
    return this.request('GET', path, options)
  }

  head(path: string, options?: CallOptions): Promise<APIResponse<undefined>> {
    return this.request('HEAD', path, options)
  }

  post<T = unknown>(path: string, body?: unknown, options?: BodyOptions): Promise<APIResponse<T>> {
    return this.request('POST', path, { ...options, body })
  }

  put<T = unknown>(path: string, body?: unknown, options?: BodyOptions): Promise<APIResponse<T>> {
    return this.request('PUT', path, { ...options, body })
  }

  patch<T = unknown>(path: string, body?: unknown, options?: BodyOptions): Promise<APIResponse<T>> {
    return this.request('PATCH', path, { ...options, body })
  }

  delete<T = unknown>(path: string, options?: CallOptions): Promise<APIResponse<T>> {
    return this.request('DELETE', path, options)
  }

  /** Make a call and read its answer piece by piece: a download. `signal` ends it, also while it is read. */
  async open(method: string, path: string, options: BodyOptions = {}, way: Way = {}): Promise<Response> {
    return (await this.#open(this.#prepare(method, path, options, way))).response
  }

  /** Read a listing item by item, however many pages it has: `for await (const run of client.pages('/maestro-orchestrator/runs'))`. */
  pages<T = unknown>(path: string, options: CallOptions = {}, way: Way = {}): AsyncGenerator<T, void, undefined> {
    const ask = async (query: Readonly<Record<string, QueryValue>>): Promise<unknown> =>
      (await this.request('GET', path, { ...options, query }, way)).data
    return itemsOfPages(ask, path, options.query) as AsyncGenerator<T, void, undefined>
  }

  /** Read server-sent events, over connections that break; with a body it is a POST, which is opened once. */
  events(
    path: string,
    options: EventOptions & BodyOptions = {},
    way: Way = {},
  ): AsyncGenerator<StreamEvent, void, undefined> {
    const { lastEventId: _, heartbeatTimeout: __, reconnects: ___, headers, ...rest } = options
    const method = options.body === undefined ? 'GET' : 'POST'
    const open = (lastEventId: string | undefined): Promise<OpenStream> => {
      const place = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      return this.#open(
        this.#prepare(method, path, { ...rest, headers: { ...EVENT_STREAM, ...headers, ...place } }, way),
        0,
      )
    }
    const once = method === 'GET' ? {} : { reconnects: 0 }
    return readEvents(open, `${method} ${path}`, { ...options, ...once }, this.#retry)
  }

  #open(call: Call, retries?: number): Promise<OpenStream> {
    return this.#calling.call(
      call,
      async (response, limit) => {
        limit.restart(Number.POSITIVE_INFINITY)
        return { response, limit }
      },
      retries,
    )
  }

  #prepare(method: string, path: string, options: BodyOptions, { service, isAnonymous = false }: Way): Call {
    const own = { headers: this.#options.headers ?? {}, traceparent: this.#options.traceparent?.(), isAnonymous }
    return prepare(method.toUpperCase(), this.#addresses.find(path, options.query, service), options, own)
  }

  #openSession(options: JwtAuthentication): Session {
    const {
      service = 'governance-service',
      tokenStorage = 'memory',
      storageKey = 'maestro.session',
      onSessionEnd,
    } = options
    const ask = async (path: string, body: unknown): Promise<unknown> =>
      (await this.request('POST', path, { body }, { service, isAnonymous: true })).data
    const session = new Session(new TokenStore(tokenStorage, storageKey), ask)
    if (onSessionEnd !== undefined) session.onEnd(onSessionEnd)
    return session
  }
}

async function readData(call: Call, response: Response, limit: Limit): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  const isJSON = /^application\/([\w.+-]+\+)?json\b/i.test(type)
  if (!isJSON && !/^text\/|ndjson|jsonl|yaml|xml/i.test(type)) {
    const bytes = (await readBody(call, response, limit, 'arrayBuffer')) as ArrayBuffer
    return bytes.byteLength === 0 ? undefined : bytes
  }
  const text = (await readBody(call, response, limit, 'text')) as string
  if (!isJSON || text === '') return text || undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AnswerError('ANSWER_UNREADABLE', `${call.method} ${call.address.shown}: the answer is no JSON`, {
      cause: error,
    })
  }
}
