import * as v from 'valibot'
import type {Random} from '../base/clock.js'
import {hasCode, RepriseError} from '../base/errors.js'
import {sha256Hex} from '../base/hash.js'
import {CREATE, type ObjectStore, OVERWRITE} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {OWN_PREFIX} from './names.js'

const STORE_RECORD_KEY = `${OWN_PREFIX}store.json`
/** Short-lived objects that find out what the store does. */
export const PROBE_PREFIX = `${OWN_PREFIX}probe/`
const MAX_RECORD_BYTES = 64 * 1024
const RACERS = 12
const ROUNDS = 2

/** Loose: what a later version added stays. */
export const StoreRecordSchema = v.looseObject({
  /** Of the format of everything in the store. */
  version: v.literal(1),
  /** Where tasks, names and leases are kept: `store`, or a URL. */
  registry: v.string(),
  /** Conditional writes hold, also in a race. */
  conditions: v.boolean(),
})

/** The content of `.reprise/store.json`: what every worker must agree on. */
export type StoreRecord = v.InferOutput<typeof StoreRecordSchema>

/** @throws STORE_RECORD_DAMAGED */
export async function readStoreRecord(store: ObjectStore): Promise<StoreRecord | undefined> {
  const object = await readObject(store, STORE_RECORD_KEY, {limit: MAX_RECORD_BYTES})
  if (!object) return undefined
  try {
    return v.parse(StoreRecordSchema, JSON.parse(Buffer.from(object.bytes).toString()))
  } catch (cause) {
    throw new RepriseError({
      kind: 'bad-data',
      code: 'STORE_RECORD_DAMAGED',
      message: `${STORE_RECORD_KEY} in ${store.url} is none that this reprise can read`,
      suggestions: ['Update reprise on this machine.', 'reprise doctor'],
      cause,
    })
  }
}

/** The store's record; the first who asks probes the store and writes it. */
export async function settleStoreRecord(store: ObjectStore, random: Random, registry: string): Promise<StoreRecord> {
  const found = await readStoreRecord(store)
  if (found) return found
  const record: StoreRecord = {version: 1, registry, conditions: await probeConditions(store, random)}
  const body = Buffer.from(`${JSON.stringify(record)}\n`)
  const mode = record.conditions ? CREATE : OVERWRITE
  await store.put(STORE_RECORD_KEY, body, {mode, contentType: 'application/json'}).catch((error: unknown) => {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
  })
  return (await readStoreRecord(store)) ?? record
}

/**
 * Whether of racing creates exactly one wins, and an update with another etag is refused. Servers that pass these in sequence alone
 * are found by the race; a server that decides by luck may pass once, so there are several rounds.
 */
export async function probeConditions(store: ObjectStore, random: Random): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round++) {
    const key = `${PROBE_PREFIX}${Buffer.from(random.bytes(8)).toString('hex')}`
    try {
      if (!(await raceIsWonOnce(store, key)) || !(await staleUpdateIsRefused(store, key))) return false
    } finally {
      await store.delete([key]).catch(() => undefined)
    }
  }
  return true
}

const ASKED = new WeakMap<ObjectStore, Promise<boolean>>()

/** Whether this identity may delete in the store; asked once. Whoever may not leaves merging and adopting to one who may. */
export async function mayDelete(store: ObjectStore, machine: string): Promise<boolean> {
  const asked = ASKED.get(store) ?? probeDelete(store, machine)
  ASKED.set(store, asked)
  try {
    return await asked
  } catch (error) {
    ASKED.delete(store)
    throw error
  }
}

/**
 * Whether this identity may delete, found out with an object of its own. Where it may not that stays, harmless, and the next probe
 * writes it again.
 *
 * @param machine its name: each has a probe of its own.
 */
export async function probeDelete(store: ObjectStore, machine: string): Promise<boolean> {
  const key = `${PROBE_PREFIX}delete-${sha256Hex(machine).slice(0, 16)}`
  await store.put(key, Buffer.from('may this be deleted?\n'), {mode: OVERWRITE})
  try {
    return (await store.delete([key])).failed.length === 0
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED')) return false
    throw error
  }
}

async function raceIsWonOnce(store: ObjectStore, key: string): Promise<boolean> {
  const bodies = Array.from({length: RACERS}, (_, index) => Buffer.from(`racer ${index}\n`))
  const race = bodies.map((body) =>
    store.put(key, body, {mode: CREATE}).then(
      () => 'won' as const,
      (error: unknown) => {
        if (!hasCode(error, 'OBJECT_EXISTS', 'STORE_CONFLICT')) throw error
        return error.details['retried'] === true ? ('unknown' as const) : ('lost' as const)
      },
    ),
  )
  const outcomes = await Promise.all(race)
  const wins = outcomes.filter((outcome) => outcome === 'won').length
  if (wins > 0 || !outcomes.includes('unknown')) return wins === 1
  // Nobody was told that he won: then the one did whose answer got lost.
  const there = await readObject(store, key, {limit: MAX_RECORD_BYTES})
  return bodies.some((body, index) => outcomes[index] === 'unknown' && there !== undefined && body.equals(there.bytes))
}

async function staleUpdateIsRefused(store: ObjectStore, key: string): Promise<boolean> {
  const etag = '"00000000000000000000000000000000"'
  try {
    await store.put(key, Buffer.from('stale\n'), {mode: {type: 'update', etag}})
    return false
  } catch (error) {
    if (hasCode(error, 'OBJECT_CHANGED', 'STORE_CONFLICT')) return true
    throw error
  }
}
