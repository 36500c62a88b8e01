import { AnswerError, APIClient, NetworkError, ProblemError, TimeoutError } from '@maestro/api-client-js'
import { expect, test } from 'vitest'
import { json, reset, serve } from './lib/server.js'

const QUICK = { firstPause: 1, longestPause: 2 }

test.each([429, 502, 503, 504])('an idempotent call is made again after a %i', async (status) => {
  const { url, seen } = await serve((response, _, number) => json(response, number < 2 ? status : 200, {}))
  expect((await new APIClient({ baseURL: url, enableRetry: QUICK }).get('/')).status).toBe(200)
  expect(seen).toHaveLength(3)
})

test.each([400, 401, 404, 409, 500, 501])('a %i is not asked for again', async (status) => {
  const { url, seen } = await serve((response) => json(response, status, {}))
  await expect(new APIClient({ baseURL: url, enableRetry: QUICK }).get('/')).rejects.toMatchObject({
    code: `HTTP_${status}`,
  })
  expect(seen).toHaveLength(1)
})

test('all attempts of a call belong to one trace, each as a span of its own', async () => {
  const { url, seen } = await serve((response, _, number) => json(response, number < 2 ? 503 : 200, {}))
  const { traceId } = await new APIClient({ baseURL: url, enableRetry: QUICK }).get('/')
  const sent = seen.map(({ headers }) => String(headers.traceparent).split('-'))
  expect(new Set(sent.map(([, trace]) => trace))).toEqual(new Set([traceId]))
  expect(new Set(sent.map(([, , span]) => span)).size).toBe(3)
})

test('after its retries a call fails with the last answer', async () => {
  const { url, seen } = await serve((response, _, number) => json(response, 503, { error_code: `N${number}` }))
  await expect(new APIClient({ baseURL: url, enableRetry: QUICK }).get('/')).rejects.toMatchObject({ code: 'N3' })
  expect(seen).toHaveLength(4)
})

test('a POST is made once, and again when it has an idempotency key', async () => {
  const { url, seen } = await serve((response, _, number) => json(response, number < 2 ? 503 : 200, {}))
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  await expect(client.post('/', { a: 1 })).rejects.toBeInstanceOf(ProblemError)
  expect(seen).toHaveLength(1)
  await client.post('/', { a: 1 }, { idempotencyKey: 'k-1' })
  expect(seen).toHaveLength(3)
  expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, 'k-1', 'k-1'])
  expect(seen[2]?.body).toBe('{"a":1}')
})

test('enableRetry: false makes every call once', async () => {
  const { url, seen } = await serve((response) => json(response, 503, {}))
  await expect(new APIClient({ baseURL: url, enableRetry: false }).get('/')).rejects.toBeInstanceOf(ProblemError)
  expect(seen).toHaveLength(1)
})

test('a broken connection is tried again, and a network error when it stays broken', async () => {
  const { url, seen } = await serve((response, { path }, number) =>
    path.startsWith('/always') || number < 2 ? reset(response) : json(response, 200, {}),
  )
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  expect((await client.put('/', {})).status).toBe(200)
  expect(seen).toHaveLength(3)
  const error: unknown = await client.get('/always?secret=1').catch((e: unknown) => e)
  expect(error).toBeInstanceOf(NetworkError)
  expect(error).toMatchObject({ code: 'UNREACHABLE' })
  expect(String(error)).not.toContain('secret')
})

test('an answer that breaks off in its middle is tried again', async () => {
  const { url, seen } = await serve((response, _, number) => {
    if (number > 0) return json(response, 200, { whole: true })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{"whole":', () => reset(response))
  })
  expect((await new APIClient({ baseURL: url, enableRetry: QUICK }).get('/')).data).toEqual({ whole: true })
  expect(seen).toHaveLength(2)
  const once = new APIClient({ baseURL: url, enableRetry: false })
  expect((await once.get('/')).data).toEqual({ whole: true })
})

test('an attempt that takes too long is given up, and the next one made', async () => {
  const { url, seen } = await serve((response, _, number) => (number === 0 ? undefined : json(response, 200, {})))
  const client = new APIClient({ baseURL: url, timeout: 200, totalTimeout: 60_000, enableRetry: QUICK })
  expect((await client.get('/')).status).toBe(200)
  expect(seen).toHaveLength(2)
  await expect(client.post('/', {}, { timeout: 60_000 })).resolves.toMatchObject({ status: 200 })
})

test('a body that trickles in is over with its attempt', async () => {
  const { url } = await serve((response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const trickle = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(trickle))
  })
  const error: unknown = await new APIClient({ baseURL: url, timeout: 200, enableRetry: false })
    .get('/')
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error).toMatchObject({ code: 'TIMEOUT' })
})

test('a call as a whole has a limit, whatever its retries would like', async () => {
  const { url, seen } = await serve(() => undefined)
  const client = new APIClient({ baseURL: url, timeout: 60_000, totalTimeout: 200, enableRetry: QUICK })
  await expect(client.get('/')).rejects.toMatchObject({ name: 'TimeoutError', code: 'DEADLINE_EXCEEDED' })
  expect(seen).toHaveLength(1)
})

test('Retry-After is waited for, unless it takes longer than the call may', async () => {
  const { url, seen } = await serve((response, { path }, number) =>
    json(
      response,
      number === 0 || path !== '/' ? 429 : 200,
      { retry_after: 1 },
      { 'retry-after': path === '/' ? '1' : '3' },
    ),
  )
  const pauses: unknown[] = []
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  client.enableDebugLogging((_, details) => 'pause_ms' in details && pauses.push(details.pause_ms))
  await client.get('/')
  expect(pauses).toEqual([expect.toSatisfy((ms: number) => ms >= 1000 && ms <= 1002)])
  expect(seen).toHaveLength(2)
  await expect(client.get('/soon', { totalTimeout: 2_000 })).rejects.toMatchObject({ status: 429, retryAfter: 3 })
  const impatient = new APIClient({ baseURL: url, enableRetry: { ...QUICK, longestRetryAfter: 2_000 } })
  await expect(impatient.get('/later')).rejects.toMatchObject({ status: 429, retryAfter: 3 })
  expect(seen).toHaveLength(4)
})

test('retries run out for a service that fails every call', async () => {
  const { url, seen } = await serve((response) => json(response, 503, {}))
  const client = new APIClient({ baseURL: url, enableRetry: { ...QUICK, budgetFloor: 2, budgetShare: 0 } })
  await Promise.allSettled(Array.from({ length: 10 }, () => client.get('/')))
  expect(seen).toHaveLength(12)
})

test("a caller's signal ends a call in its attempt, in its pause, and before it begins, with the caller's reason", async () => {
  const stop = new AbortController()
  const reason = new Error('the page was left')
  const silent = await serve(() => stop.abort(reason))
  const client = new APIClient({ baseURL: silent.url })
  await expect(client.get('/', { signal: stop.signal })).rejects.toBe(reason)
  await expect(client.get('/', { signal: stop.signal })).rejects.toBe(reason)
  expect(silent.seen).toHaveLength(1)
  const pausing = new AbortController()
  const busy = await serve((response) => {
    response.on('close', () => setImmediate(() => pausing.abort(reason)))
    json(response, 503, {}, { 'retry-after': '9', connection: 'close' })
  })
  const patient = new APIClient({ baseURL: busy.url })
  await expect(patient.get('/', { signal: pausing.signal })).rejects.toBe(reason)
  expect(busy.seen).toHaveLength(1)
})

test('a redirect is not followed: credentials would go along', async () => {
  const other = await serve((response) => json(response, 200, {}))
  const { url } = await serve((response) => response.writeHead(307, { location: `${other.url}/?token=x` }).end())
  const client = new APIClient({ baseURL: url, authentication: { type: 'api-key', apiKey: 'mk_1' } })
  const error: unknown = await client.get('/').catch((e: unknown) => e)
  expect(error).toBeInstanceOf(AnswerError)
  expect(error).toMatchObject({ code: 'REDIRECTED', message: expect.stringContaining(`${other.url}/?token=***`) })
  expect(other.seen).toHaveLength(0)
})

test("an error page of a proxy is an error, too, with the status's code", async () => {
  const { url } = await serve((response) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'),
  )
  await expect(new APIClient({ baseURL: url, enableRetry: false }).get('/')).rejects.toMatchObject({
    code: 'HTTP_502',
    type: 'about:blank',
    title: 'HTTP 502',
    problem: {},
  })
})
