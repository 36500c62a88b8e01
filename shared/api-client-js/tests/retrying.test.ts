import { expect, test } from 'vitest'
import { RetryBudget } from '../src/budget.js'
import { ProblemError } from '../src/errors.js'
import { isIdempotent, pauseBeforeRetry, RETRY_DEFAULTS, retryAfter } from '../src/retrying.js'

const refused = (seconds: number | undefined): ProblemError =>
  new ProblemError({
    method: 'GET',
    url: '/',
    status: 503,
    headers: new Headers(),
    problem: {},
    traceId: undefined,
    retryAfter: seconds,
  })

test.each([
  ['120', 120],
  [' 7 ', 7],
  ['0', 0],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 30],
  ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['9999999999', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After %j means %j seconds', (value, seconds) => {
  expect(retryAfter(value, Date.parse('2015-10-21T07:28:00Z'))).toBe(seconds)
})

test('a pause is anything between nothing and a limit that doubles, up to the longest', () => {
  const longest = (number: number): number | undefined => pauseBeforeRetry(number, undefined, RETRY_DEFAULTS, () => 1)
  expect([0, 1, 2, 3, 10, 5000].map(longest)).toEqual([100, 200, 400, 800, 5000, 5000])
  expect(pauseBeforeRetry(3, undefined, RETRY_DEFAULTS, () => 0)).toBe(0)
})

test('a Retry-After is waited for in full, with the jitter on top, or not at all', () => {
  expect(pauseBeforeRetry(0, refused(2), RETRY_DEFAULTS, () => 0)).toBe(2000)
  expect(pauseBeforeRetry(0, refused(2), RETRY_DEFAULTS, () => 1)).toBe(2100)
  expect(pauseBeforeRetry(0, refused(11), RETRY_DEFAULTS)).toBeUndefined()
})

test.each([
  ['GET', {}, true],
  ['HEAD', {}, true],
  ['OPTIONS', {}, true],
  ['PUT', {}, true],
  ['DELETE', {}, true],
  ['POST', {}, false],
  ['PATCH', {}, false],
  ['POST', { 'idempotency-key': 'k' }, true],
  ['PATCH', { 'idempotency-key': 'k' }, true],
])('%s with %j may be made twice: %j', (method, headers, expected) => {
  expect(isIdempotent(method, headers)).toBe(expected)
})

test('a budget gives its floor and a share of the calls, in any ten seconds', () => {
  let now = 0
  const budget = new RetryBudget(0.1, 2, () => now)
  const taken = (): number => Array.from({ length: 50 }, () => budget.take()).filter(Boolean).length
  for (let call = 0; call < 30; call += 1) budget.payIn()
  expect(taken()).toBe(5)
  now = 9_000
  expect(taken()).toBe(0)
  now = 10_000
  expect(taken()).toBe(2)
})
