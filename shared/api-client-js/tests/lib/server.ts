/** A small HTTP server whose answers a test writes itself, for what a healthy service does not do. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** One request, as it came. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export type Handler = (response: ServerResponse, request: Seen, number: number) => unknown

/** Serve until the test is over. `seen` grows with each request; `number` counts them from 0. */
export async function serve(handler: Handler): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer(async (message, response) => {
    const request = await read(message)
    await handler(response, request, seen.push(request) - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

/** Answer with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Break the connection. */
export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

async function read(message: IncomingMessage): Promise<Seen> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  const { method = '', url: path = '', headers } = message
  return { method, path, headers, body: Buffer.concat(parts).toString() }
}
