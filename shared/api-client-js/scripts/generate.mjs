/**
 * Writes `src/generated/*` from the documents in `openapi/`: `node scripts/generate.mjs`. A test calls `generated()` and compares.
 *
 * openapi-typescript makes the types. Its own form of paths repeats every error and every method that is not there for each path,
 * eight times as long; so the calls are handed to it as one more schema, whose members are named as `GET /runs/{run_id}`.
 */

import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'

const OPENAPI = new URL('../openapi/', import.meta.url)
const GENERATED = new URL('../src/generated/', import.meta.url)
const HEAD = '// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.\n'
const EVENTS = 'text/event-stream'
const CALLS = 'Calls'
const RAW = { type: 'string' }

/** Make all files. Returns their texts by name. */
export async function generated() {
  const files = {}
  for (const name of (await readdir(OPENAPI)).filter((name) => name.endsWith('.json')).sort()) {
    const document = JSON.parse(await readFile(new URL(name, OPENAPI), 'utf8'))
    files[name.replace('.json', '.ts')] = await typesOf(document)
  }
  return files
}

/** Read the files that there are. Returns their texts by name. */
export async function written() {
  const names = (await readdir(GENERATED)).filter((name) => name.endsWith('.ts')).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, GENERATED), 'utf8')])),
  )
}

async function typesOf(document) {
  const { paths, components } = named(document)
  if (CALLS in components.schemas)
    throw new Error(`${document.info.title} has a schema ${CALLS}; name the calls differently`)
  const schemas = { ...components.schemas, [CALLS]: callsOf(paths) }
  // A member with a default may be left out of a request; that it is always in an answer, pydantic's schemas of answers say.
  const options = { alphabetize: true, defaultNonNullable: false, emptyObjectsUnknown: true }
  const text = astToString(await openapiTS({ ...document, paths: {}, components: { schemas } }, options))
  const members = /export interface components \{\n {4}schemas: \{\n([\s\S]*?)\n {4}\};\n/.exec(text)?.[1]
  if (members === undefined) throw new Error('openapi-typescript writes components in another form than it did')
  // One exported type for each schema, in place of one interface of them all; a line with eight spaces begins one.
  const types = members
    .replace(/^ {8}(\w+): /gm, '        export type $1 = ')
    .replace(/components\["schemas"\]\["(\w+)"\]/g, '$1')
    .replace(/^ {8}/gm, '')
    .replace(/^(?: {4})+/gm, (spaces) => ' '.repeat(spaces.length / 2))
    // The type says it already.
    .replace(/^ *\/\*\* (Format: [\w-]+|@enum \{\w+\}) \*\/\n|^ *\* (Format: [\w-]+|@enum \{\w+\})\n/gm, '')
  return `${HEAD}\n${types}\n`
}

/** Give schemas names that types can have: `Page_ApprovalView_` becomes `PageOfApprovalView`. */
function named(document) {
  const names = Object.keys(document.components.schemas)
  const nameOf = (schema) => schema.replace(/^(\w+?)_(\w+)_$/, '$1Of$2').replace(/\W|_/g, '')
  if (new Set(names.map(nameOf)).size < names.length)
    throw new Error(`${document.info.title}: two schemas get one name`)
  const text = JSON.stringify(document).replace(
    /"#\/components\/schemas\/([^"]+)"/g,
    (_, name) => `"#/components/schemas/${nameOf(name)}"`,
  )
  const { paths, components } = JSON.parse(text)
  const schemas = Object.fromEntries(Object.entries(components.schemas).map(([name, schema]) => [nameOf(name), schema]))
  return { paths, components: { schemas } }
}

function callsOf(paths) {
  const calls = {}
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const call = callOf(operation)
      if (call !== undefined) calls[`${method.toUpperCase()} ${path}`] = call
    }
  }
  return object(calls, Object.keys(calls))
}

function callOf(operation) {
  const answers = Object.values(operation.responses).map((answer) => answer.content ?? {})
  // What only ever redirects is for browsers to visit.
  if (answers.length === 0) return undefined
  const parts = [...parametersOf(operation), ...bodyOf(operation), ...answerOf(answers)]
  const members = Object.fromEntries(parts.map(({ name, schema }) => [name, schema]))
  const required = parts.filter((part) => part.required).map((part) => part.name)
  return { ...object(members, required), description: operation.description }
}

function parametersOf(operation) {
  return ['path', 'query', 'header'].flatMap((place) => {
    const there = (operation.parameters ?? []).filter((parameter) => parameter.in === place)
    if (there.length === 0) return []
    const needed = there.filter((parameter) => parameter.required).map((parameter) => parameter.name)
    const schemas = there.map(({ name, schema, description }) => [name, { ...schema, description }])
    return [{ name: place, schema: object(Object.fromEntries(schemas), needed), required: needed.length > 0 }]
  })
}

function bodyOf({ requestBody }) {
  if (requestBody === undefined) return []
  const { json, others } = media(requestBody.content)
  const schema = json === undefined ? RAW : others.length === 0 ? json : { anyOf: [json, RAW] }
  const body = { name: 'body', schema, required: requestBody.required }
  if (others.length === 0) return [body]
  const kinds = others.includes('*/*') ? RAW : { type: 'string', enum: others }
  return [body, { name: 'contentType', schema: kinds, required: json === undefined }]
}

function answerOf(answers) {
  if (answers.some((content) => EVENTS in content)) {
    return [{ name: 'events', schema: { type: 'boolean', enum: [true] }, required: true }]
  }
  const read = answers.map(media).map(({ json, others }) => json ?? (others.length > 0 ? RAW : undefined))
  const different = [...new Map(read.filter(Boolean).map((schema) => [JSON.stringify(schema), schema])).values()]
  if (different.length === 0) return []
  return [{ name: 'answer', schema: different.length === 1 ? different[0] : { anyOf: different }, required: true }]
}

function media(content) {
  const others = Object.keys(content).filter((kind) => kind !== 'application/json')
  return { json: content['application/json']?.schema, others }
}

function object(properties, required) {
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = await generated()
  for (const name of Object.keys(await written())) {
    if (!(name in files)) await rm(new URL(name, GENERATED))
  }
  for (const [name, text] of Object.entries(files)) await writeFile(new URL(name, GENERATED), text)
}
