import { expect, test } from 'vitest'
import { EventParser } from '../src/event-parser.js'

const STREAM =
  '\uFEFF: connected\n\nretry: 250\r\nid: 1\r\nevent: opened\r\ndata: {"a":1}\r\n\r\ndata:two\rdata: lines\r\rid\ndata\n\n' +
  'id: a\0b\ndata: n\n\nevent: nothing\n\nretry: soon\nunknown: x\nid: 9\n\ndata: cut off'
const EVENTS = [
  { id: '1', event: 'opened', data: '{"a":1}' },
  { id: undefined, event: 'message', data: 'two\nlines' },
  { id: undefined, event: 'message', data: '' },
  { id: undefined, event: 'message', data: 'n' },
]

test('a stream is read as the standard says, wherever it is cut into pieces', () => {
  for (let first = 0; first <= STREAM.length; first += 1) {
    for (const second of [first, first + 1, first + 2, first + 7]) {
      const parser = new EventParser('0')
      const pieces = [STREAM.slice(0, first), STREAM.slice(first, second), STREAM.slice(second)]
      expect(pieces.flatMap((piece) => parser.push(piece)).map((event) => ({ ...event }))).toEqual(EVENTS)
      expect([parser.retry, parser.lastId]).toEqual([250, '9'])
    }
  }
})

test('an empty id takes the position away', () => {
  const parser = new EventParser('5')
  parser.push('id\ndata: x\n\n')
  expect(parser.lastId).toBeUndefined()
})

test("an event's data is read as JSON", () => {
  expect(new EventParser(undefined).push('data: {"a":[1]}\n\n')[0]?.json()).toEqual({ a: [1] })
})
