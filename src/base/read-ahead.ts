export interface ReadAheadOptions {
  /** Calls under way at once. */
  readonly concurrency: number
  /** Bytes asked for and not yet taken. One item may be bigger. */
  readonly window: number
}

/**
 * What `read` gives for each item, in the items' order, the next ones under way while one is used, with bounded memory.
 *
 * @param signal when it aborts, nothing more is asked for.
 */
export async function* readAhead<T, R>(
  items: Iterable<T>,
  read: (item: T) => Promise<R>,
  sizeOf: (item: T) => number,
  signal: AbortSignal,
  {concurrency, window}: ReadAheadOptions,
): AsyncIterable<{readonly item: T; readonly result: R}> {
  const source = items[Symbol.iterator]()
  const flying: {readonly item: T; readonly result: Promise<R>}[] = []
  let asked = 0
  let next = source.next()
  while (!signal.aborted) {
    while (!next.done && flying.length < concurrency && (flying.length === 0 || asked + sizeOf(next.value) <= window)) {
      const result = read(next.value)
      result.catch(() => undefined) // reported when its turn comes
      flying.push({item: next.value, result})
      asked += sizeOf(next.value)
      next = source.next()
    }
    const first = flying.shift()
    if (!first) return
    yield {item: first.item, result: await first.result}
    asked -= sizeOf(first.item)
  }
}
