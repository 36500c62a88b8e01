import { afterEach, expect, test, vi } from 'vitest'
import { newTraceparent, traceIdOf } from '../src/trace.js'

afterEach(() => vi.unstubAllGlobals())

test.each([['with'], ['without']])('traces are new and valid %s the crypto of browsers', (kind) => {
  if (kind === 'without') vi.stubGlobal('crypto', undefined)
  const made = new Set(Array.from({ length: 200 }, newTraceparent))
  expect(made.size).toBe(200)
  for (const traceparent of made) {
    expect(traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/)
    expect(traceIdOf(traceparent)).toHaveLength(32)
  }
})

test.each([
  undefined,
  '',
  'x',
  `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
])('%j has no trace', (traceparent) => {
  expect(traceIdOf(traceparent)).toBeUndefined()
})
