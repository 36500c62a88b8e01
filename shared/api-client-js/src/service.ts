/** A service's calls, typed by what its own document says. */

import { fillPath, type QueryValue } from './address.js'
import type { APIResponse, CallOptions } from './call.js'
import type { APIClient } from './client.js'
import type { StreamEvent } from './event-parser.js'
import type { EventOptions } from './events.js'

/** The parts of a call that its document names. */
type Part = 'path' | 'query' | 'header' | 'body' | 'contentType'

/** The templates of a service's paths that take a method. */
export type PathsOf<Calls, Method extends string> = keyof Calls extends infer Key
  ? Key extends `${Method} ${infer Path}`
    ? Path
    : never
  : never

type CallOf<Calls, Method extends string, Path extends string> = `${Method} ${Path}` extends keyof Calls
  ? Calls[`${Method} ${Path}`]
  : never

type Own<Call> = Pick<Call, Extract<keyof Call, Part>>
/** What a call takes: as an object that may be left out when nothing in it has to be there. */
type Input<Call, Options> =
  Record<never, never> extends Own<Call>
    ? [input?: Own<Call> & Omit<Options, Part>]
    : [input: Own<Call> & Omit<Options, Part>]
type Answer<Call> = Call extends { answer: infer Data } ? Data : undefined
type Streams<Calls, Method extends string> = {
  [Path in PathsOf<Calls, Method>]: CallOf<Calls, Method, Path> extends { events: true } ? Path : never
}[PathsOf<Calls, Method>]
type StreamOf<Calls, Path extends string> =
  Path extends Streams<Calls, 'GET'> ? CallOf<Calls, 'GET', Path> : CallOf<Calls, 'POST', Path>
type Listings<Calls> = {
  [Path in PathsOf<Calls, 'GET'>]: Answer<CallOf<Calls, 'GET', Path>> extends { next_cursor?: string | null }
    ? Path
    : never
}[PathsOf<Calls, 'GET'>]
type Item<Page> = {
  [Member in keyof Page]-?: Page[Member] extends readonly (infer One)[] | undefined ? One : never
}[keyof Page]

interface AnyInput extends CallOptions {
  readonly path?: Readonly<Record<string, string | number>>
  readonly header?: Readonly<Record<string, string | undefined>>
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly body?: unknown
  readonly contentType?: string
}

/**
 * Calls one service. Each method takes the template of a path, and an object with its `path`, `query`, `header` and `body` beside
 * the options of every call; the answer's `data` has the type of the document.
 */
export class ServiceClient<Calls> {
  readonly #client: APIClient
  readonly #service: string

  constructor(client: APIClient, service: string) {
    this.#client = client
    this.#service = service
  }

  get<Path extends PathsOf<Calls, 'GET'>>(
    path: Path,
    ...input: Input<CallOf<Calls, 'GET', Path>, CallOptions>
  ): Promise<APIResponse<Answer<CallOf<Calls, 'GET', Path>>>> {
    return this.#request('GET', path, input[0])
  }

  post<Path extends PathsOf<Calls, 'POST'>>(
    path: Path,
    ...input: Input<CallOf<Calls, 'POST', Path>, CallOptions>
  ): Promise<APIResponse<Answer<CallOf<Calls, 'POST', Path>>>> {
    return this.#request('POST', path, input[0])
  }

  put<Path extends PathsOf<Calls, 'PUT'>>(
    path: Path,
    ...input: Input<CallOf<Calls, 'PUT', Path>, CallOptions>
  ): Promise<APIResponse<Answer<CallOf<Calls, 'PUT', Path>>>> {
    return this.#request('PUT', path, input[0])
  }

  patch<Path extends PathsOf<Calls, 'PATCH'>>(
    path: Path,
    ...input: Input<CallOf<Calls, 'PATCH', Path>, CallOptions>
  ): Promise<APIResponse<Answer<CallOf<Calls, 'PATCH', Path>>>> {
    return this.#request('PATCH', path, input[0])
  }

  delete<Path extends PathsOf<Calls, 'DELETE'>>(
    path: Path,
    ...input: Input<CallOf<Calls, 'DELETE', Path>, CallOptions>
  ): Promise<APIResponse<Answer<CallOf<Calls, 'DELETE', Path>>>> {
    return this.#request('DELETE', path, input[0])
  }

  /** Read a listing item by item; see `APIClient.pages`. */
  pages<Path extends Listings<Calls>>(
    path: Path,
    ...input: Input<CallOf<Calls, 'GET', Path>, CallOptions>
  ): AsyncGenerator<Item<Answer<CallOf<Calls, 'GET', Path>>>, void, undefined> {
    const [filled, options] = ready(path, input[0])
    return this.#client.pages(filled, options, { service: this.#service })
  }

  /** Read server-sent events; see `APIClient.events`. */
  events<Path extends Streams<Calls, 'GET'> | Streams<Calls, 'POST'>>(
    path: Path,
    ...input: Input<StreamOf<Calls, Path>, EventOptions>
  ): AsyncGenerator<StreamEvent, void, undefined> {
    const [filled, options] = ready(path, input[0])
    return this.#client.events(filled, options, { service: this.#service })
  }

  #request<T>(method: string, path: string, input: unknown): Promise<APIResponse<T>> {
    const [filled, options] = ready(path, input)
    return this.#client.request(method, filled, options, { service: this.#service })
  }
}

function ready(template: string, input: unknown): [path: string, options: Omit<AnyInput, 'path' | 'header'>] {
  const { path, header, ...options } = (input ?? {}) as AnyInput
  const named = Object.entries(header ?? {}).filter((each): each is [string, string] => each[1] !== undefined)
  return [fillPath(template, path), { ...options, headers: { ...Object.fromEntries(named), ...options.headers } }]
}
