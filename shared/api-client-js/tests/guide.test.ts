import { readFile } from 'node:fs/promises'
import { APIClient } from '@maestro/api-client-js'
import { expect, test, vi } from 'vitest'
import { serve } from './lib/server.js'

test("the guide's block runs as it is written, and its client calls, tries again and logs", async () => {
  const { url } = await serve((response, _, number) => response.writeHead(number === 0 ? 503 : 204).end())
  vi.stubEnv('REACT_APP_API_URL', url)
  vi.stubEnv('NODE_ENV', 'development')
  const logged = vi.spyOn(console, 'debug').mockImplementation(() => undefined)
  const { client } = await import('../examples/guide.js')
  expect(client).toBeInstanceOf(APIClient)
  expect((await client.get('/anything')).status).toBe(204)
  expect(logged.mock.calls.map(([message]) => String(message).replace(/:\d+/, ''))).toEqual([
    '[maestro] GET http://127.0.0.1/anything',
    '[maestro] 503 GET http://127.0.0.1/anything',
    '[maestro] Trying again: GET http://127.0.0.1/anything',
    '[maestro] GET http://127.0.0.1/anything',
    '[maestro] 204 GET http://127.0.0.1/anything',
  ])
  vi.unstubAllEnvs()
})

test("the example is the guide's block, word for word", async () => {
  const block = `// maestro-frontend/src/api/client.ts
import { APIClient } from '@maestro/api-client-js'

const client = new APIClient({
  baseURL: process.env.REACT_APP_API_URL,
  timeout: 30000,
  enableRetry: true,
  authentication: {
    type: 'jwt',
    tokenStorage: 'localStorage'
  }
})

// Auto-configure based on environment
if (process.env.NODE_ENV === 'development') {
  client.enableDebugLogging()
}
`
  const example = await readFile(new URL('../examples/guide.ts', import.meta.url), 'utf8')
  expect(example).toBe(`${block}\nexport { client }\n`)
})
