import {randomBytes} from 'node:crypto'
import type {SessionKey, SessionStore, SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'
import pMap from 'p-map'
import {readText} from '../../src/object-store/conformance/support.js'
import {OVERWRITE, type ListPage, type ObjectStore} from '../../src/object-store/object-store.js'

/**
 * What programs write and read that share a bucket with reprise and know nothing of it: the layout of the Agent SDK's
 * example adapters, from its description alone. No conditions, no metadata, no dedupe; parts are ordered by the clock of
 * who wrote them.
 */
export class ReferenceAdapter implements SessionStore {
  readonly #store: ObjectStore
  readonly #now: () => number

  /** @param now the writer's own wall clock, ms since the epoch. */
  constructor(store: ObjectStore, now: () => number = () => Date.now()) {
    this.#store = store
    this.#now = now
  }

  async append(key: SessionKey, entries: readonly SessionStoreEntry[]): Promise<void> {
    if (entries.length === 0) return
    const lines = entries.map((entry) => JSON.stringify(entry))
    await appendReference(this.#store, key, lines, this.#now())
  }

  async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    const lines = await loadReference(this.#store, key)
    return lines.length === 0 ? null : lines.map((line) => JSON.parse(line) as SessionStoreEntry)
  }

  async listSessions(projectKey: string): Promise<{sessionId: string; mtime: number}[]> {
    const mtimes = new Map<string, number>()
    for (const {key, modified} of await this.#objects(`${projectKey}/`)) {
      const [sessionId, name, ...deeper] = key.slice(projectKey.length + 1).split('/')
      if (sessionId === undefined || name === undefined || deeper.length > 0) continue
      const [, ms] = /^part-(\d{13})-[0-9a-f]{6}\.jsonl$/.exec(name) ?? []
      const mtime = ms === undefined ? Math.floor(modified) : Number(ms)
      mtimes.set(sessionId, Math.max(mtime, mtimes.get(sessionId) ?? 0))
    }
    return [...mtimes].map(([sessionId, mtime]) => ({sessionId, mtime}))
  }

  async listSubkeys(key: SessionKey): Promise<string[]> {
    const prefix = prefixOf({projectKey: key.projectKey, sessionId: key.sessionId})
    const names = (await this.#objects(prefix)).map((object) => object.key.slice(prefix.length))
    const folders = names.map((name) => name.split('/').slice(0, -1).join('/'))
    return [...new Set(folders)].filter((folder) => folder !== '')
  }

  async delete(key: SessionKey): Promise<void> {
    const prefix = prefixOf(key)
    const found = await this.#objects(prefix)
    const direct = ({key: name}: {key: string}) => !name.slice(prefix.length).includes('/')
    const gone = key.subpath === undefined ? found : found.filter(direct)
    await this.#store.delete(gone.map((object) => object.key))
  }

  async #objects(prefix: string): Promise<readonly ListPage['objects'][number][]> {
    const objects = []
    for await (const page of this.#store.list({prefix})) objects.push(...page.objects)
    return objects
  }
}

/** Writes one batch of whole lines as one part, named by the writer's clock and six random digits. */
export async function appendReference(
  store: ObjectStore,
  key: SessionKey,
  lines: readonly string[],
  nowMs: number,
): Promise<void> {
  const name = `part-${String(nowMs).padStart(13, '0')}-${randomBytes(3).toString('hex')}.jsonl`
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  await store.put(prefixOf(key) + name, body, {mode: OVERWRITE, contentType: 'application/x-ndjson'})
}

/** Every direct child in key order, 16 at a time; lines that do not parse are skipped. Returns the lines as they are stored. */
export async function loadReference(store: ObjectStore, key: SessionKey): Promise<string[]> {
  const keys: string[] = []
  for await (const page of store.list({prefix: prefixOf(key), delimiter: '/'})) {
    keys.push(...page.objects.map((object) => object.key))
  }
  const texts = await pMap(keys.toSorted(), async (each) => readText(store, each), {concurrency: 16})
  return texts.flatMap((part) => part.split('\n')).filter(parses)
}

function prefixOf({projectKey, sessionId, subpath}: SessionKey): string {
  return [projectKey, sessionId, ...(subpath === undefined ? [] : [subpath]), ''].join('/')
}

function parses(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
