/** What a client tells while it is being debugged. No line has a token, a key or a body in it. */

/** Takes one line, and what belongs to it. */
export type DebugLog = (message: string, details: Readonly<Record<string, unknown>>) => void

const SECRET = /auth|cookie|key|password|secret|session|signature|ticket|token/i
// Idempotency keys are named to be compared, and open nothing.
const HARMLESS = /^idempotency-key$/i

/** Write lines to the console. */
export const toConsole: DebugLog = (message, details) => {
  // biome-ignore lint/suspicious/noConsole: it is what was asked for
  console.debug(`[maestro] ${message}`, details)
}

/** Mask the values of headers that open something. */
export function maskHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET.test(name) && !HARMLESS.test(name) ? '***' : value]),
  )
}

/** Mask the values in a query that open something, and a password in the address. */
export function maskURL(url: string): string {
  return url
    .replace(/^(\w+:\/\/)[^/?#]*@/, '$1***@')
    .replace(/([?&])([^=&#]+)=([^&#]*)/g, (whole, mark: string, name: string) =>
      SECRET.test(name) || /^(code|state)$/i.test(name) ? `${mark}${name}=***` : whole,
    )
}
