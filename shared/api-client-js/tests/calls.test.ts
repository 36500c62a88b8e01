import { APIClient, ProblemError } from '@maestro/api-client-js'
import { governance } from '@maestro/api-client-js/governance'
import { orchestrator } from '@maestro/api-client-js/orchestrator'
import { expect, inject, test } from 'vitest'
import { Edge } from './lib/edge.js'
import { json, serve } from './lib/server.js'

async function signedIn(): Promise<{ client: APIClient; edge: Edge }> {
  const edge = await Edge.start()
  const client = new APIClient({ baseURL: `${edge.url}/`, authentication: { type: 'jwt' } })
  await client.session.signIn(inject('admin'))
  return { client, edge }
}

test('a typed call fills path and body, and brings data, status, request id and trace id', async () => {
  const { client } = await signedIn()
  const approvals = governance(client)
  const asked = await approvals.post('/approvals', { body: { id: 'typed-1', title: 'Ship it?' } })
  expect(asked.status).toBe(201)
  expect(asked.headers.get('location')).toBe('/approvals/typed-1')
  expect(asked.data.status).toBe('open')
  expect(asked.requestId).toMatch(/^[\da-f]{32}$/)
  expect(asked.traceId).toMatch(/^[\da-f]{32}$/)
  const decided = await approvals.post('/approvals/{approval_id}/decide', {
    path: { approval_id: 'typed-1' },
    body: { decision: 'approve', comment: 'yes' },
  })
  expect(decided.data.status).toBe('approved')
})

test("a problem is an error with all of the service's words, in the caller's trace", async () => {
  const { client } = await signedIn()
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const error: unknown = await governance(client)
    .get('/approvals/{approval_id}', { path: { approval_id: 'nobody' }, headers: { traceparent } })
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(ProblemError)
  expect(error).toMatchObject({
    code: 'APPROVAL_NOT_FOUND',
    status: 404,
    type: 'urn:maestro:error:approval-not-found',
    title: 'Approval not found',
    instance: '/approvals/nobody',
    traceId: 'a'.repeat(32),
    requestId: expect.stringMatching(/^[\da-f]{32}$/),
  })
})

test('faults in a request are listed with their places', async () => {
  const { client } = await signedIn()
  const error: unknown = await client.post('/governance-service/approvals', { title: 7 }).catch((e: unknown) => e)
  expect(error).toMatchObject({ status: 422, errors: [{ path: 'body.title', message: expect.any(String) }] })
})

test('a denial names its rule', async () => {
  const { edge } = await signedIn()
  const nobody = new APIClient({ baseURL: edge.url })
  const error: unknown = await governance(nobody)
    .get('/auth/me')
    .catch((e: unknown) => e)
  expect(error).toMatchObject({ status: 401, rule: expect.stringMatching(/\w/) })
})

test('a listing is read over all its pages, each asked for when it is needed', async () => {
  const { client, edge } = await signedIn()
  const runId = `pages-${Date.now()}`
  const approvals = governance(client)
  for (let number = 0; number < 7; number += 1) {
    await approvals.post('/approvals', {
      body: { id: `${runId}-${number}`, title: `Number ${number}`, run_id: runId, signal: 'go' },
    })
  }
  const query = { run_id: runId, limit: 3 }
  const ids: (string | null)[] = []
  for await (const approval of approvals.pages('/approvals', { query })) ids.push(approval.id)
  expect(ids.toSorted()).toEqual(Array.from({ length: 7 }, (_, number) => `${runId}-${number}`))
  const path = '/governance-service/approvals'
  expect(edge.seen('GET', path)).toHaveLength(3)
  for await (const approval of approvals.pages('/approvals', { query })) {
    expect(approval.run_id).toBe(runId)
    break
  }
  expect(edge.seen('GET', path)).toHaveLength(4)
})

test('a listing that is none, or that repeats itself, is an error', async () => {
  const { url } = await serve((response, { path }) => {
    if (path.startsWith('/none')) json(response, 200, { next_cursor: null })
    else json(response, 200, { items: [1], next_cursor: 'again' })
  })
  const client = new APIClient({ baseURL: url })
  const read = async (path: string): Promise<void> => {
    for await (const _ of client.pages(path)) {
      // All of it.
    }
  }
  await expect(read('/none')).rejects.toMatchObject({ code: 'NOT_A_PAGE' })
  await expect(read('/again')).rejects.toMatchObject({ code: 'PAGES_REPEAT' })
})

test('a body that is not JSON is sent as it is', async () => {
  const { client } = await signedIn()
  const body = `
document: {dsl: '1.0.3', namespace: client, name: yaml, version: '1.0.0'}
do:
  - only: {set: {written: in YAML}}
`
  const definition = await orchestrator(client).put('/workflows/{namespace}/{name}/{version}', {
    path: { namespace: 'client', name: 'yaml', version: '1.0.0' },
    body,
    contentType: 'application/yaml',
  })
  expect([200, 201]).toContain(definition.status)
  expect(definition.data.name).toBe('yaml')
})

test('a header of a call that its document names is sent', async () => {
  const { client } = await signedIn()
  const error: unknown = await governance(client)
    .get('/policies/{name}', { path: { name: 'licences' }, header: { 'If-None-Match': '*' } })
    .catch((e: unknown) => e)
  expect(error).toMatchObject({ status: 304 })
})

test('an answer is read by its type: JSON, text, bytes, or nothing', async () => {
  const { url } = await serve((response, { path }) => {
    if (path === '/json') json(response, 200, [1])
    else if (path === '/text') response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('grüezi')
    else if (path === '/lines') response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end('{}\n{}\n')
    else if (path === '/bytes') response.writeHead(200, { 'content-type': 'application/octet-stream' }).end('ab')
    else if (path === '/broken') response.writeHead(200, { 'content-type': 'application/json' }).end('{')
    else response.writeHead(204).end()
  })
  const client = new APIClient({ baseURL: url })
  expect((await client.get('/json')).data).toEqual([1])
  expect((await client.get('/text')).data).toBe('grüezi')
  expect((await client.get('/lines')).data).toBe('{}\n{}\n')
  expect(new Uint8Array((await client.get<ArrayBuffer>('/bytes')).data)).toEqual(new Uint8Array([97, 98]))
  expect((await client.delete('/nothing')).data).toBeUndefined()
  expect((await client.head('/nothing')).data).toBeUndefined()
  await expect(client.get('/broken')).rejects.toMatchObject({ code: 'ANSWER_UNREADABLE' })
})

test('a download is read as it comes, and ends with its signal', async () => {
  const { url } = await serve((response) => response.writeHead(200).write('first'))
  const client = new APIClient({ baseURL: url })
  const stop = new AbortController()
  const reader = (await client.open('GET', '/download', { signal: stop.signal })).body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first')
  stop.abort(new Error('enough'))
  await expect(reader?.read()).rejects.toThrow('enough')
})

test('keys and tokens from elsewhere are sent, and asked for anew for each call', async () => {
  const { url, seen } = await serve((response) => response.writeHead(204).end())
  await new APIClient({ baseURL: url, authentication: { type: 'api-key', apiKey: 'mk_1' } }).get('/')
  const tokens = ['t1', 't2']
  const bearer = new APIClient({
    baseURL: url,
    authentication: { type: 'bearer', token: async () => tokens.shift() },
  })
  await bearer.get('/')
  await bearer.get('/')
  await bearer.get('/', { headers: { Authorization: 'Basic eA==' } })
  expect(seen.map(({ headers }) => headers.authorization ?? headers['x-api-key'])).toEqual([
    'mk_1',
    'Bearer t1',
    'Bearer t2',
    'Basic eA==',
  ])
})

test("a page's own trace goes on in the call", async () => {
  const { url, seen } = await serve((response, _, number) => response.writeHead(number === 0 ? 503 : 204).end())
  const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-00`
  const answer = await new APIClient({ baseURL: url, traceparent: () => traceparent }).get('/')
  expect(answer.traceId).toBe('c'.repeat(32))
  expect(seen.map(({ headers }) => headers.traceparent)).toEqual([traceparent, traceparent])
})

test('a header that none can be is refused without its value in the message, and nothing is sent', async () => {
  const { url, seen } = await serve((response) => response.writeHead(204).end())
  const client = new APIClient({ baseURL: url, authentication: { type: 'api-key', apiKey: 'mk_secret\n' } })
  const error: unknown = await client.get('/').catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'HEADER_INVALID', message: expect.stringContaining('x-api-key') })
  expect(String(error)).not.toContain('mk_secret')
  expect(seen).toHaveLength(0)
})

test('without baseURL a call outside of a browser says what is missing', async () => {
  await expect(new APIClient().get('/runs')).rejects.toMatchObject({
    code: 'BASE_URL_MISSING',
    message: expect.stringContaining('baseURL is not set'),
  })
})
