import {isDirectoryBucket} from './directory-bucket.js'
import {POLICY_VERSION, type PolicyDocument, type PolicyStatement} from './policy-document.js'
import {TABLE_SHAPE} from './table.js'

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
    actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'],
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

function table(
  role: PolicyRole,
  {partition, region, account, table: name, task}: PolicyScope,
): readonly PolicyStatement[] {
  if (name === undefined) return []
  const arn = `arn:${partition}:dynamodb:${region}:${account}:table/${name}`
  const index = `${arn}/index/${TABLE_SHAPE.sessionIndex}`
  if (role === 'reader') {
    const Action = ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan']
    return [{Sid: 'ReadRegistry', Effect: 'Allow', Action, Resource: [arn, index]}]
  }
  const items = {
    Sid: 'WriteOwnItems',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
    Resource: arn,
  } as const
  const lookUp = {Sid: 'FindTasksOfSessions', Effect: 'Allow', Action: 'dynamodb:Query', Resource: index} as const
  if (role === 'worker' && task === undefined) return [items, lookUp]
  // Which sessions a task will have is not known before: leases of any session it is.
  const keys = role === 'compactor' ? [LEASES] : [task ?? '', LEASES]
  return [{...items, Condition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': keys}}}, lookUp]
}

const LEASES = 'session#*'

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
