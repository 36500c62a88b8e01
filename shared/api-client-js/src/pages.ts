/** Listings in pages, read as one. */

import type { QueryValue } from './address.js'
import { AnswerError } from './errors.js'

/** Asks for the page behind a cursor. */
export type AskForPage = (query: Readonly<Record<string, QueryValue>>) => Promise<unknown>

/** Read a listing item by item. Each page is asked for when its first item is; the member of a page that is a list has its items. */
export async function* itemsOfPages(
  ask: AskForPage,
  where: string,
  query: Readonly<Record<string, QueryValue>> = {},
): AsyncGenerator<unknown, void, undefined> {
  let cursor = query.cursor
  for (;;) {
    const page = await ask(cursor === undefined ? query : { ...query, cursor })
    const lists = typeof page === 'object' && page !== null ? Object.values(page).filter(Array.isArray) : []
    const [items, ...others] = lists
    if (items === undefined || others.length > 0) {
      throw new AnswerError('NOT_A_PAGE', `GET ${where}: the answer is no object with one list`)
    }
    yield* items
    const { next_cursor: next } = page as { next_cursor?: string | null }
    if (next === undefined || next === null) return
    if (next === cursor) {
      throw new AnswerError('PAGES_REPEAT', `GET ${where}: the page after cursor '${next}' has the same next_cursor`)
    }
    cursor = next
  }
}
