/** The package as it is built: what it exports, how large it is, and what it needs of a runtime. */

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { json, serve } from './lib/server.js'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const TSC = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
const LIMIT_BYTES = 10_000
const run = promisify(execFile)

// Below the package, so that nothing else is found there by walking up; ignored as all scratch folders of Vitest are.
const scratch = join(PACKAGE, '.vitest', `package-${process.pid}`)
const installed = join(scratch, 'node_modules', '@maestro', 'api-client-js')

interface Manifest {
  readonly dependencies?: unknown
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>
}

const manifest = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as Manifest

beforeAll(async () => {
  await mkdir(installed, { recursive: true })
  await run(process.execPath, [TSC, '-p', join(PACKAGE, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')])
  await symlink(join(PACKAGE, 'package.json'), join(installed, 'package.json'))
})

afterAll(() => rm(scratch, { recursive: true, force: true }))

async function bundled(source: string, format: 'esm' | 'iife' = 'esm'): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: scratch },
    bundle: true,
    minify: true,
    format,
    globalName: 'maestro',
    target: 'es2022',
    platform: 'browser',
    write: false,
    preserveSymlinks: true,
  })
  return outputFiles[0]?.text ?? ''
}

test('the core is at most 10 kB, gzipped, and has no dependencies', async () => {
  const bundle = await bundled("export * from '@maestro/api-client-js'")
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(LIMIT_BYTES)
  expect(bundle).not.toMatch(/\bfrom\s*"|\brequire\(/)
  expect(manifest.dependencies).toBeUndefined()
})

test('a service costs next to nothing: its calls are types', async () => {
  const core = await bundled("export { APIClient, ServiceClient } from '@maestro/api-client-js'")
  const more = await bundled(
    "export { APIClient, ServiceClient } from '@maestro/api-client-js'; export { governance } from '@maestro/api-client-js/governance'; export { orchestrator } from '@maestro/api-client-js/orchestrator'",
  )
  expect(more.length - core.length).toBeLessThan(300)
})

test('what is not used is left out', async () => {
  const bundle = await bundled("export { isProblem } from '@maestro/api-client-js'")
  expect(bundle).not.toContain('traceparent')
  expect(bundle.length).toBeLessThan(4_000)
})

test('every export is there, as code and as types', async () => {
  const services = (await readdir(join(PACKAGE, 'src/services'))).map((name) => `./${name.replace('.ts', '')}`)
  expect(Object.keys(manifest.exports)).toEqual(['.', ...services.sort()])
  for (const { types, default: code } of Object.values(manifest.exports)) {
    await Promise.all([types, code].map((path) => readFile(join(installed, path))))
  }
  const names = Object.keys(await import('../src/index.js'))
  expect(names.sort()).toEqual([
    'APIClient',
    'AnswerError',
    'ConfigurationError',
    'MaestroError',
    'NetworkError',
    'ProblemError',
    'ServiceClient',
    'SessionEndedError',
    'StreamEvent',
    'TimeoutError',
    'isProblem',
  ])
})

test('Node imports it by its name, and its types compile where it is installed', async () => {
  const { url } = await serve((response) => json(response, 200, { subject: 'ada', roles: [], scopes: [] }))
  await writeFile(
    join(scratch, 'uses.ts'),
    `import { APIClient } from '@maestro/api-client-js'
import { governance } from '@maestro/api-client-js/governance'

const { data } = await governance(new APIClient({ baseURL: '${url}' })).get('/auth/me')
const subject: string = data.subject
console.log(subject)
export {}
`,
  )
  const options = { strict: true, module: 'NodeNext', target: 'ES2022', lib: ['ES2022', 'DOM'], types: [] }
  await writeFile(join(scratch, 'package.json'), '{"type":"module"}')
  await writeFile(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['uses.ts'] }))
  const compiled = await run(process.execPath, [TSC, '-p', scratch]).catch((error: { stdout: string }) => error)
  expect(compiled.stdout).toBe('')
  const { stdout } = await run(process.execPath, [join(scratch, 'uses.js')])
  expect(stdout).toBe('ada\n')
})

test('it runs with what React Native has: no streams, no crypto, no URL, no DOM', async () => {
  const { url, seen } = await serve((response, _, number) =>
    number === 0 ? json(response, 503, {}) : json(response, 200, { ok: true }),
  )
  const given = { AbortController, TextDecoder, clearTimeout, fetch, performance, setTimeout, url }
  const context = createContext({ ...given })
  runInContext(await bundled("export * from '@maestro/api-client-js'", 'iife'), context)
  const used: Promise<unknown> = runInContext(
    `(async () => {
      const storage = { getItem: async () => null, setItem: async () => {}, removeItem: async () => {} }
      const client = new maestro.APIClient({ baseURL: url, authentication: { type: 'jwt', tokenStorage: storage } })
      return (await client.get('/runs', { query: { limit: 1 }, signal: new AbortController().signal })).data.ok
    })()`,
    context,
  )
  expect(await used).toBe(true)
  expect(seen.map(({ path }) => path)).toEqual(['/runs?limit=1', '/runs?limit=1'])
  const streams: Promise<unknown> = runInContext(
    `(async () => {
      const plain = async () => ({ ok: true, status: 200, headers: new Map([['content-type', 'text/event-stream']]) })
      const client = new maestro.APIClient({ baseURL: url, fetch: plain })
      return client.events('/').next().catch((error) => error.code)
    })()`,
    context,
  )
  expect(await streams).toBe('NO_STREAMS')
})
