/** Whether a failed call is made again, and after how long. */

import { NetworkError, ProblemError, TimeoutError } from './errors.js'

/** When a failed call is made again. Times are milliseconds. */
export interface RetryOptions {
  /** How often an idempotent call is tried again. Default: 3. */
  readonly retries?: number
  /** Upper limit of the first pause; it doubles with each further one. A pause is chosen between zero and its limit. Default: 100. */
  readonly firstPause?: number
  /** Upper limit of every pause. Default: 5000. */
  readonly longestPause?: number
  /** Longest `Retry-After` that is waited for; a call that is asked to wait longer fails at once. Default: 10000. */
  readonly longestRetryAfter?: number
  /** How many retries one call to a service pays for: with 0.2, one retry for five calls in ten seconds. Default: 0.2. */
  readonly budgetShare?: number
  /** Retries that are always there in ten seconds. Default: 10. */
  readonly budgetFloor?: number
}

export const RETRY_DEFAULTS: Required<RetryOptions> = {
  retries: 3,
  firstPause: 100,
  longestPause: 5000,
  longestRetryAfter: 10_000,
  budgetShare: 0.2,
  budgetFloor: 10,
}

const WORTH_RETRYING: readonly number[] = [429, 502, 503, 504]
// RFC 9110, section 9.2.2.
const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']

/** Tell whether making a call twice is the same as making it once. */
export function isIdempotent(method: string, headers: Readonly<Record<string, string>>): boolean {
  return IDEMPOTENT.includes(method) || 'idempotency-key' in headers
}

/** Tell whether a failure may pass. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof ProblemError) return WORTH_RETRYING.includes(error.status)
  return error instanceof NetworkError || (error instanceof TimeoutError && error.code !== 'DEADLINE_EXCEEDED')
}

/**
 * Choose a pause with full jitter: anything between nothing and a limit that doubles each time, so that callers that failed
 * together do not come back together (M. Brooker, "Exponential Backoff And Jitter"). A `Retry-After` is waited for in full, and
 * the jitter comes on top.
 *
 * Returns milliseconds; undefined when the service asks for a longer pause than is waited for.
 */
export function pauseBeforeRetry(
  number: number,
  error: unknown,
  options: Required<RetryOptions>,
  random: () => number = Math.random,
): number | undefined {
  const asked = error instanceof ProblemError ? (error.retryAfter ?? 0) * 1000 : 0
  if (asked > options.longestRetryAfter) return undefined
  return asked + random() * Math.min(options.longestPause, options.firstPause * 2 ** Math.min(number, 30))
}

/** Read `Retry-After`, a number of seconds or a date (RFC 9110, section 10.2.3), as seconds; undefined when it makes no sense. */
export function retryAfter(value: string | null, now: number = Date.now()): number | undefined {
  const asked = value?.trim() ?? ''
  if (/^\d{1,9}$/.test(asked)) return Number(asked)
  // A date has the name of its month; Date.parse alone would take "-5" for a year.
  const at = /[a-z]{3}/i.test(asked) ? Date.parse(asked) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000)
}
