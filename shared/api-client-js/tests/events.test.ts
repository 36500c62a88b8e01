import { APIClient, type StreamEvent } from '@maestro/api-client-js'
import { orchestrator } from '@maestro/api-client-js/orchestrator'
import { expect, inject, test } from 'vitest'
import { Edge } from './lib/edge.js'
import { reset, serve } from './lib/server.js'

const QUICK = { firstPause: 1, longestPause: 2 }
const STREAM = { 'content-type': 'text/event-stream' }
const STEPS = 12
const COUNTING = `
document: {dsl: '1.0.3', namespace: client, name: counting, version: '1.0.0'}
do:
${Array.from({ length: STEPS }, (_, step) => `  - step${step}: {wait: {milliseconds: 20}}`).join('\n')}
`
const WAITING = `
document: {dsl: '1.0.3', namespace: client, name: waiting, version: '1.0.0'}
do:
  - long: {wait: {hours: 1}}
`

async function signedIn(): Promise<{ client: APIClient; edge: Edge }> {
  const edge = await Edge.start()
  const client = new APIClient({ baseURL: edge.url, enableRetry: QUICK, authentication: { type: 'jwt' } })
  await client.session.signIn(inject('admin'))
  return { client, edge }
}

async function startRun(client: APIClient, name: string, body: string): Promise<string> {
  const runs = orchestrator(client)
  const path = { namespace: 'client', name, version: '1.0.0' }
  await runs.put('/workflows/{namespace}/{name}/{version}', { path, body, contentType: 'application/yaml' })
  return (await runs.post('/runs', { body: { workflow: `client/${name}` } })).data.id
}

async function all(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const read: StreamEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

test("a run's events are read from its first to its last, and then the stream is over", async () => {
  const { client } = await signedIn()
  const run_id = await startRun(client, 'counting', COUNTING)
  const events = await all(orchestrator(client).events('/runs/{run_id}/events', { path: { run_id } }))
  const history = (await orchestrator(client).get('/runs/{run_id}/history', { path: { run_id } })).data.events
  expect(events.map(({ id }) => Number(id))).toEqual(history.map(({ position }) => position))
  expect(events.map((event) => event.json())).toEqual(history)
  expect(events.length).toBeGreaterThan(STEPS)
})

test('a stream that is cut again and again goes on behind the last event, without a gap or an event twice', async () => {
  const { client, edge } = await signedIn()
  const run_id = await startRun(client, 'counting', COUNTING)
  const path = `/maestro-orchestrator/runs/${run_id}/events`
  edge.piece = (seen, piece) => {
    // Each connection is broken behind its first event.
    return seen.path === path && piece.includes('\n\n') && piece.includes('id: ') ? 'last' : 'pass'
  }
  const events = await all(orchestrator(client).events('/runs/{run_id}/events', { path: { run_id } }))
  const history = (await orchestrator(client).get('/runs/{run_id}/history', { path: { run_id } })).data.events
  expect(events.map(({ id }) => Number(id))).toEqual(history.map(({ position }) => position))
  const resumed = edge.seen('GET', path).map(({ headers }) => headers['last-event-id'])
  expect(resumed.length).toBeGreaterThan(2)
  expect(resumed[0]).toBeUndefined()
  expect(resumed.at(-1)).toBe(String(history.at(-1)?.position))
})

test('whoever stops reading ends the connection', async () => {
  const { client, edge } = await signedIn()
  const run_id = await startRun(client, 'waiting', WAITING)
  const closed = new Promise<void>((resolve) => {
    edge.rule = ({ path }, response) => {
      if (path.endsWith('/events')) response.on('close', resolve)
      return 'pass'
    }
  })
  for await (const event of orchestrator(client).events('/runs/{run_id}/events', { path: { run_id } })) {
    expect(event.id).toBeDefined()
    break
  }
  await closed
  await orchestrator(client).post('/runs/{run_id}/cancel', { path: { run_id } })
})

test("a stream ends with its caller's signal, while nothing comes", async () => {
  const { client } = await signedIn()
  const run_id = await startRun(client, 'waiting', WAITING)
  const stop = new AbortController()
  const reason = new Error('the tab was closed')
  const seen: string[] = []
  const reading = (async () => {
    const options = { path: { run_id }, signal: stop.signal }
    for await (const event of orchestrator(client).events('/runs/{run_id}/events', options)) {
      seen.push(event.event)
      if (seen.length === 1) setTimeout(() => stop.abort(reason), 50)
    }
  })()
  await expect(reading).rejects.toBe(reason)
  expect(seen.length).toBeGreaterThan(0)
  await orchestrator(client).post('/runs/{run_id}/cancel', { path: { run_id } })
})

test('a stream of what is not there is a problem', async () => {
  const { client } = await signedIn()
  const events = orchestrator(client).events('/runs/{run_id}/events', { path: { run_id: 'nobody' } })
  await expect(all(events)).rejects.toMatchObject({ name: 'ProblemError', status: 404 })
})

test('a stream that falls silent is opened again; comments keep one open', async () => {
  const { url, seen } = await serve((response, _, number) => {
    if (number === 2) return response.writeHead(204).end()
    response.writeHead(200, STREAM)
    if (number === 0) return response.write('id: 1\ndata: first\n\n')
    let beats = 0
    const beat = setInterval(() => {
      beats += 1
      if (beats < 20) response.write(': waiting\n\n')
      else response.end('id: 2\ndata: second\n\n')
    }, 100)
    return response.on('close', () => clearInterval(beat))
  })
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  const events = await all(client.events('/', { heartbeatTimeout: 1_500 }))
  expect(events.map(({ data }) => data)).toEqual(['first', 'second'])
  expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2'])
})

test('a stream may last longer than a call', async () => {
  const { url, seen } = await serve((response) => {
    response.writeHead(200, STREAM).write('id: 1\ndata: first\n\n')
    setTimeout(() => response.end('event: complete\ndata: {}\n\n'), 1_000)
  })
  const client = new APIClient({ baseURL: url, timeout: 300, totalTimeout: 500, enableRetry: QUICK })
  expect(await all(client.events('/'))).toHaveLength(2)
  expect(seen).toHaveLength(1)
})

test('silence is an error when it may not be opened again', async () => {
  const { url } = await serve((response) => response.writeHead(200, STREAM).write(': connected\n\n'))
  const client = new APIClient({ baseURL: url, enableRetry: false })
  await expect(all(client.events('/', { heartbeatTimeout: 100 }))).rejects.toMatchObject({ code: 'SILENT' })
})

test('a service that stops ends its streams properly, and they are opened again', async () => {
  const { url, seen } = await serve((response, _, number) => {
    if (number === 0) return response.writeHead(200, STREAM).end('retry: 1\n\n')
    if (number === 1) return response.writeHead(503).end()
    if (number === 2) return response.writeHead(200, STREAM).end('id: 7\ndata: a\n\n')
    return response.writeHead(200, STREAM).end('event: complete\ndata: {}\n\n')
  })
  const events = await all(new APIClient({ baseURL: url, enableRetry: QUICK }).events('/', { lastEventId: '6' }))
  expect(events.map(({ event }) => event)).toEqual(['message', 'complete'])
  expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual(['6', '6', '6', '7'])
})

test('a position that the service no longer has is forgotten when it says reset', async () => {
  const { url, seen } = await serve((response, { headers }) => {
    response.writeHead(200, STREAM)
    if (headers['last-event-id'] === '3') response.end('event: reset\ndata: {}\n\n')
    else response.end('id: 900\ndata: a\n\nevent: complete\ndata: {}\n\n')
  })
  const events = await all(new APIClient({ baseURL: url, enableRetry: QUICK }).events('/', { lastEventId: '3' }))
  expect(events.map(({ event }) => event)).toEqual(['reset', 'message', 'complete'])
  expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual(['3', undefined])
})

test('a stream of events without ids is not opened again, for nothing says where to go on', async () => {
  const { url, seen } = await serve((response, { path }) => {
    response.writeHead(200, STREAM)
    if (path === '/ends') response.end('data: a\n\n')
    else response.write('data: a\n\n', () => reset(response))
  })
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  expect(await all(client.events('/ends'))).toHaveLength(1)
  await expect(all(client.events('/breaks'))).rejects.toMatchObject({ code: 'CONNECTION_BROKEN' })
  expect(seen).toHaveLength(2)
})

test('a stream that is asked for by POST is opened once', async () => {
  const { url, seen } = await serve((response) =>
    response.writeHead(200, STREAM).write('id: 1\ndata: a\n\n', () => reset(response)),
  )
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  await expect(all(client.events('/', { body: { question: 1 } }))).rejects.toMatchObject({ code: 'CONNECTION_BROKEN' })
  expect(seen.map(({ method, body }) => [method, body])).toEqual([['POST', '{"question":1}']])
})

test('reconnects says how often it is tried without an event in between', async () => {
  const { url, seen } = await serve((response) => response.writeHead(503).end())
  const client = new APIClient({ baseURL: url, enableRetry: QUICK })
  await expect(all(client.events('/', { reconnects: 4 }))).rejects.toMatchObject({ status: 503 })
  expect(seen).toHaveLength(5)
})

test('what is no event stream is an error', async () => {
  const { url } = await serve((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'))
  await expect(all(new APIClient({ baseURL: url }).events('/'))).rejects.toMatchObject({ code: 'NOT_AN_EVENT_STREAM' })
})
