/** Where tokens are kept. */

/** The part of Web Storage that is used; React Native's AsyncStorage and secure stores have it, too. */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

/** Tokens of a session. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string | undefined
  /** When the access token ends, in milliseconds since 1970 by this machine's clock; undefined when nobody said. */
  readonly expiresAt?: number | undefined
}

/** Tokens in a storage, as one entry, so that they change together. */
export class TokenStore {
  readonly #named: 'localStorage' | 'sessionStorage' | undefined
  readonly #key: string
  readonly #memory = new Map<string, string>()
  readonly #given: TokenStorage | undefined
  #broken = false

  constructor(storage: 'localStorage' | 'sessionStorage' | 'memory' | TokenStorage, key: string) {
    this.#key = key
    if (typeof storage === 'object') this.#given = storage
    else if (storage !== 'memory') this.#named = storage
  }

  /** What tokens are shared by: those who have the same object and the same key have the same tokens. */
  get shared(): object {
    return this.#storage() ?? this.#memory
  }

  /** Whether other pages of the same origin have these tokens. */
  get isOfOrigin(): boolean {
    return this.#named === 'localStorage' && this.#storage() !== undefined
  }

  get key(): string {
    return this.#key
  }

  async read(): Promise<Tokens | undefined> {
    return parse(this.#memory.get(this.#key) ?? (await this.#storage()?.getItem(this.#key)))
  }

  async write(tokens: Tokens | undefined): Promise<void> {
    const storage = this.#storage()
    this.#memory.delete(this.#key)
    if (tokens === undefined) {
      await storage?.removeItem(this.#key)
      return
    }
    const text = JSON.stringify(tokens)
    if (storage === undefined) {
      this.#memory.set(this.#key, text)
      return
    }
    try {
      await storage.setItem(this.#key, text)
    } catch (error) {
      // A full or forbidden Web Storage must not cost the session, of which the next tokens are known here alone.
      if (this.#named === undefined) throw error
      this.#broken = true
      this.#memory.set(this.#key, text)
    }
  }

  #storage(): TokenStorage | undefined {
    if (this.#given !== undefined || this.#named === undefined || this.#broken) return this.#given
    try {
      // Looked up late: nothing of a browser is needed until it is used, and reading it may be forbidden.
      return globalThis[this.#named] ?? undefined
    } catch {
      return undefined
    }
  }
}

function parse(text: string | null | undefined): Tokens | undefined {
  try {
    const read = JSON.parse(text ?? 'null') as Tokens | null
    return typeof read?.accessToken === 'string' ? read : undefined
  } catch {
    return undefined
  }
}
