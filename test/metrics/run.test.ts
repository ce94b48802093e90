import {readFile, writeFile} from 'node:fs/promises'
import {hostname} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from 'vitest'
import {Sandbox, until} from '../hostile/support/sandbox.js'
import {SLOW_DOWN} from '../support/strict-s3/index.js'
import {emfViolations} from './support/emf-validator.js'

const CHANNELS = fileURLToPath(new URL('support/events-to-file.js', import.meta.url))
const SDK = fileURLToPath(new URL('support/otel-to-file.js', import.meta.url))

interface Document {
  readonly [name: string]: unknown
  readonly Machine: string
  readonly MirrorErrors: number | readonly number[]
}

function documentsIn(text: string): Document[] {
  const lines = text.split('\n').filter((line) => line.includes('_aws'))
  for (const line of lines) expect(emfViolations(line)).toEqual([])
  return lines.map((line) => JSON.parse(line))
}

function errorsIn(documents: readonly Document[]): number {
  return documents.flatMap(({MirrorErrors}) => MirrorErrors).reduce((sum, value) => sum + value, 0)
}

function mostParts(documents: readonly Document[]): number {
  return Math.max(...documents.map(({PartsPerSession: parts}) => Number([parts ?? 0].flat().at(-1))))
}

describe('metrics of run and resume', () => {
  test('a file gets embedded metric format: the session’s parts as they are stored, and the flush at the end', async () => {
    await using here = await Sandbox.make()
    const file = join(here.root, 'home', 'metrics.log')
    const run = await here.run(['run', '--task', 'T', '--metrics', file])
    expect(run).toMatchObject({exitCode: 0, stdout: '', stderr: ''})
    const first = documentsIn(await readFile(file, 'utf8'))
    const parts = first.filter((document) => document['AppendLatencyMs'] !== undefined)
    expect(parts.length).toBeGreaterThan(0)
    for (const part of parts) {
      expect(part).toMatchObject({ProjectKey: here.projectKey, SessionId: expect.any(String), Machine: hostname()})
      expect([part['PartsPerSession']].flat().every((count) => Number(count) >= 1)).toBe(true)
      expect([part['MirrorLagMs']].flat().every((lag) => Number(lag) < 20_000)).toBe(true)
    }
    expect(first.at(-1)).not.toHaveProperty('SessionId')
    expect(errorsIn(first)).toBe(0)
    const again = await here.run(['resume', 'T'], {env: {REPRISE_METRICS: file, REPRISE_METRICS_NAMESPACE: 'Fleet'}})
    expect(again.exitCode).toBe(0)
    const both = await readFile(file, 'utf8')
    expect(documentsIn(both).length).toBeGreaterThan(first.length)
    expect(both).toContain('"Namespace":"Fleet"')
    expect(mostParts(documentsIn(both))).toBeGreaterThan(mostParts(first))
  })

  test('emf goes to stderr: stdout is claude’s', async () => {
    await using here = await Sandbox.make()
    const run = await here.run(['run', '--metrics', 'emf'])
    expect(run).toMatchObject({exitCode: 0, stdout: ''})
    expect(documentsIn(run.stderr).length).toBeGreaterThan(1)
  })

  test('a store that went away is errors, and the run says so', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    const stop = join(here.root, 'home', 'stop')
    const file = join(here.root, 'home', 'metrics.log')
    const running = here.start(['run', '--metrics', file, '--retries', '0', '--grace', '1s'], {env: {FAKE_STOP: stop}})
    await until(async () => (await readFile(file, 'utf8').catch(() => '')).includes('AppendLatencyMs'))
    await server.close()
    await until(async () => errorsIn(documentsIn(await readFile(file, 'utf8'))) > 0)
    await writeFile(stop, '')
    running.process.kill('SIGTERM')
    expect((await running.done).exitCode).toBe(6)
    const documents = documentsIn(await readFile(file, 'utf8'))
    expect(documents.some((document) => document['Code'] !== undefined && document['SessionId'] !== undefined)).toBe(
      true,
    )
    expect(documents.at(-1)).toMatchObject({MirrorErrors: 1})
    expect(documents.at(-1)).not.toHaveProperty('Code')
  })

  test('a file that cannot be written is an error before claude is started', async () => {
    await using here = await Sandbox.make()
    const ran = await here.run(['run', '--metrics', join(here.root, 'none', 'metrics.log')])
    expect(ran).toMatchObject({exitCode: 5, stderr: expect.stringContaining('METRICS_FILE_UNWRITABLE')})
    const bad = await here.run(['run', '--metrics', 'emf', '--metrics-namespace', 'AWS/S3'])
    expect(bad).toMatchObject({exitCode: 2, stderr: expect.stringContaining('EMF_LAYOUT_INVALID')})
  })

  test('otel hands them to the SDK of the process, and says when there is none', async () => {
    await using here = await Sandbox.make()
    const out = join(here.root, 'home', 'otel.ndjson')
    const env = {NODE_OPTIONS: `--import ${SDK}`, OTEL_OUT: out}
    expect(await here.run(['run', '--metrics', 'otel'], {env})).toMatchObject({exitCode: 0, stderr: ''})
    const exported = (await readFile(out, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
    const names = exported.map(({name}) => name)
    expect(names).toEqual(
      expect.arrayContaining(['reprise.mirror.errors', 'reprise.append.latency', 'reprise.mirror.lag']),
    )
    const errors = exported.find(({name}) => name === 'reprise.mirror.errors')
    expect(errors.dataPoints).toEqual([
      expect.objectContaining({attributes: {'reprise.machine': hostname()}, value: 0}),
    ])
    const without = await here.run(['run', '--metrics', 'otel'])
    expect(without).toMatchObject({exitCode: 0, stderr: expect.stringContaining('OpenTelemetry')})
  })

  test.each([[[]], [['--no-lease']]])(
    'channels tell what any run does, retries too, without a flag: %j',
    async (flags) => {
      await using here = await Sandbox.make()
      const {server} = await here.useS3()
      server.faults.add({fault: SLOW_DOWN, when: {operation: 'PutObject', keyPattern: '/part-'}, times: 1})
      const out = join(here.root, 'home', 'events.ndjson')
      const env = {NODE_OPTIONS: `--import ${CHANNELS}`, EVENTS_OUT: out}
      expect(await here.run(['run', ...flags], {env})).toMatchObject({exitCode: 0, stdout: ''})
      const events = (await readFile(out, 'utf8'))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
      const [retry] = events.filter(({type}) => type === 'retry')
      expect(retry).toEqual({
        type: 'retry',
        operation: 'put',
        key: expect.stringContaining('/part-'),
        attempt: 1,
        code: 'STORE_THROTTLED',
        delayMs: expect.any(Number),
      })
      const appends = events.filter(({type}) => type === 'append')
      expect(appends.map(({parts}) => parts)).toEqual(appends.map((_, index) => index + 1))
      expect(appends.reduce((sum, {entries}) => sum + entries, 0)).toBe(3)
      expect(appends[0]).toMatchObject({projectKey: here.projectKey, appends: 1, bytes: expect.any(Number)})
      expect(appends[0].putMs).toBeGreaterThanOrEqual(retry.delayMs)
      expect(appends[0].latencyMs).toBeGreaterThanOrEqual(appends[0].putMs)
      expect(events.at(-1)).toMatchObject({type: 'flush', complete: true})
    },
  )
})
