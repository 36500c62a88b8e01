import { expect, test } from 'vitest'
import { AddressBook, fillPath } from '../src/address.js'

const BOOK = new AddressBook('https://api.example/maestro/', { 'governance-service': 'http://127.0.0.1:8600/' })
const url = (path: string, service?: string): string => BOOK.find(path, undefined, service).url

test('a path is below the gateway, and a service that is reached directly below its own address', () => {
  expect(url('/maestro-orchestrator/runs')).toBe('https://api.example/maestro/maestro-orchestrator/runs')
  expect(url('maestro-orchestrator/runs')).toBe('https://api.example/maestro/maestro-orchestrator/runs')
  expect(url('/runs', 'maestro-orchestrator')).toBe('https://api.example/maestro/maestro-orchestrator/runs')
  expect(url('/governance-service/users?limit=1')).toBe('http://127.0.0.1:8600/users?limit=1')
  expect(url('/users', 'governance-service')).toBe('http://127.0.0.1:8600/users')
  expect(url('//evil.example/x')).toBe('https://api.example/maestro//evil.example/x')
})

test('a query has lists as names that repeat, and leaves out what is not there', () => {
  const query = { status: ['failed', 'running'], 'a b': 'c&d=é', none: null, nothing: undefined, zero: 0, no: false }
  expect(BOOK.find('/runs?limit=2', query, undefined)).toEqual({
    url: 'https://api.example/maestro/runs?limit=2&status=failed&status=running&a%20b=c%26d%3D%C3%A9&zero=0&no=false',
    shown: 'https://api.example/maestro/runs',
    peer: 'https://api.example/maestro',
    isOurs: true,
  })
})

test.each([
  ['https://api.example/maestro/runs', true],
  ['https://api.example/maestro', true],
  ['https://api.example/maestro?x=1', true],
  ['http://127.0.0.1:8600/users', true],
  ['https://api.example/maestro-evil/runs', false],
  ['https://api.example/maestro/../other', false],
  ['https://api.example/maestro/%2E%2e/other', false],
  ['https://api.example/other', false],
  ['https://api.example.evil/maestro/runs', false],
  ['https://api.example@evil.example/maestro', false],
  ['http://api.example/maestro/runs', false],
])('%s is ours: %j', (address, isOurs) => {
  expect(BOOK.find(address, undefined, undefined).isOurs).toBe(isOurs)
})

test('values of a path are encoded, and those that would lead elsewhere refused', () => {
  expect(fillPath('/runs/{run_id}/signals/{name}', { run_id: 'a/b?c#d', name: 7 })).toBe(
    '/runs/a%2Fb%3Fc%23d/signals/7',
  )
  for (const run_id of ['', '.', '..'])
    expect(() => fillPath('/runs/{run_id}', { run_id })).toThrow('cannot stand for run_id')
  expect(() => fillPath('/runs/{run_id}')).toThrow(TypeError)
})
