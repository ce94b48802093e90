/** How two byte streams stand to each other, and how many bytes they begin with in common. */
export interface StreamRelation {
  readonly kind: 'equal' | 'first-is-shorter' | 'second-is-shorter' | 'differ'
  readonly common: number
}

type Chunks = AsyncIterator<Uint8Array>

/** Reads both at once, as far as they agree; memory: one chunk of each. */
export async function compareStreams(
  first: AsyncIterable<Uint8Array>,
  second: AsyncIterable<Uint8Array>,
): Promise<StreamRelation> {
  const [a, b] = [first[Symbol.asyncIterator](), second[Symbol.asyncIterator]()]
  try {
    return await compare(a, b)
  } finally {
    await Promise.all([a.return?.(), b.return?.()])
  }
}

async function compare(a: Chunks, b: Chunks): Promise<StreamRelation> {
  let common = 0
  let [mine, theirs] = await Promise.all([next(a), next(b)])
  while (mine && theirs) {
    const length = Math.min(mine.length, theirs.length)
    const same = sameLength(mine, theirs, length)
    common += same
    if (same < length) return {kind: 'differ', common}
    mine = mine.length > length ? mine.subarray(length) : await next(a)
    theirs = theirs.length > length ? theirs.subarray(length) : await next(b)
  }
  if (mine) return {kind: 'second-is-shorter', common}
  return {kind: theirs ? 'first-is-shorter' : 'equal', common}
}

/** The next chunk that holds anything. */
async function next(chunks: Chunks): Promise<Uint8Array | undefined> {
  for (;;) {
    const {done, value} = await chunks.next()
    if (done) return undefined
    if (value.length > 0) return value
  }
}

function sameLength(mine: Uint8Array, theirs: Uint8Array, length: number): number {
  if (Buffer.compare(mine.subarray(0, length), theirs.subarray(0, length)) === 0) return length
  let at = 0
  while (mine[at] === theirs[at]) at++
  return at
}
