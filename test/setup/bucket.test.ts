import {describe, expect, test} from 'vitest'
import {NEW_BUCKET, planBucket, type BucketFacts, type WantedBucket} from '../../src/setup/bucket.js'
import {known} from '../../src/setup/check.js'
import {inDirectoryBucket} from '../../src/setup/directory-bucket.js'
import {readPolicy, type PolicyDocument} from '../../src/setup/policy-document.js'
import {NOTHING_PUBLIC} from '../../src/setup/public-access.js'
import {planTlsOnly, tlsOnlyStatement, withTlsOnly} from '../../src/setup/tls-only.js'
import {isAllowed} from '../support/iam.js'

const ARN = 'arn:aws:s3:::transcripts'
const WANTED: WantedBucket = {arn: ARN, prefix: '', kmsKeyId: undefined, plainHttp: false, isDirectory: false}

function states(facts: Partial<BucketFacts>, wanted: Partial<WantedBucket> = {}) {
  const steps = planBucket({...NEW_BUCKET, ...facts}, {...WANTED, ...wanted})
  return Object.fromEntries(
    steps.map(({check, state, change}) => [check, change ? `${state} → ${change.makes}` : state]),
  )
}

function kms(KMSMasterKeyID: string) {
  return known({SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID})
}

describe('what a bucket should be', () => {
  test('a new one lacks everything that can be had', () => {
    expect(states({})).toEqual({
      encryption: 'missing → created',
      'public access': 'missing → created',
      'tls only': 'missing → created',
      versioning: 'ok',
      'object lock': 'ok',
      lifecycle: 'missing → created',
      expiration: 'ok',
    })
  })

  test('one that is as it should be is left alone', () => {
    const facts: Partial<BucketFacts> = {
      encryption: known({SSEAlgorithm: 'AES256'}),
      publicAccess: known(NOTHING_PUBLIC),
      policy: known(withTlsOnly(undefined, ARN)),
      lifecycle: known([{Status: 'Enabled', Filter: {}, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}}]),
    }
    expect(new Set(Object.values(states(facts)))).toEqual(new Set(['ok']))
  })

  test('nothing that may not be looked at is fatal, or changed', () => {
    const no = {known: false, why: 'these credentials may not'} as const
    const all = {encryption: no, publicAccess: no, policy: no, versioning: no, objectLock: no, lifecycle: no}
    expect(new Set(Object.values(states(all)))).toEqual(new Set(['unchecked']))
  })

  test('a directory bucket has most of it by nature', () => {
    const found = states({}, {isDirectory: true})
    expect(found).toMatchObject({'public access': 'ok', 'tls only': 'ok', versioning: 'ok', 'object lock': 'ok'})
  })

  test('versions call for a rule that ends them; Object Lock is said to keep everything', () => {
    const steps = planBucket({...NEW_BUCKET, versioning: known('on'), objectLock: known(true)}, WANTED)
    expect(steps.find(({check}) => check === 'lifecycle')?.change?.to).toMatchObject({
      rules: [{}, {NoncurrentVersionExpiration: {NoncurrentDays: 30}}],
    })
    expect(steps.find(({check}) => check === 'object lock')).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/merging, adopting and sweeping/),
    })
  })

  test('a part of the block on public access is not enough', () => {
    const {BlockPublicAcls: _, ...rest} = NOTHING_PUBLIC
    expect(states({publicAccess: known(rest)})).toMatchObject({'public access': 'missing → changed'})
  })
})

describe('encryption', () => {
  const key = 'arn:aws:kms:eu-central-1:123456789012:key/1234'

  test.each([
    ['any is good where no key is asked for', kms('other'), undefined, 'ok'],
    ['the key that is asked for', kms(key), key, 'ok'],
    ['the same key by its id', kms(key), '1234', 'ok'],
    ['another key', kms('5678'), key, 'missing → changed'],
    ["the store's own in place of the key", known({SSEAlgorithm: 'AES256' as const}), key, 'missing → changed'],
    ['none', known(undefined), key, 'missing → created'],
  ])('%s', (_, encryption, kmsKeyId, expected) => {
    expect(states({encryption}, {kmsKeyId})).toMatchObject({encryption: expected})
  })
})

describe('the policy against plain http', () => {
  const plan = (policy: PolicyDocument | undefined) => planTlsOnly({policy: known(policy), arn: ARN, plainHttp: false})
  const OTHERS: PolicyDocument = {
    Version: '2008-10-17',
    Id: 'mine',
    Statement: [
      {
        Sid: 'Readers',
        Effect: 'Allow',
        Principal: {AWS: 'arn:aws:iam::1:root'},
        Action: 's3:GetObject',
        Resource: `${ARN}/*`,
      },
    ],
  }

  test('refuses every request without TLS, and no other', () => {
    const policy = withTlsOnly(OTHERS, ARN)
    const request = (tls: string) => ({
      action: 's3:GetObject',
      resource: `${ARN}/key`,
      context: {'aws:SecureTransport': tls},
    })
    expect([isAllowed(policy, request('true')), isAllowed(policy, request('false'))]).toEqual([true, false])
  })

  test('leaves foreign statements, and everything else of the policy, as they are', () => {
    const merged = plan(OTHERS).change?.to.policy
    expect(merged).toEqual({...OTHERS, Statement: [...OTHERS.Statement, tlsOnlyStatement(ARN)]})
  })

  test('takes a name that is free', () => {
    const taken: PolicyDocument = {
      Statement: [{Sid: 'RefuseWithoutTls', Effect: 'Deny', Action: 's3:PutObject', Resource: '*'}],
    }
    expect(withTlsOnly(taken, ARN).Statement.map(({Sid}) => Sid)).toEqual(['RefuseWithoutTls', 'RefuseWithoutTls2'])
  })

  test('is found in whatever words it was written', () => {
    const text = JSON.stringify({
      Statement: {
        Effect: 'Deny',
        Principal: {AWS: ['*']},
        Action: ['s3:*'],
        Resource: [`${ARN}/*`, ARN],
        Condition: {Bool: {'aws:SecureTransport': [false]}},
      },
    })
    expect(plan(readPolicy(text))).toMatchObject({state: 'ok'})
  })

  test.each([
    ['for reading alone', {Action: 's3:GetObject'}],
    ['for some principals', {Principal: {AWS: 'arn:aws:iam::1:root'}}],
    ['for the objects alone', {Resource: `${ARN}/*`}],
    [
      'under a further condition',
      {Condition: {Bool: {'aws:SecureTransport': 'false'}, StringEquals: {'aws:PrincipalTag/x': 'y'}}},
    ],
  ])('does not count %s', (_, change) => {
    const policy: PolicyDocument = {Statement: [{...tlsOnlyStatement(ARN), ...change}]}
    expect(plan(policy)).toMatchObject({state: 'missing', change: {makes: 'changed'}})
  })

  test('is never set where we would shut ourselves out', () => {
    const step = planTlsOnly({policy: known(undefined), arn: ARN, plainHttp: true})
    expect(step).toMatchObject({state: 'warning'})
    expect(step.change).toBeUndefined()
  })

  test('a text that is no policy is none', () => {
    expect([readPolicy('{'), readPolicy('null'), readPolicy('{"Statement":"x"}')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('--express', () => {
  const url = {kind: 's3', bucket: 'transcripts', prefix: 'a/'} as const

  test('puts the zone into the name of the bucket, once', () => {
    const there = inDirectoryBucket(url, 'usw2-az1')
    expect(there).toEqual({...url, bucket: 'transcripts--usw2-az1--x-s3'})
    expect(inDirectoryBucket(there, 'usw2-az1')).toEqual(there)
  })

  test.each([
    ['the name of a zone', url, 'us-west-2a'],
    ['another zone than the bucket lies in', {...url, bucket: 'b--use1-az4--x-s3'}, 'usw2-az1'],
    ['a dot', {...url, bucket: 'a.b'}, 'usw2-az1'],
    ['a name that gets too long', {...url, bucket: 'a'.repeat(50)}, 'usw2-az1'],
    ['a directory', {kind: 'file', dir: '/store', prefix: ''} as const, 'usw2-az1'],
  ])('refuses %s', (_, at, zone) => {
    expect(() => inDirectoryBucket(at, zone)).toThrow(expect.objectContaining({code: 'EXPRESS_INVALID', kind: 'usage'}))
  })
})
