import {chmod, mkdir, readdir, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {readPolicy} from '../../src/setup/policy-document.js'
import type {SetupReport} from '../../src/setup/set-up.js'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {type CliHome, type CliRun, makeCliHome} from '../support/run-reprise.js'
import {startStrictS3, type StrictS3} from '../support/strict-s3/index.js'

function envOf(server: StrictS3) {
  return {
    REPRISE_ENDPOINT_URL: server.endpoint,
    REPRISE_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  }
}

function statesOf(run: CliRun): Record<string, string> {
  const {checks} = run.result() as SetupReport
  return Object.fromEntries(checks.map(({check, state}) => [check, state]))
}

function checkOf(run: CliRun, name: string) {
  return (run.result() as SetupReport).checks.find(({check}) => check === name)
}

async function init(home: CliHome, server: StrictS3, store: string, ...more: string[]): Promise<CliRun> {
  return home.run(['init', '--json', '--store', store, ...more], {env: envOf(server)})
}

describe('reprise init in S3', () => {
  test('makes a bucket, sets it up, probes it; the second time there is nothing to do', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    try {
      const first = await init(home, server, 's3://transcripts/agents', '--yes')
      expect(first.exitCode).toBe(0)
      expect(first.result()).toMatchObject({store: 's3://transcripts/agents', registry: 'store'})
      expect(statesOf(first)).toEqual({
        bucket: 'created',
        encryption: 'created',
        'public access': 'created',
        // The server speaks plain http: the policy would shut us out.
        'tls only': 'warning',
        versioning: 'ok',
        'object lock': 'ok',
        lifecycle: 'created',
        expiration: 'ok',
        'write and read': 'ok',
        'missing objects': 'ok',
        'conditional writes': 'ok',
        checksums: 'ok',
        'list order': 'ok',
        delete: 'ok',
        'store record': 'created',
      })
      server.requests.reset()
      const second = await init(home, server, 's3://transcripts/agents')
      expect(second.exitCode).toBe(0)
      expect(new Set(Object.values(statesOf(second)))).toEqual(new Set(['ok', 'warning']))
      expect(server.requests.of('CreateBucket', 'PutBucketEncryption', 'PutBucketLifecycleConfiguration')).toEqual([])
      expect([...server.store.bucket('transcripts').keys()]).toEqual(['agents/.reprise/store.json'])
    } finally {
      await server.close()
    }
  })

  test('a dry run changes nothing, and says what would be done', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    try {
      const run = await init(home, server, 's3://transcripts', '--dry-run')
      expect(run.exitCode).toBe(0)
      expect(checkOf(run, 'bucket')).toMatchObject({state: 'missing', fix: 'Run the same without --dry-run.'})
      expect(checkOf(run, 'probes')).toMatchObject({state: 'unchecked'})
      const there = await init(home, server, `s3://${server.bucket}`, '--dry-run')
      expect(checkOf(there, 'encryption')).toMatchObject({state: 'missing'})
      expect(server.requests.entries.filter(({method}) => method !== 'GET' && method !== 'HEAD')).toEqual([])
    } finally {
      await server.close()
    }
  })

  test('without somebody to ask nothing is changed', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    try {
      const run = await init(home, server, 's3://transcripts')
      expect(run.exitCode).toBe(2)
      expect(run.error()).toMatchObject({code: 'INPUT_NEEDED', suggestions: [expect.stringContaining('--yes')]})
      expect(server.store.buckets.has('transcripts')).toBe(false)
    } finally {
      await server.close()
    }
  })

  test('a worker that may look at nothing of the bucket is told what it may do, and nothing is fatal', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    const looks = ['GetBucketEncryption', 'GetPublicAccessBlock', 'GetBucketPolicy', 'GetBucketVersioning'] as const
    for (const look of [...looks, 'GetObjectLockConfiguration', 'GetBucketLifecycleConfiguration'] as const) {
      server.faults.deny(look)
    }
    server.faults.deny('HeadBucket')
    server.faults.deny('DeleteObject')
    server.faults.deny('DeleteObjects')
    try {
      const run = await init(home, server, `s3://${server.bucket}/p`)
      expect(run.exitCode).toBe(0)
      expect(statesOf(run)).toMatchObject({
        bucket: 'unchecked',
        encryption: 'unchecked',
        'public access': 'unchecked',
        versioning: 'unchecked',
        'object lock': 'unchecked',
        lifecycle: 'unchecked',
        expiration: 'unchecked',
        'conditional writes': 'ok',
        delete: 'warning',
      })
      expect(checkOf(run, 'delete')).toMatchObject({fix: expect.stringContaining('policy --compactor')})
    } finally {
      await server.close()
    }
  })

  test('what may not be changed stays missing', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    server.faults.deny('PutBucketEncryption')
    try {
      const run = await init(home, server, `s3://${server.bucket}`, '--yes')
      expect(run.exitCode).toBe(0)
      expect(checkOf(run, 'encryption')).toMatchObject({state: 'missing', detail: expect.stringContaining('may not')})
      expect(checkOf(run, 'lifecycle')).toMatchObject({state: 'created'})
    } finally {
      await server.close()
    }
  })

  test('without the right to list, missing objects look forbidden', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    server.faults.deny('ListObjectsV2')
    try {
      const run = await init(home, server, `s3://${server.bucket}`, '--yes')
      expect(checkOf(run, 'missing objects')).toMatchObject({
        state: 'warning',
        fix: expect.stringContaining('s3:ListBucket'),
      })
      expect(checkOf(run, 'list order')).toMatchObject({state: 'unchecked'})
    } finally {
      await server.close()
    }
  })

  test('a store that ignores conditions is named, with what follows', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3({conditions: 'ignored'})
    try {
      const run = await init(home, server, `s3://${server.bucket}`, '--yes')
      expect(run.exitCode).toBe(0)
      expect(checkOf(run, 'conditional writes')).toMatchObject({
        state: 'warning',
        detail: expect.stringContaining('leases are refused'),
        fix: expect.stringContaining('--no-lease'),
      })
    } finally {
      await server.close()
    }
  })

  test('a store that may not be written is no store: exit 5; one that does not answer: exit 6', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    server.faults.deny('PutObject')
    const denied = await init(home, server, `s3://${server.bucket}`, '--yes')
    expect([denied.exitCode, denied.error().code]).toEqual([5, 'ACCESS_DENIED'])
    server.faults.clear()
    server.faults.deny('CreateBucket')
    const notMade = await init(home, server, 's3://other-bucket', '--yes')
    expect([notMade.exitCode, notMade.error().code]).toEqual([5, 'ACCESS_DENIED'])
    await server.close()
    const gone = await init(home, server, `s3://${server.bucket}`, '--yes', '--retries', '0')
    expect([gone.exitCode, gone.error().code]).toEqual([6, 'STORE_UNREACHABLE'])
  })

  test('placeholders stay open: probes are made above them, and no record is written', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3()
    try {
      const run = await init(home, server, `s3://${server.bucket}/agents/{task}`, '--yes')
      expect(run.result()).toMatchObject({store: `s3://${server.bucket}/agents/{task}`})
      expect(checkOf(run, 'store record')).toBeUndefined()
      const written = server.requests.of('PutObject').map(({key}) => key)
      expect(written.filter((key) => !key.startsWith('agents/.reprise/probe/'))).toEqual([])
      expect([...server.store.bucket(server.bucket).keys()]).toEqual([])
    } finally {
      await server.close()
    }
  })
})

describe('reprise init elsewhere', () => {
  test('--express makes a directory bucket, and says what it is called and that it lists in no order', async () => {
    await using home = await makeCliHome()
    const server = await startStrictS3({directoryBucket: true})
    try {
      const run = await init(home, server, 's3://fast/p', '--express', 'usw2-az1', '--yes')
      expect([run.exitCode, run.result()]).toMatchObject([0, {store: 's3://fast--usw2-az1--x-s3/p'}])
      expect(statesOf(run)).toMatchObject({bucket: 'created', 'conditional writes': 'ok', delete: 'ok'})
      expect(checkOf(run, 'list order')?.detail).toMatch(/^none: /)
      expect(server.requests.count('GetPublicAccessBlock', 'GetBucketPolicy', 'GetObjectLockConfiguration')).toBe(0)
    } finally {
      await server.close()
    }
  })

  test('--registry dynamodb://table makes the table too, and the store record names it', async () => {
    await using home = await makeCliHome()
    await using dynamo = await startDynalite()
    const server = await startStrictS3()
    const env = {...envOf(server), AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint}
    const argv = ['init', '--json', '--store', `s3://${server.bucket}/p`, '--registry', 'dynamodb://agent-tasks']
    try {
      const first = await home.run([...argv, '--yes'], {env})
      expect(first.result()).toMatchObject({registry: `dynamodb://agent-tasks?region=${server.region}`})
      expect(statesOf(first)).toMatchObject({table: 'created', 'table backups': 'warning', 'store record': 'created'})
      const second = await home.run(argv.slice(0, 4), {env})
      expect(checkOf(second, 'store record')).toMatchObject({
        state: 'warning',
        fix: `Use the same one: --registry dynamodb://agent-tasks?region=${server.region}`,
      })
    } finally {
      await server.close()
    }
  })
})

describe('reprise init on a disk', () => {
  test('makes the directory for its owner alone, asks nobody, and probes it', async () => {
    await using home = await makeCliHome()
    const dir = join(home.home, 'deep', 'store')
    const run = await home.run(['init', '--json', '--store', dir])
    expect(run.exitCode).toBe(0)
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect(statesOf(run)).toEqual({
      directory: 'created',
      'write and read': 'ok',
      'missing objects': 'ok',
      'conditional writes': 'ok',
      'list order': 'ok',
      delete: 'ok',
      'store record': 'created',
    })
  })

  test('a directory for everybody is a warning; a dry run makes none', async () => {
    await using home = await makeCliHome()
    const open = join(home.home, 'open')
    await mkdir(open)
    await chmod(open, 0o755)
    const run = await home.run(['init', '--json', '--store', open])
    expect(checkOf(run, 'directory')).toMatchObject({state: 'warning', fix: `chmod o-rwx ${open}`})
    await home.run(['init', '--store', join(home.home, 'none'), '--dry-run'])
    expect(await readdir(home.home)).not.toContain('none')
  })

  test('a file in its place is said to be one', async () => {
    await using home = await makeCliHome()
    await writeFile(join(home.home, 'file'), '')
    const run = await home.run(['init', '--json', '--store', join(home.home, 'file')])
    expect([run.exitCode, run.error().code]).toEqual([2, 'STORE_URL_INVALID'])
  })

  test('people read a table and next steps', async () => {
    await using home = await makeCliHome()
    const {stdout, stderr} = await home.run(['init', '--store', join(home.home, 'store'), '--dry-run'])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^Store file:.*\n\nCHECK +STATE +WHAT IT MEANS\ndirectory +missing +there is no /)
    expect(stdout).toMatch(/\nWhat to do:\n {2}directory: Run the same without --dry-run\.\n$/)
  })
})

describe('reprise init --print-cloudformation', () => {
  test('prints a template, and touches nothing', async () => {
    await using home = await makeCliHome()
    const run = await home.run(['init', '--store', 's3://transcripts/agents/{task}', '--print-cloudformation'])
    expect(run).toMatchObject({exitCode: 0, stderr: ''})
    expect(JSON.parse(run.stdout)).toMatchObject({
      Parameters: {BucketName: {Default: 'transcripts'}, Prefix: {Default: 'agents/'}},
    })
  })

  test.each(['/dir', 's3://b-1/{user}/{task}', 's3://b-1/task-{task}', 's3://b--use1-az4--x-s3/p'])(
    'not for %s',
    async (store) => {
      await using home = await makeCliHome()
      const run = await home.run(['init', '--store', store, '--print-cloudformation', '--json'])
      expect([run.exitCode, run.error().code]).toEqual([2, 'TEMPLATE_UNSUPPORTED'])
    },
  )
})

describe('reprise policy', () => {
  test('prints what a worker of one task needs, and nothing else', async () => {
    await using home = await makeCliHome()
    const argv = ['policy', '--store', 's3://transcripts/agents/{task}', '--task', 'T-1']
    const run = await home.run(argv)
    expect(run).toMatchObject({exitCode: 0, stderr: ''})
    expect(readPolicy(run.stdout)?.Statement.map(({Resource}) => Resource)).toEqual([
      'arn:aws:s3:::transcripts',
      'arn:aws:s3:::transcripts/agents/T-1/*',
    ])
    const json = await home.run([...argv, '--json'])
    expect(json.result()).toEqual({
      role: 'worker',
      store: 's3://transcripts/agents/T-1',
      policy: JSON.parse(run.stdout) as unknown,
    })
  })

  test('warns where it reaches further than the task', async () => {
    await using home = await makeCliHome()
    const wide = await home.run(['policy', '--store', 's3://transcripts/agents', '--task', 'T-1', '--json'])
    expect(wide.warnings()).toMatchObject([{code: 'POLICY_WIDE'}])
    const express = await home.run(['policy', '--store', 's3://b--use1-az4--x-s3/{task}', '--task', 'T-1', '--json'])
    expect(express.warnings()).toMatchObject([{code: 'POLICY_WIDE'}])
  })

  test.each([
    [['--store', 's3://transcripts/{task}'], 'PLACEHOLDER_OPEN'],
    [['--store', '/dir'], 'POLICY_UNSUPPORTED'],
  ])('%j: %s', async (argv, code) => {
    await using home = await makeCliHome()
    const run = await home.run(['policy', '--json', ...argv])
    expect([run.exitCode, run.error().code]).toEqual([2, code])
  })
})
