/** A user's session: signing in, staying signed in, signing out. */

import { isProblem, MaestroError, SessionEndedError } from '../errors.js'
import { exclusively } from './exclusively.js'
import type { TokenStore, Tokens } from './storage.js'

/** How a session has ended. */
export interface SessionEnd {
  /**
   * `refused`: it could not be gone on with; `expired`: there was nothing to go on with; `signed-out`: by `signOut`;
   * `elsewhere`: another client or page that shares the storage has ended it.
   */
  readonly reason: 'refused' | 'expired' | 'signed-out' | 'elsewhere'
  readonly error?: SessionEndedError | undefined
}

/** What governance-service answers. */
interface TokenAnswer {
  readonly access_token: string
  readonly expires_in: number
  readonly refresh_token?: string | null
}

/** Asks the service that gives tokens, once. */
export type Ask = (path: string, body: unknown) => Promise<unknown>

// Refreshed so long before it ends that it is still valid when it arrives.
const LEEWAY_MS = 10_000
const REFUSED: readonly number[] = [400, 401, 403, 422]

/**
 * Keeps the tokens of a user.
 *
 * A refresh token works once, and a second use ends the session (RFC 9700, section 4.14.2). So there is one refresh at a time
 * for all calls, clients and pages that share a storage; whoever waited takes what it brought. A refresh whose answer is lost
 * is not repeated on its own: the next attempt that needs a token tries.
 */
export class Session {
  readonly #store: TokenStore
  readonly #ask: Ask
  readonly #now: () => number
  readonly #listeners = new Set<(end: SessionEnd) => void>()
  #refreshing: Promise<string> | undefined
  /** Whether there were tokens when they were last looked at. */
  #isOpen = false

  /** `now` gives the time of day in milliseconds. */
  constructor(store: TokenStore, ask: Ask, now: () => number = Date.now) {
    this.#store = store
    this.#ask = ask
    this.#now = now
  }

  /** Sign in, in place of whoever was. Throws a `ProblemError`: `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS` … */
  async signIn(credentials: { username: string; password: string }): Promise<void> {
    const answer = (await this.#ask('/auth/token', credentials)) as TokenAnswer
    await this.use(this.#tokens(answer))
  }

  /** Take over tokens that came from elsewhere, such as an outside provider. */
  async use(tokens: Tokens): Promise<void> {
    await this.#exclusively(() => this.#store.write(tokens))
    this.#isOpen = true
  }

  /** Sign out. The tokens are forgotten even when the service cannot be told; that error is thrown afterwards. */
  async signOut(): Promise<void> {
    const tokens = await this.#exclusively(async () => {
      const kept = await this.#store.read()
      await this.#store.write(undefined)
      return kept
    })
    if (tokens === undefined) return
    this.#end({ reason: 'signed-out' })
    if (tokens.refreshToken !== undefined) await this.#ask('/auth/logout', { refresh_token: tokens.refreshToken })
  }

  /** Tell whether there are tokens; whether they are still good, only the next call can tell. */
  async isSignedIn(): Promise<boolean> {
    return (await this.#store.read()) !== undefined
  }

  /** Be told, once, when the session ends. Returns what stops that. */
  onEnd(listener: (end: SessionEnd) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Give the access token for a call, refreshed when it is about to end; undefined when nobody is signed in. */
  async token(): Promise<string | undefined> {
    const tokens = await this.#store.read()
    if (tokens === undefined && this.#isOpen) this.#isGone()
    if (tokens === undefined) return undefined
    this.#isOpen = true
    const { expiresAt = Number.POSITIVE_INFINITY } = tokens
    if (tokens.refreshToken === undefined || this.#now() < expiresAt - LEEWAY_MS) return tokens.accessToken
    try {
      return await this.renew(tokens.accessToken)
    } catch (error) {
      // What is still valid serves when the next one cannot be had for now.
      if (error instanceof SessionEndedError || this.#now() >= expiresAt) throw error
      return tokens.accessToken
    }
  }

  /**
   * Give an access token in place of one that was refused or is about to end. Throws `SessionEndedError` when there is none any
   * more, and other errors when it cannot be had for now.
   */
  renew(used: string): Promise<string> {
    this.#refreshing ??= this.#exclusively(() => this.#refresh(used)).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(used: string): Promise<string> {
    const tokens = await this.#store.read()
    if (tokens === undefined) return this.#isGone()
    // Somebody else was faster: another client, or another page.
    if (tokens.accessToken !== used) return tokens.accessToken
    if (tokens.refreshToken === undefined) return this.#finish('expired', 'the token has ended; sign in again')
    let answer: TokenAnswer
    try {
      answer = (await this.#ask('/auth/refresh', { refresh_token: tokens.refreshToken })) as TokenAnswer
    } catch (error) {
      if (!isProblem(error) || !REFUSED.includes(error.status)) throw error
      // A page of a browser without Web Locks may have been faster still.
      const now = await this.#store.read()
      if (now !== undefined && now.accessToken !== used) return now.accessToken
      return this.#finish('refused', `the session has ended (${error.code}); sign in again`, error)
    }
    const next = this.#tokens(answer)
    await this.#store.write(next)
    return next.accessToken
  }

  async #finish(reason: 'refused' | 'expired', message: string, cause?: MaestroError): Promise<never> {
    await this.#store.write(undefined)
    const error = new SessionEndedError(message, { cause })
    this.#end({ reason, error })
    throw error
  }

  #isGone(): never {
    const error = new SessionEndedError('nobody is signed in any more; sign in again')
    if (this.#isOpen) this.#end({ reason: 'elsewhere', error })
    throw error
  }

  #end(end: SessionEnd): void {
    this.#isOpen = false
    for (const listener of [...this.#listeners]) listener(end)
  }

  #tokens(answer: TokenAnswer): Tokens {
    if (typeof answer?.access_token !== 'string') {
      throw new MaestroError('ANSWER_UNREADABLE', 'the answer has no access_token')
    }
    const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = answer
    const expiresAt = this.#now() + seconds * 1000
    return { accessToken, refreshToken: refreshToken ?? undefined, expiresAt }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return exclusively(this.#store.shared, this.#store.key, this.#store.isOfOrigin, work)
  }
}
