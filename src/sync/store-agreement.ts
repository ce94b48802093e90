import {hasCode, RepriseError} from '../base/errors.js'
import {isSameRegistry} from '../registry/registry-url.js'
import {readStoreRecord, settleStoreRecord, type StoreRecord} from '../store/probe.js'
import {leaseTable, type SyncContext} from './context.js'

/**
 * What this machine read of a store's record (`.reprise/store.json`) within the last hour; `record` is undefined where the store had
 * none. Losing it costs a request.
 */
export interface StoreRecordCache {
  read(): Promise<{readonly record: StoreRecord | undefined} | undefined>
  write(record: StoreRecord | undefined): Promise<void>
}

type AgreementContext = Pick<SyncContext, 'store' | 'random' | 'leases' | 'storeRecord'>

/**
 * Workers that keep tasks and leases in different places would not see one another. A store that nobody has taken a lease in says
 * nothing yet.
 *
 * @throws REGISTRY_MISMATCH
 */
export async function checkRegistry(context: AgreementContext): Promise<void> {
  const {store} = context
  const isFine = (record: StoreRecord | undefined): boolean => record === undefined || isOfPlace(context, record)
  // A record that cannot be read holds up who needs a lease alone.
  const read = async () =>
    readStoreRecord(store).catch((error: unknown) => {
      if (hasCode(error, 'STORE_RECORD_DAMAGED')) return undefined
      throw error
    })
  const record = await recordOf(context, isFine, read)
  if (record && !isFine(record)) throw registryMismatch(context, record)
}

/**
 * Leases need a store that keeps conditional writes, and workers that keep them in one place. The first who asks finds out and
 * writes it down.
 *
 * @throws CONDITIONS_IGNORED, REGISTRY_MISMATCH
 */
export async function requireConditions(context: AgreementContext): Promise<void> {
  const {store, random} = context
  const isFine = (record: StoreRecord | undefined): boolean => record?.conditions === true && isOfPlace(context, record)
  const settle = async () => settleStoreRecord(store, random, leaseTable(context).place)
  const record = await recordOf(context, isFine, settle)
  if (record?.conditions !== true) throw conditionsIgnored(store.url)
  if (!isFine(record)) throw registryMismatch(context, record)
}

/** Nobody is refused by what was true an hour ago: only what is fine is taken from the cache. */
async function recordOf(
  {storeRecord: cache}: AgreementContext,
  isFine: (record: StoreRecord | undefined) => boolean,
  read: () => Promise<StoreRecord | undefined>,
): Promise<StoreRecord | undefined> {
  const known = await cache?.read()
  if (known && isFine(known.record)) return known.record
  const record = await read()
  await cache?.write(record)
  return record
}

function isOfPlace(context: AgreementContext, {registry}: StoreRecord): boolean {
  return isSameRegistry(registry, leaseTable(context).place)
}

function conditionsIgnored(url: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'CONDITIONS_IGNORED',
    message: `${url} does not keep conditional writes: two workers could write one session without noticing`,
    suggestions: [
      'Use a store that keeps them (Amazon S3, MinIO, versitygw, SeaweedFS, a file store).',
      'Resume or run without a lease, when nobody else writes this session: --no-lease',
    ],
  })
}

function registryMismatch(context: AgreementContext, {registry}: StoreRecord): RepriseError {
  const {url} = context.store
  const {place} = leaseTable(context)
  const here = place === 'store' ? 'the store' : place
  return new RepriseError({
    kind: 'usage',
    code: 'REGISTRY_MISMATCH',
    message: `the workers of ${url} keep tasks and leases in ${registry === 'store' ? 'it' : registry}, and this one would keep them in ${here}`,
    suggestions: [
      `Use the same one: --registry ${registry === 'store' ? registry : `"${registry}"`}`,
      'To move them: stop every worker, and delete .reprise/store.json. The next one writes it anew.',
    ],
  })
}
