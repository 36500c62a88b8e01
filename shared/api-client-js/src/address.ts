/** Where a call goes. */

import { ConfigurationError } from './errors.js'

/** What may stand in a query: lists are written as the name several times, null and undefined are left out. */
export type QueryValue = string | number | boolean | null | undefined | readonly (string | number | boolean)[]

/** An address, and what follows from it. */
export interface Address {
  /** With the query. */
  readonly url: string
  /** Without it, for messages. */
  readonly shown: string
  /** Whose retries are counted together. */
  readonly peer: string
  /** Whether it belongs to the platform, so that credentials and traces go there. */
  readonly isOurs: boolean
}

/** Finds addresses: of services by the gateway, or of those that are reached directly. */
export class AddressBook {
  readonly #base: string
  readonly #services: ReadonlyMap<string, string>

  constructor(baseURL: string | undefined, services: Readonly<Record<string, string>>) {
    this.#base = withoutSlash(baseURL ?? '')
    this.#services = new Map(Object.entries(services).map(([name, url]) => [name, withoutSlash(url)]))
  }

  /** Find the address of a path, below a service's when one is named. Whole URLs are taken as they are. */
  find(path: string, query: Readonly<Record<string, QueryValue>> | undefined, service: string | undefined): Address {
    const [whole, peer, isOurs] = this.#place(path, service)
    const [shown = '', given] = whole.split('?', 2)
    const asked = [given, writeQuery(query)].filter(Boolean).join('&')
    return { url: asked ? `${shown}?${asked}` : shown, shown, peer, isOurs }
  }

  #place(path: string, service: string | undefined): [whole: string, peer: string, isOurs: boolean] {
    if (/^https?:\/\//i.test(path)) {
      const ours = [this.#base, ...this.#services.values()].find((base) => base !== '' && isBelow(path, base))
      return [path, ours ?? path.split('/', 3).join('/'), ours !== undefined]
    }
    const below = path.startsWith('/') ? path : `/${path}`
    const named = service ?? below.split(/[/?]/, 2)[1] ?? ''
    const direct = this.#services.get(named)
    if (direct !== undefined) {
      return [direct + (service === undefined ? below.slice(named.length + 1) : below), named, true]
    }
    if (!/^https?:/i.test(this.#base) && typeof location === 'undefined') {
      throw new ConfigurationError(
        'BASE_URL_MISSING',
        `baseURL is ${this.#base ? `'${this.#base}'` : 'not set'}, and outside of a browser nothing tells where ${below} is; give the gateway's address`,
      )
    }
    return [
      service === undefined ? this.#base + below : `${this.#base}/${service}${below}`,
      service ?? this.#base,
      true,
    ]
  }
}

/** Put values into a template like `/runs/{run_id}`. Values that would lead to another path are refused. */
export function fillPath(template: string, values: Readonly<Record<string, string | number>> = {}): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? '')
    // Dot segments are taken away by every URL parser, however they are encoded; an empty one changes the route.
    if (value === '' || value === '.' || value === '..') {
      throw new TypeError(`${template}: '${value}' cannot stand for ${name}`)
    }
    return encodeURIComponent(value)
  })
}

function writeQuery(query: Readonly<Record<string, QueryValue>> | undefined): string {
  // Not URLSearchParams: React Native's is not complete.
  return Object.entries(query ?? {})
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value as string]).map((one) => [name, one] as const))
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
}

function isBelow(url: string, base: string): boolean {
  return url.startsWith(base) && /^([/?#]|$)/.test(url.slice(base.length)) && !/\/(\.|%2e){1,2}([/?#]|$)/i.test(url)
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
