import {isDirectoryBucket} from '../object-store/s3/directory-bucket.js'
import {chainKey, entryKey, leaseKey} from '../registry/dynamodb/keys.js'
import {DEFAULT_INDEX} from '../registry/dynamodb/options.js'
import {POLICY_VERSION, type PolicyDocument, type PolicyStatement} from './policy-document.js'

/**
 * - `worker`: reads and writes the sessions of its prefix; deletes nothing;
 * - `compactor`: may also delete, for compact, rm and prune;
 * - `reader`: changes nothing.
 */
export type PolicyRole = 'worker' | 'compactor' | 'reader'

/**
 * What a policy is about. Texts are patterns of a policy: `*` and policy variables mean something in them, so what is to be taken
 * literally goes through `literally`.
 */
export interface PolicyScope {
  readonly partition: string
  readonly region: string
  readonly account: string
  readonly bucket: string
  /** What keys begin with: `''`, or ends in `/`. */
  readonly prefix: string
  readonly table?: string | undefined
  /** Default: as the bucket. */
  readonly tableRegion?: string | undefined
  /** The table's index by session. */
  readonly index?: string | undefined
  /** The task whose item a worker may write; undefined: any. */
  readonly task?: string | undefined
  /** An ARN, a key's id, or `alias/…`. */
  readonly kmsKeyId?: string | undefined
}

/** The least that a role needs of a store and its registry. */
export function planPolicy(role: PolicyRole, scope: PolicyScope): PolicyDocument {
  const objects = isDirectoryBucket(scope.bucket) ? [directoryBucket(role, scope)] : generalBucket(role, scope)
  return {Version: POLICY_VERSION, Statement: [...objects, ...table(role, scope), ...encryption(role, scope)]}
}

function generalBucket(role: PolicyRole, {partition, bucket, prefix}: PolicyScope): readonly PolicyStatement[] {
  const arn = `arn:${partition}:s3:::${bucket}`
  return [
    {
      // Also what tells a missing object from a forbidden one: S3 then compares its key with the prefix.
      Sid: 'ListPrefix',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: arn,
      ...(prefix === '' ? {} : {Condition: {StringLike: {'s3:prefix': `${prefix}*`}}}),
    },
    {
      Sid: OBJECTS[role].sid,
      Effect: 'Allow',
      Action: OBJECTS[role].actions,
      Resource: `${arn}/${prefix}*`,
    },
  ]
}

const OBJECTS: Readonly<Record<PolicyRole, {readonly sid: string; readonly actions: readonly string[]}>> = {
  reader: {sid: 'ReadObjects', actions: ['s3:GetObject']},
  worker: {sid: 'ReadAndWriteObjects', actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload']},
  compactor: {
    sid: 'ReadWriteAndDeleteObjects',
    // Who may not ask for a lock is not told of it, and would merge what cannot be deleted.
    actions: [
      's3:GetObject',
      's3:PutObject',
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:GetObjectRetention',
      's3:GetObjectLegalHold',
    ],
  },
}

/** A session of a directory bucket is for all of it: IAM knows no prefix there. */
function directoryBucket(role: PolicyRole, {partition, region, account, bucket}: PolicyScope): PolicyStatement {
  return {
    Sid: role === 'reader' ? 'ReadDirectoryBucket' : 'ReadAndWriteDirectoryBucket',
    Effect: 'Allow',
    Action: 's3express:CreateSession',
    Resource: `arn:${partition}:s3express:${region}:${account}:bucket/${bucket}`,
    ...(role === 'reader' ? {Condition: {StringEquals: {'s3express:SessionMode': 'ReadOnly'}}} : {}),
  }
}

/** Names of people, and the tasks of others, are none of a worker's business. */
function table(role: PolicyRole, scope: PolicyScope): readonly PolicyStatement[] {
  const {partition, account, table: name, tableRegion: region = scope.region, index = DEFAULT_INDEX, task} = scope
  if (name === undefined) return []
  const arn = `arn:${partition}:dynamodb:${region}:${account}:table/${name}`
  const bySession = `${arn}/index/${index}`
  const read: PolicyStatement = {
    Sid: 'ReadRegistry',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:Scan'],
    Resource: [arn, bySession],
  }
  if (role === 'reader') return [read]
  // Which sessions a task will have is not known before: leases and chains of any session it is.
  const sessions = [leaseKey('*'), chainKey('*')]
  if (role === 'compactor') return [read, itemStatement('WriteLeases', ['dynamodb:UpdateItem'], arn, sessions)]
  const own = task === undefined ? ['*'] : [entryKey('task', task), ...sessions]
  // Whoever names a task might mean a name: it is looked whether there is one.
  const looked = task === undefined ? own : [...own, entryKey('name', task)]
  return [
    itemStatement('ReadOwnItems', ['dynamodb:GetItem', 'dynamodb:BatchGetItem'], arn, looked),
    itemStatement('WriteOwnItems', ['dynamodb:UpdateItem'], arn, own),
    {Sid: 'FindTasksOfSessions', Effect: 'Allow', Action: 'dynamodb:Query', Resource: bySession},
  ]
}

function itemStatement(
  Sid: string,
  Action: readonly string[],
  Resource: string,
  keys: readonly string[],
): PolicyStatement {
  const Condition = {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': keys}}
  return {Sid, Effect: 'Allow', Action, Resource, ...(keys.includes('*') ? {} : {Condition})}
}

function encryption(role: PolicyRole, {partition, region, account, kmsKeyId}: PolicyScope): readonly PolicyStatement[] {
  if (kmsKeyId === undefined) return []
  const keys = `arn:${partition}:kms:${region}:${account}:key/`
  const isAlias = kmsKeyId.startsWith('alias/')
  return [
    {
      Sid: 'UseKey',
      Effect: 'Allow',
      Action: role === 'reader' ? 'kms:Decrypt' : ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: kmsKeyId.startsWith('arn:') ? kmsKeyId : isAlias ? `${keys}*` : keys + kmsKeyId,
      ...(isAlias ? {Condition: {'ForAnyValue:StringEquals': {'kms:ResourceAliases': kmsKeyId}}} : {}),
    },
  ]
}
