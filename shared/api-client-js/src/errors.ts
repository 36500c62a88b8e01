/** What goes wrong in a call. Every error has a stable `code` to branch on. */

/** Root of this package's errors. What a caller's own `AbortSignal` gives as its reason is thrown as it is. */
export class MaestroError extends Error {
  /** Stable identifier to branch on. */
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The client cannot make the call as it is set up: `BASE_URL_MISSING`, `HEADER_INVALID`, `NO_STREAMS`, `NOT_JWT`. */
export class ConfigurationError extends MaestroError {
  override readonly name = 'ConfigurationError'
}

/** No answer came: `UNREACHABLE`, or `CONNECTION_BROKEN` when it broke off. */
export class NetworkError extends MaestroError {
  override readonly name = 'NetworkError'
}

/** It took too long: `TIMEOUT` for one attempt, `DEADLINE_EXCEEDED` for the whole call, `SILENT` for a stream. */
export class TimeoutError extends MaestroError {
  override readonly name = 'TimeoutError'
}

/** The answer is not what was asked for: `ANSWER_UNREADABLE`, `REDIRECTED`, `NOT_A_PAGE`, `PAGES_REPEAT`, `NOT_AN_EVENT_STREAM`. */
export class AnswerError extends MaestroError {
  override readonly name = 'AnswerError'
}

/** The user has to sign in again (`SESSION_ENDED`); `cause` is the refusal. */
export class SessionEndedError extends MaestroError {
  override readonly name = 'SessionEndedError'

  constructor(message: string, options?: { cause?: unknown }) {
    super('SESSION_ENDED', message, options)
  }
}

/** One fault in the request. */
export interface ProblemItem {
  /** Where: `body.items[0].name`, `query.limit`. */
  readonly path: string
  /** What is wrong there. */
  readonly message: string
}

/** What is known of an answer that is not 2xx. */
export interface Refusal {
  readonly method: string
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly problem: Readonly<Record<string, unknown>>
  readonly traceId: string | undefined
  /** Seconds to wait, read from `Retry-After`. */
  readonly retryAfter: number | undefined
}

/**
 * The service has answered with an error (RFC 9457). `code` is the problem's `error_code`; `HTTP_<status>` when the answer is
 * no problem document, as those of proxies in between.
 */
export class ProblemError extends MaestroError {
  override readonly name = 'ProblemError'
  readonly method: string
  /** Where the request went, without its query. */
  readonly url: string
  readonly status: number
  /** URN of the kind of error; `about:blank` when there is none. */
  readonly type: string
  readonly title: string
  /** What happened this time. */
  readonly detail: string | undefined
  readonly instance: string | undefined
  /** The rule that refused the request: `role:operator`, `token-not-expired`. */
  readonly rule: string | undefined
  /** How much the rule allows. */
  readonly limit: number | undefined
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number | undefined
  /** Faults in the request itself. */
  readonly errors: readonly ProblemItem[]
  /** Finds the logs and spans of this request. */
  readonly traceId: string | undefined
  readonly requestId: string | undefined
  readonly headers: Headers
  /** The document with all its members; empty when there was none. */
  readonly problem: Readonly<Record<string, unknown>>

  constructor(refusal: Refusal) {
    const { problem, status } = refusal
    const title = text(problem.title) ?? `HTTP ${status}`
    const detail = text(problem.detail)
    super(
      text(problem.error_code) ?? `HTTP_${status}`,
      `${refusal.method} ${refusal.url}: ${status} ${title}${detail === undefined ? '' : `: ${detail}`}`,
    )
    this.method = refusal.method
    this.url = refusal.url
    this.status = status
    this.type = text(problem.type) ?? 'about:blank'
    this.title = title
    this.detail = detail
    this.instance = text(problem.instance)
    this.rule = text(problem.rule)
    this.limit = number(problem.limit)
    this.retryAfter = refusal.retryAfter ?? number(problem.retry_after)
    this.errors = Array.isArray(problem.errors) ? problem.errors.filter(isItem) : []
    this.traceId = text(problem.trace_id) ?? refusal.traceId
    this.requestId = refusal.headers.get('x-request-id') ?? undefined
    this.headers = refusal.headers
    this.problem = problem
  }
}

/** Tell whether an error is a service's answer, and has one of the codes when there are any. */
export function isProblem(error: unknown, ...codes: string[]): error is ProblemError {
  return error instanceof ProblemError && (codes.length === 0 || codes.includes(error.code))
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function isItem(value: unknown): value is ProblemItem {
  return typeof value === 'object' && value !== null && 'path' in value && 'message' in value
}
