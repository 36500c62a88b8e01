/** What stands between a client and the real services: finds them by the first part of the path, and breaks what a test wants broken. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inject, onTestFinished } from 'vitest'

/** What happens to a request: it is passed on, or answered in place of the service. */
export type Rule = (seen: Passed, response: ServerResponse) => 'pass' | 'handled'

/** A request that came by. */
export interface Passed {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** How many of the same method and path came before. */
  readonly number: number
}

export class Edge {
  readonly url: string
  readonly passed: Passed[] = []
  /** Decides on each request. */
  rule: Rule = () => 'pass'
  /** Decides on each piece of an answer: `drop` breaks the connection in place of it, `last` behind it. */
  piece: (seen: Passed, piece: Buffer) => 'pass' | 'drop' | 'last' = () => 'pass'

  private constructor(url: string) {
    this.url = url
  }

  /** Serve until the test is over. */
  static async start(): Promise<Edge> {
    const services = inject('services')
    const server = createServer((message, response) => edge.#take(services, message, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const edge = new Edge(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    })
    return edge
  }

  /** The requests of a method and path. */
  seen(method: string, path: string): Passed[] {
    return this.passed.filter((passed) => passed.method === method && passed.path === path)
  }

  #take(services: Record<string, string>, message: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = message
    const path = url.split('?', 1)[0] ?? ''
    const passed = { method, path, headers, number: this.seen(method, path).length }
    this.passed.push(passed)
    if (this.rule(passed, response) === 'handled') {
      message.resume()
      return
    }
    const [, name = '', ...rest] = url.split('/')
    const service = services[name]
    if (service === undefined) {
      response.writeHead(404).end()
      return
    }
    const onward = request(`${service}/${rest.join('/')}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      let isCut = false
      answer.on('data', (piece: Buffer) => {
        if (isCut) return
        const decision = this.piece(passed, piece)
        isCut = decision !== 'pass'
        if (decision === 'drop') response.destroy()
        // Once it is on its way: what is still to be written would be lost with the connection.
        else response.write(piece, () => decision === 'last' && response.destroy())
      })
      answer.on('end', () => isCut || response.end())
      answer.on('error', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    message.pipe(onward)
  }
}
