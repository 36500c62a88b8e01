/** The examples of the README do what they say, against the real services. */

import { governance } from '@maestro/api-client-js/governance'
import { orchestrator } from '@maestro/api-client-js/orchestrator'
import { expect, inject, test } from 'vitest'
import { approveMine, signalOnce } from '../examples/calls.js'
import { clientOf, signIn } from '../examples/session.js'
import { follow } from '../examples/streams.js'
import { Edge } from './lib/edge.js'

const DOCUMENT = `
document: {dsl: '1.0.3', namespace: client, name: short, version: '1.0.0'}
do:
  - only: {set: {done: true}}
`

test('a user signs in, approves, signals and follows a run', async () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: async (key: string) => kept.get(key) ?? null,
    setItem: async (key: string, value: string) => void kept.set(key, value),
    removeItem: async (key: string) => void kept.delete(key),
  }
  const shown: string[] = []
  const client = clientOf((await Edge.start()).url, storage, (why) => shown.push(why))
  const { username, password } = inject('admin')
  expect(await signIn(client, username, 'wrong')).toBe('The name or the password is wrong.')
  expect(await signIn(client, username, password)).toBeUndefined()

  const id = `example-${Date.now()}`
  await governance(client).post('/approvals', { body: { id, title: 'May it be shown?' } })
  expect(await approveMine(client, 'it may')).toContain(id)

  const runs = orchestrator(client)
  const path = { namespace: 'client', name: 'short', version: '1.0.0' }
  await runs.put('/workflows/{namespace}/{name}/{version}', { path, body: DOCUMENT, contentType: 'application/yaml' })
  const run = (await runs.post('/runs', { body: { workflow: 'client/short' } })).data
  const lines: string[] = []
  await follow(client, run.id, (line) => lines.push(line))
  expect(lines.length).toBeGreaterThan(1)
  expect(await signalOnce(client, run.id, '17').catch((error: { status: number }) => error.status)).toBe(409)

  await client.session.signOut()
  expect(shown).toEqual(['signed-out'])
})
