import {describe, expect, test} from 'vitest'
import {known} from '../../src/setup/check.js'
import {planTemplate} from '../../src/setup/cloudformation.js'
import type {PolicyDocument} from '../../src/setup/policy-document.js'
import {planTlsOnly} from '../../src/setup/tls-only.js'
import {isAllowed} from '../support/iam.js'

const OPTIONS = {table: 'tasks', taskTag: 'task', metricsNamespace: 'Reprise'} as const
const URL = {kind: 's3', bucket: 'transcripts', prefix: 'agents/{task}/'} as const

interface Resource {
  readonly Type: string
  readonly DeletionPolicy?: string
  readonly Properties: Readonly<Record<string, unknown>>
}

const VALUES: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-central-1',
  'AWS::AccountId': '123456789012',
  BucketName: 'transcripts',
  Prefix: 'agents/',
  TableName: 'tasks',
}

/** What CloudFormation makes of a value, where every condition holds. */
function evaluated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(evaluated)
  if (typeof value !== 'object' || value === null) return value
  const {
    'Fn::Sub': text,
    'Fn::If': choice,
    Ref: name,
  } = value as {'Fn::Sub'?: string; 'Fn::If'?: unknown[]; Ref?: string}
  if (typeof text === 'string') {
    return text.replaceAll(/\$\{(!?)([^}]*)\}/gu, (_, literal: string, variable: string) =>
      literal === '!' ? `\${${variable}}` : VALUES[variable]!,
    )
  }
  if (choice) return evaluated(choice[1])
  if (typeof name === 'string') return VALUES[name]
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, evaluated(each)]))
}

function resources(options = {}) {
  return planTemplate({url: URL, ...OPTIONS, ...options})['Resources'] as Record<string, Resource>
}

function policyOf(role: string): PolicyDocument {
  const {Policies} = resources()[role]!.Properties as {Policies: {PolicyDocument: unknown}[]}
  return evaluated(Policies[0]!.PolicyDocument) as PolicyDocument
}

const request = (action: string, key: string, tag: Record<string, string> = {'aws:PrincipalTag/task': 'T-1'}) => ({
  action,
  resource: `arn:aws:s3:::transcripts/${key}`,
  context: tag,
})

const list = (prefix: string) => ({
  action: 's3:ListBucket',
  resource: 'arn:aws:s3:::transcripts',
  context: {'aws:PrincipalTag/task': 'T-1', 's3:prefix': prefix},
})

const update = (key: string) => ({
  action: 'dynamodb:UpdateItem',
  resource: 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks',
  context: {'aws:PrincipalTag/task': 'T-1', 'dynamodb:LeadingKeys': key},
})

describe('the template', () => {
  test('keeps transcripts and table when the stack goes', () => {
    for (const name of ['Bucket', 'Table']) expect(resources()[name]?.DeletionPolicy).toBe('Retain')
  })

  test('never expires what is current', () => {
    const {LifecycleConfiguration} = resources()['Bucket']!.Properties as {LifecycleConfiguration: {Rules: object[]}}
    const actions = LifecycleConfiguration.Rules.flatMap((rule) => Object.keys(rule))
    expect(new Set(actions)).toEqual(
      new Set(['Id', 'Status', 'AbortIncompleteMultipartUpload', 'NoncurrentVersionExpiration']),
    )
  })

  test('refuses requests without TLS, in the words that init looks for', () => {
    const {PolicyDocument: document} = resources()['BucketPolicy']!.Properties
    const policy = known(evaluated(document) as PolicyDocument)
    expect(planTlsOnly({policy, arn: 'arn:aws:s3:::transcripts', plainHttp: false})).toMatchObject({state: 'ok'})
  })

  test("a worker is held to the prefix of its session's tag, and deletes nothing", () => {
    const policy = policyOf('WorkerRole')
    for (const action of ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload']) {
      expect(isAllowed(policy, request(action, 'agents/T-1/x'))).toBe(true)
      for (const key of ['agents/T-2/x', 'agents/T-10/x', 'agents/x', 'T-1/x']) {
        expect([key, isAllowed(policy, request(action, key))]).toEqual([key, false])
      }
      // A session without the tag, or with an empty one, reaches nothing that there is.
      expect(isAllowed(policy, request(action, 'agents/T-1/x', {}))).toBe(false)
      expect(isAllowed(policy, request(action, 'agents/T-1/x', {'aws:PrincipalTag/task': ''}))).toBe(false)
    }
    expect(JSON.stringify(policy)).not.toContain('Delete')
    expect(['agents/T-1/', 'agents/T-1/x', 'agents/', ''].map((prefix) => isAllowed(policy, list(prefix)))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test("a worker is held to its task's item, and to leases", () => {
    const policy = policyOf('WorkerRole')
    expect(['T-1', 'session#x', 'T-2', 'name#T-1'].map((key) => isAllowed(policy, update(key)))).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(isAllowed(policy, {...update('T-1'), action: 'dynamodb:DeleteItem'})).toBe(false)
  })

  test('the compactor deletes, a reader does not write', () => {
    const key = 'agents/T-1/x'
    expect(isAllowed(policyOf('CompactorRole'), request('s3:DeleteObject', key))).toBe(true)
    expect(isAllowed(policyOf('CompactorRole'), request('s3:DeleteObjectVersion', key))).toBe(false)
    expect(isAllowed(policyOf('ReaderRole'), request('s3:GetObject', key))).toBe(true)
    expect(isAllowed(policyOf('ReaderRole'), request('s3:PutObject', key))).toBe(false)
  })

  test('nobody takes the role of a worker without naming a task', () => {
    const {AssumeRolePolicyDocument} = resources({taskTag: 'task_id'})['WorkerRole']!.Properties
    expect(evaluated(AssumeRolePolicyDocument)).toMatchObject({
      Statement: [
        {
          Action: ['sts:AssumeRole', 'sts:TagSession'],
          Condition: {StringLike: {'aws:RequestTag/task_id': '?*'}},
        },
      ],
    })
  })

  test('a prefix for each task is added where the URL has none', () => {
    for (const prefix of ['agents/', 'agents/{task}/']) {
      const template = planTemplate({...OPTIONS, url: {...URL, prefix}})
      expect(template).toMatchObject({Parameters: {Prefix: {Default: 'agents/'}}})
    }
  })

  test('the alarm listens where metrics are written', () => {
    const alarm = resources()['MirrorErrorsAlarm']
    expect(alarm).toMatchObject({Properties: {MetricName: 'MirrorErrors', TreatMissingData: 'notBreaching'}})
    expect(planTemplate({url: URL, ...OPTIONS, metricsNamespace: 'ABCA/agents'})).toMatchObject({
      Parameters: {MetricsNamespace: {Default: 'ABCA/agents'}},
    })
  })
})
