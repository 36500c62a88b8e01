/** Reading server-sent events, also over connections that break. */

import type { CallOptions } from './call.js'
import { AnswerError, ConfigurationError, NetworkError, TimeoutError } from './errors.js'
import { EventParser, type StreamEvent } from './event-parser.js'
import { Limit } from './limit.js'
import { isWorthRetrying, pauseBeforeRetry, type RetryOptions } from './retrying.js'
import { why } from './sending.js'

/** How a stream is read. Times are milliseconds. */
export interface EventOptions extends CallOptions {
  /** Resume behind this event. */
  readonly lastEventId?: string | undefined
  /** The longest silence; services send something every 15 seconds. Default: 45000. */
  readonly heartbeatTimeout?: number | undefined
  /** How often it is opened again without an event in between. Default: for ever; with `enableRetry: false`, never. */
  readonly reconnects?: number | undefined
}

/** An answer whose body is read in pieces, until `limit` is ended. */
export interface OpenStream {
  readonly response: Response
  readonly limit: Limit
}

/** Opens the stream behind an event. */
export type OpenAt = (lastEventId: string | undefined) => Promise<OpenStream>

const HEARTBEAT_MS = 45_000
const LONGEST_PAUSE_MS = 30_000
const LONGEST_ASKED_PAUSE_MS = 60_000

/**
 * Read events until the service ends the stream. One that breaks, falls silent, or ends though it can be gone on with is opened
 * again behind the last event that had an id, after the pause that the service asks for (`retry:`) or a growing one. Services
 * say 204 when nothing can come any more, and name their last event `complete`; one named `reset` says that what came between
 * can no longer be had, and the stream goes on from its beginning. A stream of events without ids is not opened
 * again once one came: nothing would say where to go on.
 */
export async function* readEvents(
  open: OpenAt,
  where: string,
  options: EventOptions,
  retry: Required<RetryOptions>,
): AsyncGenerator<StreamEvent, void, undefined> {
  const place = new Place(options, retry)
  for (;;) {
    let failure: unknown
    place.opens()
    try {
      yield* eventsOf(await open(place.lastId), where, place, options.heartbeatTimeout)
      if (place.hasEnded) return
    } catch (error) {
      if (!isWorthRetrying(error)) throw error
      failure = error
    }
    const pause = place.pause(failure)
    if (pause === undefined) return
    const waiting = new Limit(Number.POSITIVE_INFINITY, () => new Error('time is endless'), options.signal)
    await waiting.pause(pause).finally(() => waiting.release())
  }
}

/** Where a stream stands, over all its connections. */
class Place {
  lastId: string | undefined
  readonly #retry: Required<RetryOptions>
  readonly #reconnects: number
  #askedPause = 0
  /** Whether the service has said that it may be asked again. */
  #isToBeContinued = false
  #isNameless = false
  #isOver = false
  #failures = 0
  #opened = 0

  constructor(options: EventOptions, retry: Required<RetryOptions>) {
    this.lastId = options.lastEventId
    const longestPause = Math.max(retry.longestPause, LONGEST_PAUSE_MS)
    this.#retry = { ...retry, longestPause, longestRetryAfter: LONGEST_ASKED_PAUSE_MS }
    this.#reconnects = options.reconnects ?? (retry.retries > 0 ? Number.POSITIVE_INFINITY : 0)
  }

  /** Whether a connection that was closed properly was the last. */
  get hasEnded(): boolean {
    return this.#isOver || !this.#isToBeContinued
  }

  opens(): void {
    this.#opened = performance.now()
  }

  /** Note that nothing can come any more. */
  close(): void {
    this.#isOver = true
  }

  note(parser: EventParser, events: readonly StreamEvent[]): void {
    // What came between can no longer be had: the service wants to be asked anew.
    const isReset = events.some(({ id, event }) => event === 'reset' && id === undefined)
    if (isReset) parser.lastId = undefined
    this.lastId = parser.lastId
    if (parser.retry !== undefined) this.#askedPause = Math.min(parser.retry, LONGEST_ASKED_PAUSE_MS)
    if (isReset || parser.retry !== undefined || parser.lastId !== undefined) this.#isToBeContinued = true
    if (events.length > 0) {
      if (events.some(({ id }) => id !== undefined)) this.#failures = 0
      this.#isNameless = parser.lastId === undefined && !isReset
    }
  }

  /** Give the milliseconds after which it is opened again; when it is not, throws the failure or gives undefined without one. */
  pause(failure: unknown): number | undefined {
    // One that held for a while is not in trouble, however quiet it was.
    if (performance.now() - this.#opened > LONGEST_PAUSE_MS) this.#failures = 0
    const canResume = this.lastId !== undefined || !this.#isNameless
    const isWanted = canResume && this.#failures < this.#reconnects
    const pause = isWanted ? pauseBeforeRetry(this.#failures, failure, this.#retry) : undefined
    this.#failures += 1
    if (pause !== undefined) return Math.max(pause, this.#askedPause)
    if (failure !== undefined) throw failure
    return undefined
  }
}

async function* eventsOf(
  { response, limit }: OpenStream,
  where: string,
  place: Place,
  heartbeatTimeout = HEARTBEAT_MS,
): AsyncGenerator<StreamEvent> {
  try {
    if (response.status === 204) {
      place.close()
      return
    }
    const type = response.headers.get('content-type') ?? 'no type'
    if (!type.startsWith('text/event-stream')) {
      throw new AnswerError('NOT_AN_EVENT_STREAM', `${where}: the answer is ${type}, not text/event-stream`)
    }
    const reader = response.body?.getReader()
    if (reader === undefined) {
      throw new ConfigurationError(
        'NO_STREAMS',
        `this runtime's fetch reads no streams; give the client one that does, such as the one of expo/fetch`,
      )
    }
    const parser = new EventParser(place.lastId)
    const decoder = new TextDecoder()
    const silence = new Limit(
      Number.POSITIVE_INFINITY,
      () => new TimeoutError('SILENT', `${where}: nothing came for ${heartbeatTimeout} ms`),
      limit,
    )
    try {
      for (;;) {
        silence.restart(heartbeatTimeout)
        const { done, value } = await silence.wait(reader.read())
        // Events are taken as slowly as the caller likes.
        silence.restart(Number.POSITIVE_INFINITY)
        if (done) return
        const events = parser.push(decoder.decode(value, { stream: true }))
        place.note(parser, events)
        yield* events
        if (events.some(({ id, event }) => event === 'complete' && id === undefined)) {
          place.close()
          return
        }
      }
    } catch (error) {
      silence.check()
      throw new NetworkError('CONNECTION_BROKEN', `${where}: the stream broke off (${why(error)})`, { cause: error })
    } finally {
      silence.release()
    }
  } finally {
    limit.end(undefined)
  }
}
