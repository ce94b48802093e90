import type {Random} from '../base/clock.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {isSameRegistry} from '../registry/registry-url.js'
import {readStoreRecord, settleStoreRecord, type StoreRecord} from '../store/probe.js'
import {type Check, refusal, unchecked} from './check.js'
import type {Place, Planned} from './place.js'
import {type ProbeOptions, probeStore} from './probe-store.js'

export interface SetupContext extends ProbeOptions {
  /** The store as its workers name it: placeholders may be open. */
  readonly url: string
  /** The store as far as its URL has no open placeholder: probes are made there. */
  readonly store: ObjectStore
  /** The store's URL is all of it: `store` is one that workers use. */
  readonly isWhole: boolean
  readonly registry: string
  /** What the store and its registry lie in. */
  readonly places: readonly Place[]
  readonly random: Random
  /** Look only. */
  readonly dryRun: boolean
  /** Asked once, before anything is changed. */
  approve(changes: readonly string[]): Promise<boolean>
}

export interface SetupReport {
  readonly store: string
  readonly registry: string
  readonly checks: readonly Check[]
}

/**
 * Makes what is missing of a store, says what each of its settings means here, and finds out what it does.
 *
 * @throws what keeps the store from being used at all
 */
export async function setUp(context: SetupContext): Promise<SetupReport> {
  const {url: store, registry, places, dryRun} = context
  const looked = await Promise.all(places.map(async (place) => place.look()))
  const all = looked.flat()
  const changes = all.filter((each) => each.carryOut !== undefined).map(({check}) => check.check)
  const mayChange = changes.length > 0 && !dryRun && (await context.approve(changes))
  const checks: Check[] = []
  for (const each of all) checks.push(mayChange ? await done(each) : leftAlone(each, dryRun))
  const isThere = mayChange || !all.some(({isVital}) => isVital)
  checks.push(...(dryRun || !isThere ? [notProbed(dryRun)] : await probes(context)))
  return {store, registry, checks}
}

async function done({check, carryOut}: Planned): Promise<Check> {
  return carryOut ? carryOut() : check
}

function leftAlone({check, carryOut}: Planned, dryRun: boolean): Check {
  if (!carryOut) return check
  return {...check, fix: dryRun ? 'Run the same without --dry-run.' : 'Run the same with --yes.'}
}

function notProbed(dryRun: boolean): Check {
  return unchecked('probes', dryRun ? 'a dry run writes nothing' : 'not all that it needs is there yet')
}

async function probes(context: SetupContext): Promise<readonly Check[]> {
  const checks = await probeStore(context.store, context)
  if (!context.isWhole) return checks
  const conditions = checks.find(({check}) => check === 'conditional writes')
  return [...checks, await storeRecord(context, conditions?.state === 'ok')]
}

/** What all workers of the store agree on, written by the first of them. */
async function storeRecord({store, random, registry}: SetupContext, conditions: boolean): Promise<Check> {
  const check = 'store record'
  try {
    const found = await readStoreRecord(store)
    if (found) return agreement(found, registry, conditions)
    await settleStoreRecord(store, random, registry)
    return {check, state: 'created', detail: `workers keep tasks and leases in ${placeOf(registry)}`}
  } catch (error) {
    const why = refusal(error)
    if (why === undefined) throw error
    return unchecked(check, why)
  }
}

function agreement(found: StoreRecord, registry: string, conditions: boolean): Check {
  const check = 'store record'
  if (!isSameRegistry(found.registry, registry)) {
    return {
      check,
      state: 'warning',
      detail: `the workers of this store keep tasks and leases in ${placeOf(found.registry)}: one with other settings is refused`,
      fix: `Use the same one: --registry ${found.registry}`,
    }
  }
  if (found.conditions === conditions) {
    return {check, state: 'ok', detail: `workers keep tasks and leases in ${placeOf(registry)}`}
  }
  return {
    check,
    state: 'warning',
    detail: found.conditions
      ? 'it says that conditional writes hold, and they do not any more: leases taken here mean nothing'
      : 'it says that conditional writes are ignored, and they hold now',
    fix: 'When no worker is running, delete .reprise/store.json: the next one finds out anew.',
  }
}

function placeOf(registry: string): string {
  return registry === 'store' ? 'the store itself' : registry
}
