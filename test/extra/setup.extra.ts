import {execFile} from 'node:child_process'
import {access, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {
  CreateBucketCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {DescribeTimeToLiveCommand} from '@aws-sdk/client-dynamodb'
import {afterAll, describe, expect, onTestFinished, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {S3Connection} from '../../src/object-store/s3/connection.js'
import {DynamoConnection} from '../../src/registry/dynamodb/connection.js'
import {BucketControl} from '../../src/setup/bucket-control.js'
import {BucketPlace} from '../../src/setup/bucket-place.js'
import {planTemplate} from '../../src/setup/cloudformation.js'
import type {Place} from '../../src/setup/place.js'
import {type PolicyDocument, readPolicy} from '../../src/setup/policy-document.js'
import {TableControl} from '../../src/setup/table-control.js'
import {TablePlace} from '../../src/setup/table-place.js'
import {withTlsOnly} from '../../src/setup/tls-only.js'
import {clientOf, createTable, registryOptions} from '../support/dynamodb/tables.js'
import {type IamRequest, isAllowed} from '../support/iam.js'
import {awsQuery} from '../support/aws-query.js'
import {startMoto} from '../support/servers/index.js'

const TEMPLATE = planTemplate({
  url: {kind: 's3', bucket: 'fleet-transcripts', prefix: 'agents/{task}/'},
  table: 'fleet-tasks',
  taskTag: 'task',
  metricsNamespace: 'Reprise',
})

const linter = fileURLToPath(new URL('../../.cache/tools/cfn-lint/bin/cfn-lint', import.meta.url))
const hasLinter = await access(linter).then(
  () => true,
  () => false,
)
if (!hasLinter) process.stderr.write(`cfn-lint: not tested, ${linter} is not there\n`)

describe.skipIf(!hasLinter)('the template', () => {
  test('passes cfn-lint, warnings and all', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'reprise-template-'))
    onTestFinished(() => rm(directory, {recursive: true}))
    const path = join(directory, 'template.json')
    await writeFile(path, JSON.stringify(TEMPLATE))
    const {stdout} = await promisify(execFile)(linter, ['--include-checks', 'I', '--', path])
    expect(stdout).toBe('')
  })
})

const take = (member: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`, 'u').exec(member)?.[1] ?? ''

function outputsOf(stack: string): Record<string, string> {
  const members = [...stack.matchAll(/<member>(?:(?!<member>)[\s\S])*?<\/member>/gu)].map(([member]) => member)
  return Object.fromEntries(members.map((member) => [take(member, 'OutputKey'), take(member, 'OutputValue')]))
}

async function carryOutAll(place: Place): Promise<Record<string, string>> {
  const states: Record<string, string> = {}
  for (const {check, carryOut} of await place.look()) states[check.check] = ((await carryOut?.()) ?? check).state
  return states
}

const put = (key: string): IamRequest => ({
  action: 's3:PutObject',
  resource: `arn:aws:s3:::fleet-transcripts/${key}`,
  context: {'aws:PrincipalTag/task': 'T-1'},
})

const moto = await startMoto()
if (moto.endpoint === undefined) process.stderr.write(`moto: not tested, ${moto.reason}\n`)
const running = moto.endpoint === undefined ? [] : [moto]

describe.each(running)('on $name', (server) => {
  const {endpoint, region, accessKeyId, secretAccessKey} = server
  const credentials = {accessKeyId, secretAccessKey}
  const s3 = new S3Client({endpoint, region, credentials, forcePathStyle: true})
  afterAll(async () => {
    s3.destroy()
    await server.close()
  })

  async function controlOf(bucket: string): Promise<BucketControl> {
    const connection = await S3Connection.open({bucket, endpoint, region, credentials}, `s3://${bucket}`)
    onTestFinished(() => connection.close())
    return new BucketControl(connection)
  }

  test('a bucket is made and set up; then nothing is left to do', async () => {
    const place = new BucketPlace({control: await controlOf('made-here'), prefix: 'p/', kmsKeyId: undefined})
    expect(await carryOutAll(place)).toMatchObject({
      bucket: 'created',
      'public access': 'created',
      lifecycle: 'created',
    })
    expect(new Set(Object.values(await carryOutAll(place)))).toEqual(new Set(['ok', 'warning']))
    const at = {Bucket: 'made-here'}
    const encryption = await s3.send(new GetBucketEncryptionCommand(at))
    expect(encryption.ServerSideEncryptionConfiguration?.Rules?.[0]).toMatchObject({
      ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'AES256'},
    })
    const block = await s3.send(new GetPublicAccessBlockCommand(at))
    expect(Object.values(block.PublicAccessBlockConfiguration ?? {})).toEqual([true, true, true, true])
  })

  test('a bucket that is there keeps its rules and its policy beside ours', async () => {
    const at = {Bucket: 'theirs'}
    const theirs: PolicyDocument = {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Theirs',
          Effect: 'Allow',
          Principal: {AWS: 'arn:aws:iam::123456789012:root'},
          Action: 's3:GetObject',
          Resource: 'arn:aws:s3:::theirs/*',
        },
      ],
    }
    const rule = {ID: 'logs', Status: 'Enabled', Filter: {Prefix: 'logs/'}, Expiration: {Days: 3}} as const
    await s3.send(new CreateBucketCommand(at))
    await s3.send(new PutBucketVersioningCommand({...at, VersioningConfiguration: {Status: 'Enabled'}}))
    await s3.send(new PutBucketPolicyCommand({...at, Policy: JSON.stringify(theirs)}))
    await s3.send(new PutBucketLifecycleConfigurationCommand({...at, LifecycleConfiguration: {Rules: [rule]}}))
    const control = await controlOf('theirs')
    const facts = await control.facts()
    expect(facts).toMatchObject({policy: {value: theirs}, versioning: {value: 'on'}, objectLock: {value: false}})

    const merged = withTlsOnly(facts.policy.known ? facts.policy.value : undefined, 'arn:aws:s3:::theirs')
    await control.apply({type: 'policy', policy: merged})
    const {Policy = ''} = await s3.send(new GetBucketPolicyCommand(at))
    expect(readPolicy(Policy)?.Statement.map(({Sid}) => Sid)).toEqual(['Theirs', 'RefuseWithoutTls'])

    expect(await carryOutAll(new BucketPlace({control, prefix: '', kmsKeyId: undefined}))).toMatchObject({
      versioning: 'ok',
      lifecycle: 'changed',
      expiration: 'warning',
    })
    const {Rules} = await s3.send(new GetBucketLifecycleConfigurationCommand(at))
    expect(Rules?.map(({ID}) => ID)).toEqual(['logs', 'reprise-unfinished-uploads', 'reprise-noncurrent-versions'])
  })

  test('Object Lock is seen', async () => {
    await s3.send(new CreateBucketCommand({Bucket: 'locked', ObjectLockEnabledForBucket: true}))
    const control = await controlOf('locked')
    expect(await control.facts()).toMatchObject({objectLock: {value: true}, versioning: {value: 'on'}})
  })

  test('a table is made, and one that is there gets what it lacks', async () => {
    const theirs = await createTable(
      {endpoint, credentials},
      {
        AttributeDefinitions: [{AttributeName: 'task_id', AttributeType: 'S'}],
        GlobalSecondaryIndexes: undefined,
      },
    )
    for (const table of [theirs, 'made-tasks']) {
      const connection = await DynamoConnection.open(registryOptions({endpoint, credentials}, table))
      onTestFinished(() => connection.close())
      const place = new TablePlace(new TableControl(connection, systemClock))
      expect(await carryOutAll(place)).toMatchObject({'table ttl': 'created', 'table backups': 'warning'})
      expect(await carryOutAll(place)).toEqual({
        table: 'ok',
        'table index': 'ok',
        'table ttl': 'ok',
        'table backups': 'warning',
      })
      const client = clientOf({endpoint, credentials})
      const {TimeToLiveDescription} = await client.send(new DescribeTimeToLiveCommand({TableName: table}))
      expect(TimeToLiveDescription).toMatchObject({AttributeName: 'ttl', TimeToLiveStatus: 'ENABLED'})
      client.destroy()
    }
  })

  test('the template becomes a bucket, a table and roles that do what they should', async () => {
    const query = awsQuery({endpoint, region, accessKeyId})
    await query('cloudformation', {
      Action: 'CreateStack',
      Version: '2010-05-15',
      StackName: 'fleet',
      TemplateBody: JSON.stringify(TEMPLATE),
      'Capabilities.member.1': 'CAPABILITY_IAM',
    })
    const stack = await query('cloudformation', {Action: 'DescribeStacks', Version: '2010-05-15', StackName: 'fleet'})
    expect(stack).toContain('CREATE_COMPLETE')
    const outputs = outputsOf(stack)
    expect(outputs).toMatchObject({
      StoreUrl: 's3://fleet-transcripts/agents/{task}',
      Registry: 'dynamodb://fleet-tasks',
      WorkerRoleArn: expect.stringContaining(':role/'),
      CompactorRoleArn: expect.stringContaining(':role/'),
      ReaderRoleArn: expect.stringContaining(':role/'),
    })

    // This server knows no alarm in a template, and makes nothing of lifecycle, policy and ttl: test/setup/ looks at them.
    const encryption = await s3.send(new GetBucketEncryptionCommand({Bucket: 'fleet-transcripts'}))
    expect(encryption.ServerSideEncryptionConfiguration?.Rules).toHaveLength(1)
    const connection = await DynamoConnection.open(registryOptions({endpoint, credentials}, 'fleet-tasks'))
    onTestFinished(() => connection.close())
    const checks = await carryOutAll(new TablePlace(new TableControl(connection, systemClock)))
    expect(checks).toMatchObject({table: 'ok', 'table index': 'ok'})

    const RoleName = outputs['WorkerRoleArn']?.split('/').at(-1) ?? ''
    const ask = {Action: 'GetRolePolicy', Version: '2010-05-08', RoleName, PolicyName: 'reprise'}
    const answer = await query('iam', ask)
    const document = /<PolicyDocument>([\s\S]*?)<\/PolicyDocument>/u.exec(answer)?.[1] ?? ''
    // This server shows it as Python writes it, with a None where CloudFormation leaves a statement out.
    const policy = readPolicy(document.replaceAll(', None]', ']').replaceAll("'", '"'))
    const allowed = (request: IamRequest) => policy !== undefined && isAllowed(policy, request)
    expect([put('agents/T-1/x'), put('agents/T-2/x'), put('agents/x')].map(allowed)).toEqual([true, false, false])
    expect(allowed({...put('agents/T-1/x'), action: 's3:DeleteObject'})).toBe(false)
    expect(allowed({...put('agents/T-1/x'), context: {}})).toBe(false)
  })
})
