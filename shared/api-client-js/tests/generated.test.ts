import { expect, test } from 'vitest'
import { generated, written } from '../scripts/generate.mjs'

test('the types are what the documents say', async () => {
  expect(await written(), 'run `make api-client`').toEqual(await generated())
})
