import type {ObjectStore} from '../object-store/object-store.js'
import {PrefixedObjectStore} from '../object-store/prefixed.js'
import {RetryPolicy} from '../object-store/retry-policy.js'
import type {S3Connection} from '../object-store/s3/connection.js'
import {
  formatStoreUrl,
  openPlaceholders,
  resolvePlaceholders,
  type S3StoreUrl,
  type StoreUrl,
} from '../object-store/store-url.js'
import {planTemplate, type Template, type TemplateOptions} from '../setup/cloudformation.js'
import {BucketPlace} from '../setup/bucket-place.js'
import type {BucketControl} from '../setup/bucket-control.js'
import {parseRegistryUrl} from '../registry/registry-url.js'
import {inDirectoryBucket} from '../setup/directory-bucket.js'
import {DirectoryPlace} from '../setup/directory-place.js'
import type {Place} from '../setup/place.js'
import type {PolicyTarget} from '../setup/policy-scope.js'
import type {SetupContext} from '../setup/set-up.js'
import {confirm} from './confirm.js'
import type {Runtime} from './runtime.js'

export interface SetupFlags {
  /** The id of an availability zone: the bucket is, or will be, a directory bucket there. */
  readonly express?: string | undefined
  readonly dryRun: boolean
  readonly yes: boolean
}

/** What init works with: the run's first store, and its registry. @throws EXPRESS_INVALID */
export async function openSetup(runtime: Runtime, flags: SetupFlags): Promise<SetupContext> {
  const url = await storeToSetUp(runtime, flags.express)
  const {sseKmsKeyId} = runtime.settings
  const base = fixedPrefix(url)
  const places: Place[] = []
  let control: BucketControl | undefined
  if (url.kind === 's3') {
    control = await openControl(runtime, url)
    places.push(new BucketPlace({control, prefix: base, kmsKeyId: sseKmsKeyId}))
  } else places.push(new DirectoryPlace(url.dir))
  const registry = await registryPlace(runtime, places)
  return {
    url: formatStoreUrl(url),
    store: await openBase(runtime, url, base),
    isWhole: openPlaceholders(url).length === 0,
    registry,
    places,
    random: runtime.random,
    dryRun: flags.dryRun,
    // A directory of one's own is no change to ask about.
    approve: async (changes) =>
      flags.yes || changes.every((each) => each === 'directory') || ask(runtime, url, changes),
    refusesWrongChecksum: control && (async (key) => control.refusesWrongChecksum(base + key)),
  }
}

/** The first store of the run, in a directory bucket where a zone is given. @throws EXPRESS_INVALID */
export async function storeToSetUp(runtime: Runtime, express: string | undefined): Promise<StoreUrl> {
  const [url] = await runtime.storeUrls()
  if (!url) throw new Error('a run has at least one store')
  return express === undefined ? url : inDirectoryBucket(url, express)
}

/** What all keys of the store begin with, whatever stands in the place of its placeholders. */
function fixedPrefix({prefix}: StoreUrl): string {
  const open = prefix.indexOf('{')
  return open === -1 ? prefix : prefix.slice(0, prefix.lastIndexOf('/', open) + 1)
}

async function openBase(runtime: Runtime, url: StoreUrl, prefix: string): Promise<ObjectStore> {
  const {store} = await runtime.openStore({...url, prefix})
  return new PrefixedObjectStore(store, prefix, formatStoreUrl(url))
}

async function openControl(runtime: Runtime, url: S3StoreUrl): Promise<BucketControl> {
  const [{BucketControl}, connection] = await Promise.all([
    import('../setup/bucket-control.js'),
    openConnection(runtime, url),
  ])
  return new BucketControl(connection)
}

/** The bucket of a store, for what is no matter of objects; closed when the command ends. @throws ENDPOINT_REFUSED, REGION_MISSING */
export async function openConnection(runtime: Runtime, url: S3StoreUrl): Promise<S3Connection> {
  const {clock, random, settings} = runtime
  const retries = new RetryPolicy({clock, random, attempts: settings.retries + 1})
  const [{S3Connection}, {s3Options}] = await Promise.all([
    import('../object-store/s3/connection.js'),
    import('./open-store.js'),
  ])
  const connection = await S3Connection.open({...s3Options(url, runtime), retries}, formatStoreUrl(url))
  runtime.onCleanup(() => connection.close())
  return connection
}

/** @returns the registry as every worker must name it. */
async function registryPlace(runtime: Runtime, places: Place[]): Promise<string> {
  const url = parseRegistryUrl(runtime.settings.registry)
  if (url.kind === 'store') return 'store'
  const [{TableControl}, {DynamoConnection}, {tableOptions}, {TablePlace}] = await Promise.all([
    import('../setup/table-control.js'),
    import('../registry/dynamodb/connection.js'),
    import('./open-registry.js'),
    import('../setup/table-place.js'),
  ])
  const connection = await DynamoConnection.open(tableOptions(url, runtime))
  runtime.onCleanup(() => connection.close())
  places.push(new TablePlace(new TableControl(connection, runtime.clock)))
  return connection.place
}

async function ask({screen, signal}: Runtime, url: StoreUrl, changes: readonly string[]): Promise<boolean> {
  const question = `${formatStoreUrl(url)}: set up ${changes.join(', ')}?`
  return confirm(question, {screen, flag: '--yes, or --dry-run to see what would be done', signal})
}

/** @throws EXPRESS_INVALID, TEMPLATE_UNSUPPORTED */
export async function templateOf(
  runtime: Runtime,
  options: Pick<TemplateOptions, 'taskTag' | 'metricsNamespace'> & Pick<SetupFlags, 'express'>,
): Promise<Template> {
  const {sseKmsKeyId} = runtime.settings
  const registry = parseRegistryUrl(runtime.settings.registry)
  return planTemplate({
    ...options,
    url: await storeToSetUp(runtime, options.express),
    table: registry.kind === 'store' ? DEFAULT_TABLE : registry.table,
    kmsKeyId: sseKmsKeyId,
  })
}

const DEFAULT_TABLE = 'reprise-tasks'

/** What a policy is to be for: the run's first store, with the values of its placeholders as far as this machine knows them. */
export async function openPolicyTarget(runtime: Runtime, task: string | undefined): Promise<PolicyTarget> {
  const url = await storeToSetUp(runtime, undefined)
  const {settings, env} = runtime
  const values = {...(await runtime.placeholders()), ...(task !== undefined && {task})}
  return {
    url: resolvePlaceholders(url, values),
    isPerTask: openPlaceholders(url).includes('task'),
    registry: parseRegistryUrl(settings.registry),
    task,
    region: settings.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'],
    account: settings.expectedBucketOwner,
    kmsKeyId: settings.sseKmsKeyId,
  }
}
