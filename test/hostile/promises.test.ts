import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {describe, expect, test} from 'vitest'
import type {StrictS3} from '../support/strict-s3/index.js'
import {message} from '../support/sync-worker.js'
import {ID, Sandbox, until} from './support/sandbox.js'

const SHIFTED_CLOCK = join(import.meta.dirname, 'support', 'shifted-clock.cjs')
const YEAR_MS = 365 * 24 * 3_600_000

describe('a store whose conditions do not hold', () => {
  test.each(['ignored', 'racy'] as const)('%s: run and resume name --no-lease, the rest works', async (conditions) => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    await here.useS3({conditions, latencyMs: 5})
    there.setEnv(here.storeEnv())
    await here.write(message(1))
    expect((await here.run(['push'])).exitCode).toBe(0)
    expect((await there.run(['pull', ID])).exitCode).toBe(0)
    for (const argv of [['run'], ['resume', ID]]) {
      const refused = await here.contained(argv)
      expect(refused.exitCode, refused.all).toBe(2)
      expect(refused.stderr).toContain('--no-lease')
    }
    const resumed = await here.run(['resume', ID, '--no-lease'])
    expect(resumed.exitCode, resumed.all).toBe(0)
    expect((await there.run(['pull', ID])).exitCode).toBe(0)
    expect(await there.read()).toBe(await here.read())
  })
})

async function expectStored(here: Sandbox, server: StrictS3): Promise<void> {
  const keys = server.store.keys(server.bucket).filter((key) => key.includes('/part-'))
  const stored = keys.map((key) => server.store.read(server.bucket, key)?.toString() ?? '').join('')
  const [name] = (await here.names()).filter((each) => each.endsWith('.jsonl'))
  expect(stored).toBe(await readFile(join(here.configDir, name ?? ''), 'utf8'))
}

describe('clocks', () => {
  test(
    "the server's is set back an hour while a session runs: nothing is lost, the lease comes free",
    {timeout: 60_000},
    async () => {
      await using here = await Sandbox.make()
      const {server} = await here.useS3()
      const stop = join(here.root, 'home', 'tmp', 'stop')
      const running = here.start(['run', '--task', 'T'], {env: {FAKE_STOP: stop}})
      await until(() => server.store.keys(server.bucket).some((key) => key.includes('/part-')))
      server.clock.offsetMs = -3_600_000
      await delay(1500)
      await writeFile(stop, '')
      const ran = await running.done
      expect(ran.exitCode, ran.all).toBe(0)
      await expectStored(here, server)
      const again = await here.run(['resume', 'T', '--wait', '2s'])
      expect(again.exitCode, again.all).toBe(0)
      await expectStored(here, server)
    },
  )

  test("a machine's is set back ten years, or ahead: what it adds still stands behind what is there", async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    let text = ''
    for (const [index, shift] of [0, -10 * YEAR_MS, YEAR_MS / 365].entries()) {
      text += message(index)
      await here.write(text)
      const env = {NODE_OPTIONS: `--require ${SHIFTED_CLOCK}`, SHIFT_MS: String(shift)}
      const ran = await here.contained(['push'], {env})
      expect(ran.exitCode, ran.all).toBe(0)
    }
    await expectStored(here, server)
  })

  test('an hour ahead: the next worker still writes behind what is there', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    server.clock.offsetMs = 600_000
    await here.write(message(1))
    expect((await here.run(['push'])).exitCode).toBe(0)
    server.clock.offsetMs = -600_000
    await here.write(message(1) + message(2))
    const ran = await here.run(['push'])
    expect(ran.exitCode, ran.all).toBe(0)
  })
})
