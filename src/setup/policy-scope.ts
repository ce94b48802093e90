import {RepriseError} from '../base/errors.js'
import {formatStoreUrl, openPlaceholders, type StoreUrl} from '../object-store/store-url.js'
import {isDirectoryBucket} from '../object-store/s3/directory-bucket.js'
import type {DynamoRegistryUrl, RegistryUrl} from '../registry/registry-url.js'
import {literally, partitionOf} from './policy-document.js'
import type {PolicyRole, PolicyScope} from './policy.js'

export interface PolicyTarget {
  /** Resolved as far as values are known. */
  readonly url: StoreUrl
  /** Each task has a prefix of its own: `{task}` stands in the store's URL. */
  readonly isPerTask: boolean
  readonly registry: RegistryUrl
  readonly task?: string | undefined
  readonly region?: string | undefined
  /** Twelve digits. */
  readonly account?: string | undefined
  readonly kmsKeyId?: string | undefined
}

/**
 * The place that a policy is for. A reader and a compactor may work for all values of an open placeholder, a worker never.
 *
 * @throws POLICY_UNSUPPORTED, PLACEHOLDER_OPEN (usage)
 */
export function scopeOf(role: PolicyRole, target: PolicyTarget): PolicyScope {
  const {url, registry, task, region, account, kmsKeyId} = target
  if (url.kind === 'file') {
    throw usage(
      'POLICY_UNSUPPORTED',
      `${formatStoreUrl(url)} is a file store: its rights are those of its directories.`,
      'Name a store in S3: --store s3://bucket/prefix',
    )
  }
  const [open] = openPlaceholders(url)
  if (role === 'worker' && open !== undefined) {
    throw usage(
      'PLACEHOLDER_OPEN',
      `{${open}} has no value in the store's URL ${formatStoreUrl(url)}: a worker may write one prefix alone.`,
      open === 'task' ? 'Name the task: --task' : `Write its value in place of {${open}}.`,
    )
  }
  return {
    partition: partitionOf(region),
    region: region ?? '*',
    account: account ?? '*',
    bucket: url.bucket,
    prefix: anyValue(url.prefix),
    ...(registry.kind === 'dynamodb' && tableScope(registry)),
    ...(task === undefined ? {} : {task: literally(task)}),
    ...(kmsKeyId === undefined ? {} : {kmsKeyId}),
  }
}

/** In what a policy reaches further than one would think. */
export function policyWarnings(role: PolicyRole, {url, task, isPerTask}: PolicyTarget) {
  if (url.kind === 's3' && isDirectoryBucket(url.bucket)) {
    const message = `IAM knows no prefixes in a directory bucket: this policy reaches all of ${url.bucket}.`
    return [{code: 'POLICY_WIDE', message}]
  }
  if (role !== 'worker' || task === undefined || isPerTask) return []
  const message = `The store's URL has no {task}: this policy reaches the sessions of every task in ${formatStoreUrl(url)}.`
  return [{code: 'POLICY_WIDE', message}]
}

function tableScope({table, index, region}: DynamoRegistryUrl): Pick<PolicyScope, 'table' | 'index' | 'tableRegion'> {
  return {table, index, tableRegion: region}
}

/** From the first open placeholder on everything: what stands behind it narrows nothing, since `*` takes slashes along. */
function anyValue(prefix: string): string {
  const open = prefix.search(/\{[^{}]*\}/u)
  return open === -1 ? literally(prefix) : literally(prefix.slice(0, open))
}

function usage(code: string, message: string, suggestion: string): RepriseError {
  return new RepriseError({kind: 'usage', code, message, suggestions: [suggestion]})
}
