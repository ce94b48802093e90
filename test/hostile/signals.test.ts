import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {describe, expect, test} from 'vitest'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {keysOf, textOf} from '../e2e/support/places.js'
import {message} from '../support/sync-worker.js'
import {ID, Sandbox, until} from './support/sandbox.js'

const CODES = [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const

interface LeaseRecord {
  readonly released: boolean
}

async function leases(store: ObjectStore): Promise<readonly LeaseRecord[]> {
  const keys = await keysOf(store, '.reprise/leases/')
  return Promise.all(keys.map(async (key) => JSON.parse(await textOf(store, key)) as LeaseRecord))
}

async function isHeld(store: ObjectStore): Promise<boolean> {
  return (await leases(store)).some(({released}) => !released)
}

describe('a signal between the lease and the start of claude', () => {
  test.each(CODES)(
    '%s to resume: exit %i, the lease is given back, no claude',
    {timeout: 60_000},
    async (name, code) => {
      await using here = await Sandbox.make()
      const {server, store} = await here.useS3()
      await here.write(message(1))
      expect((await here.run(['push', ID])).exitCode).toBe(0)
      await using there = await here.another()
      server.faults.add({
        fault: {type: 'delay', beforeMs: 2_000},
        when: {operation: 'GetObject', keyPattern: `${ID}/part-`},
      })
      const resumed = there.start(['resume', ID])
      await until(async () => isHeld(store))
      await delay(200)
      resumed.process.kill(name)
      const ended = await resumed.done
      expect(ended.exitCode, ended.all).toBe(code)
      expect(ended.stderr).toContain(`Stopped by ${name}.`)
      expect(await leases(store)).toMatchObject([{released: true}])
      expect((await there.names()).filter((each) => each.endsWith('.jsonl'))).toEqual([])
      // Nobody has to wait for it.
      const next = await here.run(['resume', ID])
      expect(next.exitCode, next.all).toBe(0)
    },
  )

  test.each(CODES)('%s to run: exit %i, the lease is given back, no claude', {timeout: 60_000}, async (name, code) => {
    await using here = await Sandbox.make()
    const {server, store} = await here.useS3()
    server.faults.add({fault: {type: 'delay', beforeMs: 1_500}, when: {operation: 'PutObject', keyPattern: 'tasks/T'}})
    const running = here.start(['run', '--task', 'T'])
    await until(async () => isHeld(store))
    await delay(200)
    running.process.kill(name)
    const ended = await running.done
    expect(ended.exitCode, ended.all).toBe(code)
    expect(await leases(store)).toMatchObject([{released: true}])
    expect((await here.names()).filter((each) => each.endsWith('.jsonl'))).toEqual([])
    // The task was promised a session by then, and that is the one that begins.
    const next = await here.run(['resume', 'T'])
    expect(next.exitCode, next.all).toBe(0)
    expect(next.stderr).toContain('it begins now')
  })
})

test('a signal while another is waited for ends the wait', {timeout: 60_000}, async () => {
  await using here = await Sandbox.make()
  const {store} = await here.useS3()
  await using there = await here.another()
  const stop = join(here.outside, 'stop')
  here.setEnv({FAKE_STOP: stop})
  const running = here.start(['run', '--task', 'T'])
  await until(async () => (await keysOf(store)).some((key) => key.includes('/part-')))
  const waiting = there.start(['resume', 'T', '--wait', '10m'])
  let told = ''
  waiting.process.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()))
  await until(() => told.includes('waiting for it'))
  waiting.process.kill('SIGINT')
  expect((await waiting.done).exitCode).toBe(130)
  await writeFile(stop, '')
  expect((await running.done).exitCode).toBe(0)
})
