/** Server-sent events, as they come in pieces (WHATWG HTML, section 9.2). */

/** One server-sent event. */
export class StreamEvent {
  /** Position in the stream, to be sent as `Last-Event-ID`; undefined when the event has none. */
  readonly id: string | undefined
  /** Kind of event; `message` when the stream does not say. */
  readonly event: string
  /** The data, lines joined by a newline. */
  readonly data: string

  constructor(id: string | undefined, event: string, data: string) {
    this.id = id
    this.event = event
    this.data = data
  }

  /** The data read as JSON. */
  json<T = unknown>(): T {
    return JSON.parse(this.data) as T
  }
}

/** Puts pieces of text together to events. */
export class EventParser {
  /** The last id that came, of whatever event. */
  lastId: string | undefined
  /** Milliseconds after which the service wants to be asked again; undefined until it says. */
  retry: number | undefined
  #rest = ''
  #begun = false
  #id: string | undefined
  #event = ''
  #data: string[] = []

  constructor(lastId: string | undefined) {
    this.lastId = lastId
  }

  /** Take a piece; returns the events that it completes. */
  push(piece: string): StreamEvent[] {
    let text = this.#rest + piece
    if (!this.#begun && text !== '') {
      this.#begun = true
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    // A line without its end, or with one that may be the first half of another, waits for the next piece.
    this.#rest = lines.pop() ?? ''
    return lines.map((line) => this.#line(line)).filter((event) => event !== undefined)
  }

  #line(line: string): StreamEvent | undefined {
    if (line === '') return this.#complete()
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') this.#data.push(value)
    else if (name === 'event') this.#event = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value)
    return undefined
  }

  #complete(): StreamEvent | undefined {
    const [id, data] = [this.#id, this.#data]
    const event = this.#event || 'message'
    this.#id = undefined
    this.#event = ''
    this.#data = []
    if (id !== undefined) this.lastId = id || undefined
    return data.length === 0 ? undefined : new StreamEvent(id || undefined, event, data.join('\n'))
  }
}
