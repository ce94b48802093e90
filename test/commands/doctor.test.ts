import {mkdir, readdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import type {DoctorReport} from '../../src/doctor/examine.js'
import type {VerifyReport} from '../../src/sync/verify-many.js'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {startStrictS3} from '../support/strict-s3/index.js'
import {message} from '../support/sync-worker.js'

const ID = 'abcdef01-2222-4333-8444-555555555555'

async function write({home, cwd}: CliHome, content: string): Promise<void> {
  const dir = join(home, '.claude', 'projects', await projectKeyFor(cwd))
  await mkdir(dir, {recursive: true})
  await writeFile(join(dir, `${ID}.jsonl`), content)
}

function codes(result: unknown): string[] {
  return (result as DoctorReport).findings.map(({code}) => code)
}

describe('reprise doctor', () => {
  test('tells of this machine in words and in JSON, and exits 0', async () => {
    await using cli = await makeCliHome()
    const store = ['--store', join(cli.home, 'shared')]
    const text = await cli.run(['doctor', ...store])
    expect(text.exitCode).toBe(0)
    expect(text.stdout).toContain('warning claude-missing: There is no "claude" on PATH.')
    expect(text.stdout).toMatch(/\n0 problems, 1 warning\n$/)
    const json = await cli.run(['doctor', '--json', ...store])
    expect(json.stderr).toBe('')
    expect(codes(json.result())).toEqual(['node', 'claude-missing', 'config-dir-missing'])
    expect(codes((await cli.run(['doctor', '--json'])).result())).toContain('store-default')
  })

  test('names the source of credentials and endpoint, never their values', async () => {
    await using cli = await makeCliHome()
    const server = await startStrictS3()
    try {
      const env = {
        AWS_ENDPOINT_URL_S3: server.endpoint,
        AWS_REGION: server.region,
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      }
      const run = await cli.run(['doctor', '--json', '--store', `s3://${server.bucket}/x`], {env})
      expect(run.exitCode).toBe(0)
      const {findings} = run.result() as DoctorReport
      expect(findings.find(({code}) => code === 'credentials')?.what).toContain('AWS_ACCESS_KEY_ID')
      expect(findings.find(({code}) => code === 'endpoint')).toMatchObject({
        subject: server.endpoint,
        means: 'named by AWS_ENDPOINT_URL_S3',
      })
      expect(run.stdout).not.toContain(server.secretAccessKey)
      const missing = await cli.run(['doctor', '--json', '--store', 's3://no-such-bucket'], {env})
      expect([missing.exitCode, codes(missing.result()).includes('bucket-missing')]).toEqual([3, true])
    } finally {
      await server.close()
    }
  })

  test('is not kept from it by a record that cannot be read', async () => {
    await using cli = await makeCliHome()
    const dir = join(cli.home, 'shared')
    await mkdir(join(dir, '.reprise'), {recursive: true})
    await writeFile(join(dir, '.reprise', 'store.json'), '{')
    expect((await cli.run(['ls', '--store', dir])).exitCode).toBe(0)
    expect((await cli.run(['push', '--store', dir])).exitCode).toBe(0)
    const run = await cli.run(['doctor', '--json', '--store', dir])
    expect(run.exitCode).toBe(7)
    expect(codes(run.result())).toContain('store-record-damaged')
  })

  test('mends nothing without a word of the caller', async () => {
    await using cli = await makeCliHome()
    const dir = join(cli.home, 'shared')
    await write(cli, message(1))
    await cli.run(['push', '--store', dir])
    await rm(join(dir, '.reprise', 'sessions'), {recursive: true})
    const asked = await cli.run(['doctor', '--fix', '--json', '--store', dir])
    expect(asked.error().code).toBe('INPUT_NEEDED')
    const mended = await cli.run(['doctor', '--fix', '--yes', '--json', '--store', dir])
    const {findings} = mended.result() as DoctorReport
    expect(findings.find(({code}) => code === 'summary-missing')?.fix?.state).toBe('fixed')
    expect(await readdir(join(dir, '.reprise', 'sessions'))).toHaveLength(1)
  })
})

describe('reprise verify and diff', () => {
  test('what is whole, what is damaged, and what a side alone has', async () => {
    await using cli = await makeCliHome()
    const dir = join(cli.home, 'shared')
    const store = ['--store', dir]
    const key = await projectKeyFor(cli.cwd)
    await write(cli, message(1))
    await cli.run(['push', ...store])
    await write(cli, message(1) + message(2))
    await cli.run(['push', ...store])
    const whole = await cli.run(['verify', '--read-data', ...store])
    expect(whole.exitCode).toBe(0)
    expect(whole.stdout).toMatch(/^1 verified: 1 ok \(2 parts, \d+ B; every byte was read\)\n$/)
    await write(cli, message(1) + message(2) + message(3))
    const differs = await cli.run(['diff', ID, ...store])
    expect(differs.exitCode).toBe(0)
    expect(differs.stdout.split('\n').slice(2, 4)).toEqual([
      '  only here (1 entry, 1 of them messages):',
      '  < - user message 3',
    ])
    const parts = (await readdir(join(dir, key, ID))).filter((name) => name.startsWith('part-'))
    await rm(join(dir, key, ID, parts.toSorted()[0] ?? ''))
    const damaged = await cli.run(['verify', '--json', ...store])
    expect(damaged.exitCode).toBe(7)
    expect((damaged.result() as VerifyReport).sessions[0]).toMatchObject({
      state: 'damaged',
      findings: [{code: 'range-gap'}],
    })
    expect((await cli.run(['verify', 'no-such-task', ...store])).exitCode).toBe(3)
    expect((await cli.run(['verify', ...store])).stdout).toContain('DAMAGED\n  - damaged range-gap: ')
  })
})
