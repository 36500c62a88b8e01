import { afterEach, expect, test, vi } from 'vitest'
import { exclusively } from '../src/session/exclusively.js'
import { TokenStore } from '../src/session/storage.js'

const TOKENS = { accessToken: 'a', refreshToken: 'r', expiresAt: 1 }

function webStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const kept = new Map<string, string>()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
}

afterEach(() => vi.unstubAllGlobals())

test('localStorage is found when it is used, and shared by its name', async () => {
  const store = new TokenStore('localStorage', 'k')
  vi.stubGlobal('localStorage', webStorage())
  await store.write(TOKENS)
  expect(await new TokenStore('localStorage', 'k').read()).toEqual(TOKENS)
  expect(await new TokenStore('localStorage', 'other').read()).toBeUndefined()
  await store.write(undefined)
  expect(localStorage.getItem('k')).toBeNull()
})

test('a runtime without localStorage, or one that forbids it, keeps tokens in memory', async () => {
  vi.stubGlobal('localStorage', undefined)
  const store = new TokenStore('localStorage', 'k')
  await store.write(TOKENS)
  expect(await store.read()).toEqual(TOKENS)
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get: () => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    },
  })
  expect(await store.read()).toEqual(TOKENS)
})

test('a storage that is full does not cost the session', async () => {
  const full = webStorage()
  full.setItem('k', JSON.stringify({ accessToken: 'old' }))
  full.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  vi.stubGlobal('localStorage', full)
  const store = new TokenStore('localStorage', 'k')
  await store.write(TOKENS)
  expect(await store.read()).toEqual(TOKENS)
})

test('a storage of React Native, whose methods are asynchronous, will do', async () => {
  const kept = new Map<string, string>()
  const store = new TokenStore(
    {
      getItem: async (key) => kept.get(key) ?? null,
      setItem: async (key, value) => void kept.set(key, value),
      removeItem: async (key) => void kept.delete(key),
    },
    'k',
  )
  await store.write(TOKENS)
  expect(await store.read()).toEqual(TOKENS)
})

test.each(['', '{', 'null', '7', '{"accessToken":1}'])('an entry of %j is no session', async (text) => {
  const storage = webStorage()
  storage.setItem('k', text)
  expect(await new TokenStore(storage, 'k').read()).toBeUndefined()
})

test('work on one storage and key is done one at a time, in order, whatever becomes of it', async () => {
  const shared = {}
  const done: string[] = []
  const work = (name: string) => () =>
    exclusively(shared, 'k', false, async () => {
      done.push(`${name} begins`)
      await new Promise(setImmediate)
      done.push(`${name} ends`)
      if (name === 'a') throw new Error('a fails')
    })
  const outcomes = await Promise.allSettled([work('a')(), work('b')(), work('c')()])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(done).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test.skipIf(globalThis.navigator?.locks === undefined)(
  'pages of one origin wait for each other by Web Locks',
  async () => {
    let letGo = (): void => undefined
    const other = navigator.locks.request('page-key', () => new Promise<void>((resolve) => (letGo = resolve)))
    const done: string[] = []
    const own = exclusively({}, 'page-key', true, async () => done.push('own'))
    await exclusively({}, 'other-key', true, async () => done.push('other key'))
    expect(done).toEqual(['other key'])
    letGo()
    await Promise.all([other, own])
    expect(done).toEqual(['other key', 'own'])
  },
)
