import {
  APIClient,
  type APIClientOptions,
  isProblem,
  NetworkError,
  type SessionEnd,
  SessionEndedError,
  type TokenStorage,
  type Tokens,
} from '@maestro/api-client-js'
import { governance } from '@maestro/api-client-js/governance'
import { expect, inject, test, vi } from 'vitest'
import { Edge } from './lib/edge.js'

const KEY = 'maestro.session'
const REFRESH = '/governance-service/auth/refresh'

class Storage implements TokenStorage {
  readonly kept = new Map<string, string>()

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    this.kept.set(key, value)
  }

  removeItem(key: string): void {
    this.kept.delete(key)
  }

  tokens(): Tokens {
    return JSON.parse(this.kept.get(KEY) ?? 'null') as Tokens
  }

  /** Make the access token one that services refuse; it looks good to the client. */
  spoil(): void {
    const tokens = this.tokens()
    this.setItem(KEY, JSON.stringify({ ...tokens, accessToken: `${tokens.accessToken.slice(0, -6)}AAAAAA` }))
  }
}

async function signedIn(
  options: Omit<APIClientOptions, 'authentication'> = {},
): Promise<{ client: APIClient; edge: Edge; storage: Storage; ends: SessionEnd[] }> {
  const edge = await Edge.start()
  const storage = new Storage()
  const ends: SessionEnd[] = []
  const client = new APIClient({
    baseURL: edge.url,
    ...options,
    authentication: { type: 'jwt', tokenStorage: storage, onSessionEnd: (end) => ends.push(end) },
  })
  await client.session.signIn(inject('admin'))
  return { client, edge, storage, ends }
}

const me = async (client: APIClient): Promise<string> => (await governance(client).get('/auth/me')).data.subject

test('a user signs in, is known to services, and signs out', async () => {
  const { client, edge, storage, ends } = await signedIn()
  expect(await me(client)).toBe('ada')
  const { refreshToken } = storage.tokens()
  await client.session.signOut()
  expect(await client.session.isSignedIn()).toBe(false)
  expect(storage.kept.size).toBe(0)
  expect(ends).toEqual([{ reason: 'signed-out' }])
  await expect(me(client)).rejects.toMatchObject({ name: 'ProblemError', status: 401 })
  await expect(client.post(REFRESH, { refresh_token: refreshToken })).rejects.toMatchObject({
    code: 'REFRESH_TOKEN_INVALID',
  })
  expect(edge.seen('POST', '/governance-service/auth/logout')).toHaveLength(1)
})

test('a wrong password is a typed error, and nobody is signed in', async () => {
  const client = new APIClient({ baseURL: (await Edge.start()).url, authentication: { type: 'jwt' } })
  const error: unknown = await client.session.signIn({ username: 'ada', password: 'wrong' }).catch((e: unknown) => e)
  expect(isProblem(error, 'INVALID_CREDENTIALS')).toBe(true)
  expect(await client.session.isSignedIn()).toBe(false)
})

test('many calls with a token that services refuse wait for one refresh, and then succeed', async () => {
  const { client, edge, storage, ends } = await signedIn()
  storage.spoil()
  expect(new Set(await Promise.all(Array.from({ length: 20 }, () => me(client))))).toEqual(new Set(['ada']))
  expect(edge.seen('POST', REFRESH)).toHaveLength(1)
  expect(ends).toEqual([])
})

test('a token that is about to end is refreshed before it is used', async () => {
  const { client, edge, storage } = await signedIn()
  const before = storage.tokens()
  await client.session.use({ ...before, expiresAt: Date.now() + 5_000 })
  expect(await me(client)).toBe('ada')
  expect(edge.seen('POST', REFRESH)).toHaveLength(1)
  expect(edge.seen('GET', '/governance-service/auth/me')).toHaveLength(1)
  const after = storage.tokens()
  expect(after.refreshToken).not.toBe(before.refreshToken)
  expect(after.expiresAt).toBeGreaterThan(Date.now() + 60_000)
})

test('a token that is still valid serves when it cannot be refreshed for now', async () => {
  const { client, edge, storage } = await signedIn()
  await client.session.use({ ...storage.tokens(), expiresAt: Date.now() + 8_000 })
  edge.rule = ({ path }, response) => {
    if (path !== REFRESH) return 'pass'
    response.writeHead(503).end()
    return 'handled'
  }
  expect(await me(client)).toBe('ada')
})

test('a POST whose token is refused is sent again with the next one', async () => {
  const { client, edge, storage } = await signedIn()
  storage.spoil()
  const { status } = await governance(client).post('/approvals', { body: { title: 'May I?' } })
  expect(status).toBe(201)
  expect(edge.seen('POST', '/governance-service/approvals')).toHaveLength(2)
})

test('clients that share a storage refresh once between them', async () => {
  const { client, edge, storage } = await signedIn()
  const other = new APIClient({ baseURL: edge.url, authentication: { type: 'jwt', tokenStorage: storage } })
  storage.spoil()
  await Promise.all([me(client), me(other), me(client), me(other)])
  expect(edge.seen('POST', REFRESH)).toHaveLength(1)
})

test('a session that another client ends is over for all who share the storage, and each is told once', async () => {
  const { client, edge, storage, ends } = await signedIn()
  const other = new APIClient({ baseURL: edge.url, authentication: { type: 'jwt', tokenStorage: storage } })
  expect(await me(other)).toBe('ada')
  await other.session.signOut()
  await expect(me(client)).rejects.toBeInstanceOf(SessionEndedError)
  await expect(me(client)).rejects.toMatchObject({ name: 'ProblemError', status: 401 })
  expect(ends.map(({ reason }) => reason)).toEqual(['elsewhere'])
})

test('a refresh that is refused ends the session once, for all who wait', async () => {
  const { client, edge, storage, ends } = await signedIn()
  const old = storage.tokens()
  storage.spoil()
  await me(client)
  // The first refresh token again: the service takes it for stolen.
  await client.session.use({ ...old, accessToken: 'spoilt' })
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => me(client)))
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'SessionEndedError', code: 'SESSION_ENDED' } })
  }
  expect(edge.seen('POST', REFRESH)).toHaveLength(2)
  expect(ends).toHaveLength(1)
  expect(ends[0]?.reason).toBe('refused')
  expect(ends[0]?.error).toBeInstanceOf(SessionEndedError)
  expect(ends[0]?.error?.cause).toMatchObject({ code: 'REFRESH_TOKEN_REUSED', status: 401 })
  expect(storage.kept.size).toBe(0)
  await expect(me(client)).rejects.toMatchObject({ name: 'ProblemError', status: 401 })
  expect(ends).toHaveLength(1)
})

test('a refresh that the service has no time for costs nothing but those calls', async () => {
  const { client, edge, storage, ends } = await signedIn({ enableRetry: false })
  storage.spoil()
  edge.rule = ({ path, number }, response) => {
    if (path !== REFRESH || number > 0) return 'pass'
    response.writeHead(503).end()
    return 'handled'
  }
  await expect(me(client)).rejects.toMatchObject({ name: 'ProblemError', status: 503 })
  expect(await me(client)).toBe('ada')
  expect(ends).toEqual([])
})

test('a refresh whose answer is lost is not repeated on its own; the next one ends the session', async () => {
  const { client, edge, storage, ends } = await signedIn({ enableRetry: false })
  storage.spoil()
  edge.piece = ({ path, number }) => (path === REFRESH && number === 0 ? 'drop' : 'pass')
  await expect(me(client)).rejects.toBeInstanceOf(NetworkError)
  expect(edge.seen('POST', REFRESH)).toHaveLength(1)
  expect(ends).toEqual([])
  await expect(me(client)).rejects.toBeInstanceOf(SessionEndedError)
  expect(ends.map(({ reason }) => reason)).toEqual(['refused'])
})

test('one who waits for a refresh may leave, and the others get it', async () => {
  const { client, edge, storage } = await signedIn()
  storage.spoil()
  const leaving = new AbortController()
  edge.rule = ({ path }) => {
    if (path === REFRESH) leaving.abort(new Error('not interested'))
    return 'pass'
  }
  const left = governance(client).get('/auth/me', { signal: leaving.signal })
  const stays = me(client)
  await expect(left).rejects.toThrow('not interested')
  expect(await stays).toBe('ada')
})

test('a token without a refresh token ends the session when it is refused', async () => {
  const { client, ends } = await signedIn()
  await client.session.use({ accessToken: 'spoilt' })
  await expect(me(client)).rejects.toBeInstanceOf(SessionEndedError)
  expect(ends.map(({ reason }) => reason)).toEqual(['expired'])
})

test('who is told of the end may stop listening', async () => {
  const { client } = await signedIn()
  const heard = vi.fn()
  client.session.onEnd(heard)()
  await client.session.signOut()
  expect(heard).not.toHaveBeenCalled()
})

test('tokens go to the platform alone', async () => {
  const { client, storage } = await signedIn()
  const stranger = await Edge.start()
  await client.get(`${stranger.url}/governance-service/health/live`)
  expect(stranger.passed[0]?.headers).not.toHaveProperty('authorization')
  expect(stranger.passed[0]?.headers).not.toHaveProperty('traceparent')
  expect(storage.tokens().accessToken).toBeTruthy()
})

test('a debug log never holds a token or a password', async () => {
  const { client, storage } = await signedIn()
  const lines: string[] = []
  client.enableDebugLogging((message, details) => lines.push(message + JSON.stringify(details)))
  storage.spoil()
  const spoilt = storage.tokens()
  await me(client)
  await client.session.signIn(inject('admin'))
  const { accessToken, refreshToken } = storage.tokens()
  const text = lines.join('\n')
  expect(text).toContain('The token was refused')
  for (const secret of [accessToken, refreshToken, spoilt.accessToken, spoilt.refreshToken, inject('admin').password]) {
    expect(text).not.toContain(secret)
  }
  client.disableDebugLogging()
  const before = lines.length
  await me(client)
  expect(lines).toHaveLength(before)
})

test('without a session there is none to ask for', () => {
  expect(() => new APIClient().session).toThrow("authentication: { type: 'jwt' }")
})
