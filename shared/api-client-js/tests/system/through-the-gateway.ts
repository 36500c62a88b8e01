/**
 * What a page does, against a whole ecosystem: `node <bundle> <the gateway's address> <token of an admin>`. It prints what it saw as JSON;
 * tests/system looks at that.
 */

import { APIClient, type TokenStorage, type Tokens } from '../../src/index.js'
import { gateway } from '../../src/services/gateway.js'
import { governance } from '../../src/services/governance.js'
import { orchestrator } from '../../src/services/orchestrator.js'

const [baseURL, token = ''] = process.argv.slice(2)
const USER = { username: 'grace', password: 'a ferry in the morning fog' }
const DOCUMENT = `
document: {dsl: '1.0.3', namespace: client, name: followed, version: '1.0.0'}
do:
  - first: {wait: {milliseconds: 50}}
  - second: {set: {done: true}}
`

const kept = new Map<string, string>()
const tokenStorage: TokenStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
}

const admin = new APIClient({ baseURL, authentication: { type: 'bearer', token } })
await governance(admin).post('/users', {
  body: { name: USER.username, roles: ['operator'], password: USER.password },
})
const path = { namespace: 'client', name: 'followed', version: '1.0.0' }
const document = { path, body: DOCUMENT, contentType: 'application/yaml' } as const
await orchestrator(admin).put('/workflows/{namespace}/{name}/{version}', document)

const client = new APIClient({ baseURL, authentication: { type: 'jwt', tokenStorage } })
await client.session.signIn(USER)
const first = JSON.parse(kept.get('maestro.session') ?? '') as Tokens
await client.session.use({ ...first, accessToken: `${first.accessToken.slice(0, -6)}AAAAAA` })
const me = await governance(client).get('/auth/me')
const second = JSON.parse(kept.get('maestro.session') ?? '') as Tokens

const runs = orchestrator(client)
const started = await runs.post('/runs', { body: { workflow: 'client/followed', id: 'followed-1' } })
const events: string[] = []
const followed = { path: { run_id: 'followed-1' } }
for await (const event of gateway(client).events('/live/runs/{run_id}', followed)) events.push(event.event)
const history = (await runs.get('/runs/{run_id}/history', followed)).data.events

let listed = 0
for await (const run of runs.pages('/runs', { query: { limit: 1, workflow: 'client/followed' } })) {
  if (run.id === 'followed-1') listed += 1
}
const denied = await governance(client)
  .delete('/roles/{name}', { path: { name: 'nobody' } })
  .then(
    () => undefined,
    (error: { code: string; status: number; rule: string; traceId: string }) => error,
  )
await client.session.signOut()

process.stdout.write(
  JSON.stringify({
    subject: me.data.subject,
    refreshed: first.refreshToken !== second.refreshToken,
    traceId: started.traceId,
    events,
    history: history.map((event) => event.type),
    listed,
    denied: { status: denied?.status, rule: denied?.rule },
  }),
)
