import type {Random} from '../base/clock.js'
import {compareKeys} from '../object-store/key-order.js'
import {CREATE, type ObjectStore} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {PROBE_PREFIX, probeConditions} from '../store/probe.js'
import {type Check, refusal, unchecked} from './check.js'

export interface ProbeOptions {
  readonly random: Random
  /**
   * Writes an object under a key of the store with the checksum of other bytes, and says whether that was refused. Absent where no
   * checksum goes with a write.
   */
  readonly refusesWrongChecksum?: ((key: string) => Promise<boolean>) | undefined
}

/**
 * What the store does, found out with short-lived objects below `.reprise/probe/`: what cannot be deleted stays there, harmless.
 *
 * @throws what keeps the store from being written or read at all
 */
export async function probeStore(store: ObjectStore, options: ProbeOptions): Promise<readonly Check[]> {
  const {random, refusesWrongChecksum} = options
  const place = `${PROBE_PREFIX}${Buffer.from(random.bytes(8)).toString('hex')}/`
  const written = await writeAndRead(store, `${place}a-first`)
  return [
    written,
    await asked('missing objects', async () => missingObjects(store, `${place}not-there`)),
    await asked('conditional writes', async () => conditionalWrites(store, random)),
    ...(refusesWrongChecksum
      ? [await asked('checksums', async () => checksums(store, `${place}checksum`, refusesWrongChecksum))]
      : []),
    await asked('list order', async () => listOrder(store, place)),
    await deleting(store, [`${place}a-first`, `${place}checksum`, ...ORDERED.map((name) => place + name)]),
  ]
}

async function asked(check: string, ask: () => Promise<Omit<Check, 'check'>>): Promise<Check> {
  try {
    return {check, ...(await ask())}
  } catch (error) {
    const why = refusal(error)
    if (why === undefined) throw error
    return unchecked(check, why)
  }
}

type Answer = Omit<Check, 'check'>

async function writeAndRead(store: ObjectStore, key: string): Promise<Check> {
  const check = 'write and read'
  const bytes = Buffer.from('reprise init\n')
  await store.put(key, bytes, {mode: CREATE, metadata: {reprise: '1'}})
  const found = await readObject(store, key, {limit: 1024})
  if (found === undefined || !Buffer.from(found.bytes).equals(bytes)) {
    return {check, state: 'warning', detail: 'what was written is not read at once: this store loses sessions'}
  }
  if (found.metadata['reprise'] === '1') return {check, state: 'ok', detail: 'what is written is read at once'}
  return {
    check,
    state: 'warning',
    detail: 'metadata is lost: every part is taken for one of another program, and nothing is fenced',
  }
}

/** Without the right to list, a key where nothing is looks like one that is forbidden. */
async function missingObjects(store: ObjectStore, key: string): Promise<Answer> {
  try {
    await store.head(key)
    return {state: 'ok', detail: 'are told from forbidden ones'}
  } catch (error) {
    if (refusal(error) === undefined) throw error
    return {
      state: 'warning',
      detail: 'look like forbidden ones: every command fails at the first record that is not there yet',
      fix: "Allow s3:ListBucket for the store's prefix ('reprise policy' prints it).",
    }
  }
}

async function conditionalWrites(store: ObjectStore, random: Random): Promise<Answer> {
  if (await probeConditions(store, random)) return {state: 'ok', detail: 'hold, also in a race: sessions can be leased'}
  return {
    state: 'warning',
    detail: 'are ignored: leases are refused here, so nothing keeps two workers from writing one session',
    fix: 'push, pull and ls work; resume and run need --no-lease.',
  }
}

async function checksums(
  store: ObjectStore,
  key: string,
  refusesWrongChecksum: (key: string) => Promise<boolean>,
): Promise<Answer> {
  if (await refusesWrongChecksum(key))
    return {state: 'ok', detail: 'are verified: bytes that were damaged on the way are refused'}
  return {
    state: 'warning',
    detail: `are not verified: ${store.url} keeps bytes that were damaged on the way. A pull notices it by the digests of the parts, when it may be too late`,
  }
}

/** Their order differs between bytes and walks of directories. */
const ORDERED = ['b-x', 'b/x', 'b0', 'Z']

async function listOrder(store: ObjectStore, place: string): Promise<Answer> {
  await Promise.all(ORDERED.map(async (name) => store.put(place + name, Buffer.from('x'), {mode: CREATE})))
  const listed: string[] = []
  for await (const {objects} of store.list({prefix: place, pageSize: 2})) listed.push(...objects.map(({key}) => key))
  const all = ORDERED.map((name) => place + name)
  if (!all.every((key) => listed.includes(key))) {
    return {state: 'warning', detail: 'listings leave out what was just written: this store loses sessions'}
  }
  const isSorted = listed.every((key, index) => index === 0 || compareKeys(listed[index - 1] ?? '', key) < 0)
  if (isSorted) return {state: 'ok', detail: 'by key, byte for byte'}
  return {state: 'ok', detail: 'none: reprise sorts for itself, and reads long listings page after page'}
}

async function deleting(store: ObjectStore, keys: readonly string[]): Promise<Check> {
  const check = 'delete'
  const {failed} = await store.delete(keys).catch((error: unknown) => {
    if (refusal(error) === undefined) throw error
    return {failed: [error]}
  })
  if (failed.length === 0)
    return {check, state: 'ok', detail: 'may delete: merging, adopting, sweeping, rm and prune work'}
  return {
    check,
    state: 'warning',
    detail: 'may not delete, as is good for a worker: merging, adopting and sweeping are left to an identity that may',
    fix: 'Give compact an identity of its own: reprise policy --compactor.',
  }
}
