/** One at a time, for all who share a storage. */

const waiting = new WeakMap<object, Map<string, Promise<unknown>>>()

/**
 * Do something that nobody else does at the same time: no other client of this program that has the same storage and key, and
 * with `acrossPages` no other page of the origin, where the browser has Web Locks.
 */
export async function exclusively<T>(
  shared: object,
  key: string,
  acrossPages: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const lines = waiting.get(shared) ?? new Map<string, Promise<unknown>>()
  waiting.set(shared, lines)
  const locks = acrossPages ? globalThis.navigator?.locks : undefined
  const turn = (lines.get(key) ?? Promise.resolve()).then(() =>
    // The types say that the outcome of a lock is awaited twice; it is the same promise.
    locks === undefined ? work() : (locks.request(key, work) as Promise<T>),
  )
  const settled = turn.then(
    () => undefined,
    () => undefined,
  )
  lines.set(key, settled)
  void settled.then(() => lines.get(key) === settled && lines.delete(key))
  return turn
}
