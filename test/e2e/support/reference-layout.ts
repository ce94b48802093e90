import {randomBytes} from 'node:crypto'
import pMap from 'p-map'
import {CREATE, type ObjectStore} from '../../../src/object-store/object-store.js'
import {textOf} from './places.js'

/** What programs write and read that share a bucket with reprise and know nothing of it. */
export interface ReferenceKey {
  readonly projectKey: string
  readonly sessionId: string
  readonly subpath?: string
}

const prefixOf = ({projectKey, sessionId, subpath}: ReferenceKey): string =>
  [projectKey, sessionId, ...(subpath === undefined ? [] : [subpath]), ''].join('/')

/** Appends one batch of whole lines, named by the writer's own clock and six random digits. */
export async function appendReference(
  store: ObjectStore,
  key: ReferenceKey,
  lines: readonly string[],
  nowMs: number,
): Promise<void> {
  const name = `part-${String(nowMs).padStart(13, '0')}-${randomBytes(3).toString('hex')}.jsonl`
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  await store.put(prefixOf(key) + name, body, {mode: CREATE, contentType: 'application/x-ndjson'})
}

/** Every direct child in key order, 16 at a time; lines that do not parse are skipped. Returns the lines as they are stored. */
export async function loadReference(store: ObjectStore, key: ReferenceKey): Promise<string[]> {
  const keys: string[] = []
  for await (const page of store.list({prefix: prefixOf(key), delimiter: '/'})) {
    keys.push(...page.objects.map((object) => object.key))
  }
  const texts = await pMap(keys.toSorted(), async (each) => textOf(store, each), {concurrency: 16})
  return texts.flatMap((part) => part.split('\n')).filter(parses)
}

function parses(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
