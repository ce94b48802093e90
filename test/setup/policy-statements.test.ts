import {describe, expect, test} from 'vitest'
import {planPolicy, type PolicyRole, type PolicyScope} from '../../src/setup/policy.js'
import {type IamRequest, isAllowed} from '../support/iam.js'

const SCOPE: PolicyScope = {
  partition: 'aws',
  region: 'eu-central-1',
  account: '123456789012',
  bucket: 'transcripts',
  prefix: '',
}
const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks'

function allowed(role: PolicyRole, scope: Partial<PolicyScope>, request: IamRequest): boolean {
  return isAllowed(planPolicy(role, {...SCOPE, ...scope}), request)
}

const on = (action: string, key: string): IamRequest => ({
  action: `dynamodb:${action}`,
  resource: TABLE,
  context: {'dynamodb:LeadingKeys': key},
})

describe('a store that is a whole bucket', () => {
  test('is listed without a prefix, too', () => {
    const request = {action: 's3:ListBucket', resource: 'arn:aws:s3:::transcripts'}
    expect(allowed('reader', {}, request)).toBe(true)
    expect(allowed('reader', {prefix: 'p/'}, request)).toBe(false)
  })
})

describe('a directory bucket', () => {
  const bucket = 'fast--usw2-az1--x-s3'
  const session = (mode?: string): IamRequest => ({
    action: 's3express:CreateSession',
    resource: `arn:aws:s3express:eu-central-1:123456789012:bucket/${bucket}`,
    ...(mode !== undefined && {context: {'s3express:SessionMode': mode}}),
  })

  test('is entered by sessions, a reader by one that reads', () => {
    expect(allowed('worker', {bucket}, session())).toBe(true)
    expect(allowed('reader', {bucket}, session('ReadOnly'))).toBe(true)
    expect(allowed('reader', {bucket}, session('ReadWrite'))).toBe(false)
    expect(allowed('reader', {bucket}, session())).toBe(false)
  })
})

describe('a KMS key', () => {
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab'
  const arn = `arn:aws:kms:eu-central-1:123456789012:key/${id}`
  const use = (action: string, context = {}): IamRequest => ({action: `kms:${action}`, resource: arn, context})

  test.each([id, arn])('%s may be used: a reader only decrypts', (kmsKeyId) => {
    expect(allowed('worker', {kmsKeyId}, use('GenerateDataKey'))).toBe(true)
    expect(allowed('worker', {kmsKeyId}, use('Decrypt'))).toBe(true)
    expect(allowed('reader', {kmsKeyId}, use('Decrypt'))).toBe(true)
    expect(allowed('reader', {kmsKeyId}, use('GenerateDataKey'))).toBe(false)
    expect(allowed('worker', {}, use('Decrypt'))).toBe(false)
  })

  test('by an alias is the one that bears it', () => {
    const kmsKeyId = 'alias/transcripts'
    const named = (...aliases: string[]) => use('Decrypt', {'kms:ResourceAliases': aliases})
    expect(allowed('worker', {kmsKeyId}, named('alias/other', kmsKeyId))).toBe(true)
    expect(allowed('worker', {kmsKeyId}, named('alias/other'))).toBe(false)
    expect(allowed('worker', {kmsKeyId}, use('Decrypt'))).toBe(false)
  })
})

describe('a table', () => {
  test('the compactor reads all of it and writes leases alone', () => {
    const asked = [
      on('GetItem', 'T-1'),
      on('UpdateItem', 'session#1'),
      on('UpdateItem', 'T-1'),
      on('DeleteItem', 'session#1'),
    ]
    expect(asked.map((each) => allowed('compactor', {table: 'tasks'}, each))).toEqual([true, true, false, false])
  })

  test('a worker of any task writes any item, and deletes none', () => {
    const asked = [on('UpdateItem', 'T-1'), on('DeleteItem', 'T-1'), on('PutItem', 'T-1')]
    expect(asked.map((each) => allowed('worker', {table: 'tasks'}, each))).toEqual([true, false, false])
  })

  test('a task whose id looks like another item keeps to its own', () => {
    const scope = {table: 'tasks', task: 'name#blue'}
    const asked = [on('UpdateItem', 'task#name#blue'), on('UpdateItem', 'name#blue')]
    expect(asked.map((each) => allowed('worker', scope, each))).toEqual([true, false])
  })

  test('may lie in another region, and have another index', () => {
    const scope = {table: 'tasks', tableRegion: 'us-east-2', index: 'by-session'}
    const resource = 'arn:aws:dynamodb:us-east-2:123456789012:table/tasks/index/by-session'
    expect(allowed('worker', scope, {action: 'dynamodb:Query', resource})).toBe(true)
  })
})
