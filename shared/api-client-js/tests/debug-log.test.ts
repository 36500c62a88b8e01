import { expect, test } from 'vitest'
import { maskHeaders, maskURL } from '../src/debug-log.js'

test('headers that open something are masked', () => {
  const headers = { authorization: 'Bearer a', 'x-api-key': 'k', cookie: 'c', accept: '*/*', 'idempotency-key': 'i' }
  expect(maskHeaders(headers)).toEqual({
    authorization: '***',
    'x-api-key': '***',
    cookie: '***',
    accept: '*/*',
    'idempotency-key': 'i',
  })
})

test.each([
  ['https://a/live/runs?ticket=t&after=3', 'https://a/live/runs?ticket=***&after=3'],
  ['https://a/x?access_token=t#frag', 'https://a/x?access_token=***#frag'],
  ['https://a/callback?code=c&state=s', 'https://a/callback?code=***&state=***'],
  ['https://user:password@a/x', 'https://***@a/x'],
  ['/runs?status=failed', '/runs?status=failed'],
])('%s is shown as %s', (url, shown) => {
  expect(maskURL(url)).toBe(shown)
})
