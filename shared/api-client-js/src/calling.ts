/** A call from its beginning to its end: attempts, pauses, and the limits of both. */

import { RetryBudget } from './budget.js'
import type { Call } from './call.js'
import { TimeoutError } from './errors.js'
import { Limit } from './limit.js'
import { isIdempotent, isWorthRetrying, pauseBeforeRetry, type RetryOptions } from './retrying.js'
import type { Sender } from './sending.js'

const MOST_PEERS = 1000

/** Makes calls, as often as it makes sense. */
export class Calling {
  readonly #sender: Sender
  readonly #retry: Required<RetryOptions>
  readonly #timeout: number
  readonly #total: number
  readonly #budgets = new Map<string, RetryBudget>()

  /** `timeout` and `total` are milliseconds. */
  constructor(sender: Sender, retry: Required<RetryOptions>, timeout: number, total: number) {
    this.#sender = sender
    this.#retry = retry
    this.#timeout = timeout
    this.#total = total
  }

  /**
   * Make a call within its limits. `use` gets the 2xx answer of an attempt, and the limit of that attempt, under which it reads
   * the answer; an attempt whose answer cannot be read is one that failed.
   */
  async call<T>(
    call: Call,
    use: (response: Response, limit: Limit) => Promise<T>,
    most = this.#retry.retries,
  ): Promise<T> {
    const { method, address, totalTimeout = this.#total } = call
    const late = (): Error => {
      const text = `${method} ${address.shown}: no answer within ${totalTimeout} ms for the whole call`
      return new TimeoutError('DEADLINE_EXCEEDED', text)
    }
    const over = performance.now() + totalTimeout
    const whole = new Limit(totalTimeout, late, call.signal)
    const retries = isIdempotent(method, call.sent) && !isStream(call.body) ? most : 0
    this.#budget(address.peer).payIn()
    try {
      for (let number = 0; ; number += 1) {
        try {
          return await this.#attempt(call, whole, use)
        } catch (error) {
          whole.check()
          if (number >= retries) throw error
          await whole.pause(this.#pause(call, number, error, over))
        }
      }
    } finally {
      whole.release()
    }
  }

  /** Decide on another attempt: gives the pause before it, or throws the error when there is none. */
  #pause({ method, address }: Call, number: number, error: unknown, over: number): number {
    const pause = isWorthRetrying(error) ? pauseBeforeRetry(number, error, this.#retry) : undefined
    if (pause === undefined || performance.now() + pause >= over) throw error
    if (!this.#budget(address.peer).take()) {
      this.#sender.debug?.(`Not tried again: the retries of calls to ${address.peer} are used up for now`, {})
      throw error
    }
    this.#sender.debug?.(`Trying again: ${method} ${address.shown}`, {
      attempt: number + 2,
      pause_ms: Math.round(pause),
    })
    return pause
  }

  async #attempt<T>(call: Call, whole: Limit, use: (response: Response, limit: Limit) => Promise<T>): Promise<T> {
    const { method, address, signal, timeout = this.#timeout } = call
    const late = (): Error => new TimeoutError('TIMEOUT', `${method} ${address.shown}: no answer within ${timeout} ms`)
    // A stream goes on when the call is over, and the caller ends that, too.
    const limit = new Limit(timeout, late, whole, signal)
    try {
      return await use(await this.#sender.send(call, limit), limit)
    } catch (error) {
      // Whatever is still on its way is not waited for.
      limit.end(error)
      throw error
    }
  }

  #budget(peer: string): RetryBudget {
    const known = this.#budgets.get(peer)
    if (known !== undefined) return known
    const budget = new RetryBudget(this.#retry.budgetShare, this.#retry.budgetFloor, () => performance.now())
    if (this.#budgets.size >= MOST_PEERS) this.#budgets.clear()
    this.#budgets.set(peer, budget)
    return budget
  }
}

function isStream(body: BodyInit | undefined): boolean {
  return typeof ReadableStream !== 'undefined' && body instanceof ReadableStream
}
