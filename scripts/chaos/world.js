import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {sessionKind} from './sessions.js'

/**
 * @typedef {object} Setting what a process of a run is told
 * @property {string} root the repository
 * @property {string} process its name, once in a run
 * @property {string} machine the name of the machine that it is said to run on
 * @property {string} journals the directory of the journals
 * @property {number} seed
 * @property {number} sessions
 * @property {number} rate how much faster than time the store's clock runs
 * @property {number} base where both clocks agreed, ms
 * @property {{endpoint: string, region: string, bucket: string, accessKeyId: string, secretAccessKey: string}} [s3]
 * @property {string} [directory] of a file store
 * @property {'below' | 'above' | 'none'} faults where calls fail: below what tries again, or above it
 * @property {string} [predecessor] the process that was killed on this machine
 */

/** @returns {Setting} */
export function settingOfProcess() {
  return JSON.parse(process.env['CHAOS_SETTING'] ?? '')
}

/**
 * A module of the build.
 * @param {Setting} setting
 * @param {string} path
 */
export async function built({root}, path) {
  return import(pathToFileURL(join(root, 'dist', path)).href)
}

/**
 * This process's clock, as fast as the store's and as wrong as it is said to be.
 * @param {Setting} setting
 */
export async function clocksOf(setting) {
  const {systemClock, systemRandom} = await built(setting, 'base/system.js')
  const {backgroundClock} = await built(setting, 'library/background-clock.js')
  const fast = (clock) => ({now: () => clock.now(), sleep: async (ms, signal) => clock.sleep(ms / setting.rate, signal)})
  return {clock: fast(systemClock), background: fast(backgroundClock), random: systemRandom}
}

/**
 * The store as this process sees it: one call in 20 fails before or after it has landed.
 * @param {Setting} setting
 */
export async function openStore(setting) {
  const {clock, random} = await clocksOf(setting)
  const {RetryingObjectStore} = await built(setting, 'object-store/retrying.js')
  const {FaultyObjectStore} = await built(setting, 'object-store/faulty.js')
  const {seededFaults} = await built(setting, 'object-store/faults.js')
  const faulty = (store) => {
    const kinds = ['fail-before', 'fail-after', 'reset', 'delay', '409', '503']
    return new FaultyObjectStore(store, {
      clock,
      plan: seededFaults({seed: setting.seed, rate: 0.05, kinds, maxDelayMs: 200 * setting.rate}),
    })
  }
  const retrying = (store) =>
    new RetryingObjectStore(store, {clock, random, attempts: 4, timeoutMs: 8_000 * setting.rate})
  const adapter = await openAdapter(setting)
  switch (setting.faults) {
    case 'below':
      return retrying(faulty(adapter))
    case 'above':
      return faulty(retrying(adapter))
    case 'none':
      return retrying(adapter)
  }
}

/**
 * The library's session store on this machine.
 * @param {Setting} setting
 * @param {(sessionId: string, lease: {readonly epoch: number}) => void} [onLease] told of each lease that is taken; without it none is
 */
export async function openSessionStore(setting, onLease) {
  const {MirrorSessionStore} = await built(setting, 'sdk/session-store.js')
  const {silentLogger} = await built(setting, 'base/logger.js')
  const context = {
    ...(await clocksOf(setting)),
    open: async () => openStore(setting),
    logger: silentLogger,
    machine: setting.machine,
    projectKey: 'given',
    foldSummary: async () => undefined,
    observe: () => undefined,
    maxPendingBytes: 8 * 1024 * 1024,
    readLimitMs: 20_000 * setting.rate,
    compactAt: 40,
  }
  return new MirrorSessionStore({...context, ...(onLease && {acquire: await acquirer(setting, onLease)})})
}

/**
 * Every other machine sees whether the processes of its machine run; the others wait until a lease has expired.
 * @param {Setting} setting
 * @param {(sessionId: string, lease: {readonly epoch: number}) => void} onLease
 */
async function acquirer(setting, onLease) {
  const {clock, random} = await clocksOf(setting)
  const {SessionLease} = await built(setting, 'registry/session-lease.js')
  const {StoreLeaseTable} = await built(setting, 'registry/store-lease-table.js')
  const {requireConditions} = await built(setting, 'sync/store-agreement.js')
  const {thisProcess} = await built(setting, 'cli/machine.js')
  const {deadOwners} = await built(setting, 'cli/dead-owners.js')
  const self = await thisProcess()
  const owner = setting.seed % 2 === 0 ? self : {...self, machine: setting.machine}
  return async (store, sessionId) => {
    const table = new StoreLeaseTable(store)
    await requireConditions({store, random, leases: table})
    const lease = await SessionLease.acquire({table, clock, random, owner, isDead: deadOwners(owner)}, sessionId)
    onLease(sessionId, lease)
    return lease
  }
}

/** @param {Setting} setting */
async function openAdapter(setting) {
  const {s3, directory} = setting
  if (s3) {
    const {openS3ObjectStore} = await built(setting, 'object-store/s3/s3-object-store.js')
    const {endpoint, region, bucket, accessKeyId, secretAccessKey} = s3
    return openS3ObjectStore({endpoint, region, bucket, credentials: {accessKeyId, secretAccessKey}})
  }
  const {FileObjectStore} = await built(setting, 'object-store/file/file-object-store.js')
  const {systemRandom} = await built(setting, 'base/system.js')
  const disk = new FileObjectStore({directory, clock: Date, random: systemRandom})
  const {ObjectStoreDecorator} = await built(setting, 'object-store/decorator.js')
  return fastDisk(setting, ObjectStoreDecorator, disk)
}

/**
 * A disk dates by the true time: its dates are made to run as fast as those of the server do.
 * @param {Setting} setting
 */
function fastDisk({base, rate}, ObjectStoreDecorator, disk) {
  const fast = (ms) => Math.floor(base + (ms - base) * rate)
  const dated = (found) => {
    if (typeof found !== 'object' || found === null) return found
    if ('done' in found) return found.done ? found : {...found, value: dated(found.value)}
    return {
      ...found,
      ...('date' in found && {date: fast(found.date)}),
      ...('modified' in found && {modified: fast(found.modified)}),
      ...('objects' in found && {objects: found.objects.map(dated)}),
    }
  }
  class FastDisk extends ObjectStoreDecorator {
    async around(_call, run) {
      return dated(await run({}))
    }
  }
  return new FastDisk(disk)
}
