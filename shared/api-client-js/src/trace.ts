/** W3C Trace Context: the trace that a call and everything behind it belong to. */

const TRACEPARENT = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}/

/** Read the trace id of a `traceparent`; undefined when it is none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return TRACEPARENT.exec(traceparent ?? '')?.[1]
}

/** Make a sampled `traceparent` in a new trace. */
export function newTraceparent(): string {
  return `00-${randomHex(16)}-${randomHex(8)}-01`
}

/** Make the `traceparent` of another span of the same trace. */
export function nextSpan(traceparent: string): string {
  return traceparent.replace(/-[\da-f]{16}-/, `-${randomHex(8)}-`)
}

function randomHex(bytes: number): string {
  const chosen = new Uint8Array(bytes)
  // React Native has no `crypto` of its own; ids of traces tell requests apart, they keep no secret.
  const source = globalThis.crypto as Crypto | undefined
  if (source !== undefined) source.getRandomValues(chosen)
  else for (let at = 0; at < bytes; at += 1) chosen[at] = Math.floor(Math.random() * 256)
  // An id of zeros alone is no id (section 3.2.2.3).
  chosen[0] = (chosen[0] ?? 0) | 1
  return Array.from(chosen, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
