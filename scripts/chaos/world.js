/**
 * @typedef {object} Setting what a process of a run is told
 * @property {string} core where the source is to be imported from
 * @property {string} process its name, once in a run
 * @property {string} machine the name of the machine that it is said to run on
 * @property {string} journals the directory of the journals
 * @property {number} seed
 * @property {number} sessions
 * @property {number} rate how much faster than time the store's clock runs
 * @property {number} base where both clocks agreed, ms
 * @property {{endpoint: string, region: string, bucket: string, accessKeyId: string, secretAccessKey: string}} [s3]
 * @property {string} [directory] of a file store
 * @property {boolean} unleased nobody but the founder and the last one holds leases
 * @property {{table: string, endpoint: string, region: string, credentials: {accessKeyId: string, secretAccessKey: string}}} [table] where leases are, if not in the store
 * @property {'below' | 'above' | 'none'} faults where calls fail: below what tries again, or above it
 * @property {string} [predecessor] the process that was killed on this machine
 */

import {Random} from './random.js'

/** @type {Setting} */
export const setting = JSON.parse(process.env['CHAOS_SETTING'] ?? '')

/** @type {import('./core.ts')} */
export const core = await import(setting.core)

/** A disk dates by the true time: its dates are made to run as fast as those of the server do. */
class FastDisk extends core.ObjectStoreDecorator {
  async around(_call, run) {
    return dated(await run({}))
  }
}

/** By the store's clock: a request of a process that is paused meanwhile comes long after its lease. */
const LONGEST_DELAY_MS = 60_000

const {base, rate, machine} = setting
const random = core.systemRandom
/** This process's clocks, as fast as the store's and as wrong as they are said to be. */
const clock = fast(core.systemClock)
const background = fast(core.backgroundClock)

/** The store as this process sees it: one call in 20 fails before or after it has landed. */
export async function openStore() {
  return withFaults(await openAdapter())
}

/**
 * The library's session store on this machine.
 * @param {(sessionId: string, lease: {readonly epoch: number}) => void} [onLease] told of each lease that is taken; without it none is
 */
export function openSessionStore(onLease) {
  return new core.MirrorSessionStore({
    open: async () => openStore(),
    clock,
    background,
    random,
    logger: core.silentLogger,
    machine,
    projectKey: 'given',
    foldSummary: async () => undefined,
    observe: () => undefined,
    maxPendingBytes: 8 * 1024 * 1024,
    readLimitMs: 20_000 * rate,
    compactAt: 40,
    ...(onLease && {acquire: acquirer(onLease)}),
  })
}

/**
 * Where leases are kept: beside the parts, or in a table, of which one call in 20 fails before or after it has landed.
 * @param {import('./core.ts').ObjectStore} store
 * @returns {Promise<import('./core.ts').LeaseTable>}
 */
export async function openLeases(store) {
  if (!setting.table) return new core.StoreLeaseTable(store)
  const {silentLogger: logger} = core
  const {leases} = await core.openDynamoRegistry({...setting.table, clock, random, logger})
  if (setting.faults === 'none') return leases
  const upsets = new Random(setting.seed)
  const upset = (call) => {
    if (upsets.chance(0.025)) throw core.storeError('STORE_UNREACHABLE', `Injected: ${call} of the lease table`)
  }
  const calls = new Set(['read', 'write', 'date'])
  return new Proxy(leases, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (!calls.has(name)) return value.bind(target)
      return async (...args) => {
        upset(name)
        const answer = await Reflect.apply(value, target, args)
        upset(name)
        return answer
      }
    },
  })
}

/**
 * Every other process sees whether those of its machine run; the others wait until a lease has expired.
 * @param {(sessionId: string, lease: {readonly epoch: number}) => void} onLease
 */
function acquirer(onLease) {
  const owner = core.thisProcess().then((self) => (setting.seed % 2 === 0 ? self : {...self, machine}))
  let opening
  return async (store, sessionId) => {
    opening ??= openLeases(store)
    const table = await opening
    await core.requireConditions({store, random, leases: table})
    const self = await owner
    const context = {table, clock, random, owner: self, isDead: core.deadOwners(self)}
    const lease = await core.SessionLease.acquire(context, sessionId)
    onLease(sessionId, lease)
    return lease
  }
}

function withFaults(adapter) {
  switch (setting.faults) {
    case 'below':
      return retrying(faulty(adapter))
    case 'above':
      return faulty(retrying(adapter))
    case 'none':
      return retrying(adapter)
  }
}

function retrying(store) {
  return new core.RetryingObjectStore(store, {clock, random, attempts: 4, timeoutMs: 8_000 * rate})
}

function faulty(store) {
  const kinds = /** @type {const} */ (['fail-before', 'fail-after', 'reset', 'delay', '409', '503'])
  const plan = core.seededFaults({seed: setting.seed, rate: 0.05, kinds, maxDelayMs: LONGEST_DELAY_MS})
  return new core.FaultyObjectStore(store, {clock, plan})
}

async function openAdapter() {
  const {s3, directory} = setting
  if (s3) {
    const {accessKeyId, secretAccessKey, ...rest} = s3
    return core.openS3ObjectStore({...rest, credentials: {accessKeyId, secretAccessKey}})
  }
  return new FastDisk(new core.FileObjectStore({directory, clock: Date, random}))
}

function fast({now, sleep}) {
  return {now, sleep: async (ms, signal) => sleep(ms / rate, signal)}
}

/** @param {number} ms of the true time */
function storeTime(ms) {
  return Math.floor(base + (ms - base) * rate)
}

/** An answer of the disk. */
function dated(found) {
  if (typeof found !== 'object' || found === null) return found
  if ('done' in found) return {...found, value: dated(found.value)}
  return {
    ...found,
    ...('date' in found && {date: storeTime(found.date)}),
    ...('modified' in found && {modified: storeTime(found.modified)}),
    ...('objects' in found && {objects: found.objects.map(dated)}),
  }
}
