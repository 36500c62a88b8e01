/** Starts real services for the tests, and ends them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Addresses of the services, by name. */
    services: Record<string, string>
    admin: { username: string; password: string }
  }
}

const PYTHON = fileURLToPath(new URL('../../../../.venv/bin/python', import.meta.url))
const PATIENCE_MS = 120_000
const GRACE_MS = 15_000
const ADMIN = { username: 'ada', password: 'tangerine lamp on the fjord' }
// The service ends with this process, however that ends (Linux: PR_SET_PDEATHSIG).
const MODULE = `import ctypes, runpy, sys
ctypes.CDLL(None).prctl(1, 15)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)`

interface Service {
  readonly name: string
  readonly module: string
  readonly port: number
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'maestro-client-'))
  const services: Service[] = [
    { name: 'governance-service', module: 'governance_service', port: await freePort() },
    { name: 'maestro-orchestrator', module: 'maestro', port: await freePort() },
  ]
  const address = ({ port }: Service): string => `http://127.0.0.1:${port}`
  const [governance] = services
  const settings = {
    PATH: process.env.PATH,
    HOME: folder,
    MAESTRO_ENVIRONMENT: 'test',
    MAESTRO_JWT_SECRET: 'a-secret-for-tests-of-at-least-32-bytes',
    MAESTRO_MESSAGING_URL: 'memory://',
    MAESTRO_IDENTITY_URL: governance && address(governance),
    GOVERNANCE_SERVICE_ADMIN_NAME: ADMIN.username,
    GOVERNANCE_SERVICE_ADMIN_PASSWORD: ADMIN.password,
    GOVERNANCE_SERVICE_PASSWORD_HASH_MEMORY_KIB: '64',
    GOVERNANCE_SERVICE_PASSWORD_HASH_ROUNDS: '1',
    GOVERNANCE_SERVICE_SIGN_IN_LIMIT_PER_MINUTE: '100000',
    GOVERNANCE_SERVICE_SCORECARD_INTERVAL_S: '0',
  }
  const running = services.map((service) => ({ service, ...start(service, folder, settings) }))
  const stop = async (): Promise<void> => {
    await Promise.all(running.map(({ child }) => end(child)))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all(
      running.map(({ service, child, said }) => untilReady(service.name, address(service), child, said)),
    )
  } catch (error) {
    await stop()
    throw error
  }
  project.provide('services', Object.fromEntries(services.map((service) => [service.name, address(service)])))
  project.provide('admin', ADMIN)
  return stop
}

function start(service: Service, folder: string, settings: NodeJS.ProcessEnv): { child: ChildProcess; said: string[] } {
  const prefix = service.name.toUpperCase().replaceAll('-', '_')
  const own = { [`${prefix}_PORT`]: String(service.port), MAESTRO_DATA_DIR: join(folder, service.name) }
  const child = spawn(PYTHON, ['-c', MODULE, service.module], {
    cwd: folder,
    env: { ...settings, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => said.splice(0, Math.max(0, said.push(text) - 50)))
  }
  return { child, said }
}

async function untilReady(name: string, url: string, child: ChildProcess, said: string[]): Promise<void> {
  const over = Date.now() + PATIENCE_MS
  while (Date.now() < over) {
    if (child.exitCode !== null || child.signalCode !== null) break
    const ready = await fetch(`${url}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${name} does not get ready; 'make setup' installs it. It said:\n${said.join('')}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  await ended
  clearTimeout(late)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
