/** How many retries a client may add to what a service gets anyway. */

const WINDOW_S = 10

interface Second {
  readonly at: number
  calls: number
  retries: number
}

/**
 * Retries that calls pay for, so that they cannot multiply an outage. In any ten seconds there are at most `floor` retries and
 * `share` for each call (Google, "Site Reliability Engineering", chapter 21; the sliding window is Finagle's).
 */
export class RetryBudget {
  readonly #share: number
  readonly #floor: number
  readonly #now: () => number
  #seconds: Second[] = []

  /** `now` gives monotonic milliseconds. */
  constructor(share: number, floor: number, now: () => number) {
    this.#share = share
    this.#floor = floor
    this.#now = now
  }

  /** Note a call, not counting its retries. */
  payIn(): void {
    this.#second().calls += 1
  }

  /** Take one retry, if there is one. */
  take(): boolean {
    const second = this.#second()
    let calls = 0
    let retries = 0
    for (const each of this.#seconds) {
      calls += each.calls
      retries += each.retries
    }
    // 0.1 * 30 is 3.0000000000000004: whole retries are what counts.
    if (retries + 1 > this.#floor + this.#share * calls + 1e-9) return false
    second.retries += 1
    return true
  }

  #second(): Second {
    const at = Math.floor(this.#now() / 1000)
    this.#seconds = this.#seconds.filter((second) => second.at > at - WINDOW_S)
    const last = this.#seconds.at(-1)
    if (last?.at === at) return last
    const second = { at, calls: 0, retries: 0 }
    this.#seconds.push(second)
    return second
  }
}
