/** How long something may take, and who may end it earlier. */

// A longer one overflows in every engine, and would be over at once.
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Ends what it is given to when its time is over or one of its parents ends.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` would do the same where they exist; React Native and Node 18 lack the first.
 */
export class Limit {
  readonly #controller = new AbortController()
  readonly #undo: (() => void)[] = []
  readonly #expired: () => Error
  #timer: ReturnType<typeof setTimeout> | undefined
  #reason: unknown

  /** `ms` may be Infinity; `expired` makes the error that a call ends with once they are over. */
  constructor(ms: number, expired: () => Error, ...parents: (AbortSignal | Limit | undefined)[]) {
    this.#expired = expired
    this.restart(ms)
    for (const parent of parents) this.#follow(parent)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Throw the reason for the end, if it has come. */
  check(): void {
    if (this.signal.aborted) throw this.#reason
  }

  /** Give it another time, from now on. */
  restart(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (ms < Number.POSITIVE_INFINITY && !this.signal.aborted) {
      this.#timer = setTimeout(() => this.end(this.#expired()), Math.min(Math.max(0, ms), LONGEST_TIMER))
    }
  }

  /** End whatever still goes on. */
  end(reason: unknown): void {
    if (this.signal.aborted) return
    this.#reason = reason
    this.release()
    this.#controller.abort(reason)
  }

  /** Forget the timer and the parents. What has been reached is not ended by that. */
  release(): void {
    clearTimeout(this.#timer)
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** Wait for something, but not longer than this. */
  async wait<T>(work: Promise<T>): Promise<T> {
    // What is not waited for any more may fail without anybody to tell.
    work.catch(() => undefined)
    this.check()
    let stop = (): void => undefined
    const ended = new Promise<never>((_, reject) => {
      const onAbort = (): void => reject(this.#reason)
      this.signal.addEventListener('abort', onAbort)
      stop = () => this.signal.removeEventListener('abort', onAbort)
    })
    try {
      return await Promise.race([work, ended])
    } catch (error) {
      // Engines reject with errors of their own when they are ended; ours tells why.
      this.check()
      throw error
    } finally {
      stop()
    }
  }

  /** Let some milliseconds go by. */
  async pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      await this.wait(
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER))
        }),
      )
    } finally {
      clearTimeout(timer)
    }
  }

  #follow(parent: AbortSignal | Limit | undefined): void {
    if (parent === undefined) return
    const signal = parent instanceof Limit ? parent.signal : parent
    const end = (): void =>
      this.end(parent instanceof Limit ? parent.#reason : (parent.reason ?? new Error('This call was aborted')))
    if (signal.aborted) {
      end()
    } else {
      signal.addEventListener('abort', end)
      this.#undo.push(() => signal.removeEventListener('abort', end))
    }
  }
}
