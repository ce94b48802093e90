import {RepriseError} from '../base/errors.js'
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
  const {store, storeRecord: cache} = context
  const known = await cache?.read()
  const record = known ? known.record : await readStoreRecord(store)
  if (!known) await cache?.write(record)
  if (record) checkPlace(context, record)
}

/**
 * Leases need a store that keeps conditional writes, and workers that keep them in one place. The first who asks finds out and
 * writes it down.
 *
 * @throws CONDITIONS_IGNORED, REGISTRY_MISMATCH
 */
export async function requireConditions(context: AgreementContext): Promise<void> {
  const {store, random, storeRecord: cache} = context
  const known = (await cache?.read())?.record
  const record = known ?? (await settleStoreRecord(store, random, leaseTable(context).place))
  if (!known) await cache?.write(record)
  if (!record.conditions) throw conditionsIgnored(store.url)
  checkPlace(context, record)
}

function checkPlace(context: AgreementContext, {registry}: StoreRecord): void {
  const {place} = leaseTable(context)
  if (!isSameRegistry(registry, place)) throw registryMismatch(context.store.url, registry, place)
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

function registryMismatch(url: string, registry: string, place: string): RepriseError {
  const here = place === 'store' ? 'the store' : place
  return new RepriseError({
    kind: 'usage',
    code: 'REGISTRY_MISMATCH',
    message: `the workers of ${url} keep tasks and leases in ${registry === 'store' ? 'it' : registry}, and this one would keep them in ${here}`,
    suggestions: [
      `Use the same one: --registry ${registry}`,
      'To move them: stop every worker, and delete .reprise/store.json. The next one writes it anew.',
    ],
  })
}
