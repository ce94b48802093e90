import {mkdir, readdir, readFile, utimes, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {keysOf, textOf} from '../e2e/support/places.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {message} from '../support/sync-worker.js'
import {ID, idOf, lines, Sandbox, until} from './support/sandbox.js'

/** As a reader sees it that knows of nothing but parts: in key order, one behind the other. */
async function stored(store: ObjectStore, below = ''): Promise<string> {
  const keys = (await keysOf(store)).filter(
    (key) => key.includes(`/${ID}/${below}part-`) && !key.startsWith('.reprise/'),
  )
  return (await Promise.all(keys.map((key) => textOf(store, key)))).join('')
}

async function fill(here: Sandbox): Promise<void> {
  await here.write(lines(300, 20_000))
  await mkdir(here.pathBelow('subagents'), {recursive: true})
  await mkdir(here.pathBelow('tool-results'), {recursive: true})
  await writeFile(here.pathBelow('subagents/agent-x.jsonl'), lines(20, 500, 'sub'))
  await writeFile(here.pathBelow('subagents/agent-x.meta.json'), '{"agentType":"general-purpose"}')
  for (const name of ['a', 'b', 'c']) await writeFile(here.pathBelow(`tool-results/${name}`), name.repeat(50_000))
}

describe('kill -9', () => {
  test('of a push, again and again: the next one stores the rest, once', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const {server, store} = await here.useS3({latencyMs: 30})
    await fill(here)
    for (const requests of [4, 9]) {
      server.requests.reset()
      const push = here.start(['push', '--secrets', 'off'])
      await until(() => server.requests.count() >= requests || push.process.exitCode !== null)
      await push.kill()
    }
    const ran = await here.run(['push', '--secrets', 'off'])
    expect(ran.exitCode, ran.all).toBe(0)
    expect(await stored(store)).toBe(await here.read())
    expect(await stored(store, 'subagents/agent-x/')).toContain(
      await readFile(here.pathBelow('subagents/agent-x.jsonl'), 'utf8'),
    )
    expect((await keysOf(store, `.reprise/files/${ID}/tool-results/`)).length).toBe(3)
    expect((await here.names()).filter((name) => name.includes('.tmp'))).toEqual([])
    expect((await here.run(['push'])).stdout).toContain('unchanged')
  })

  test('of a pull: the old file stands until the new one does, and what was left goes', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    await using there = await here.another()
    await fill(here)
    const whole = await here.read()
    expect((await here.run(['push', '--secrets', 'off'])).exitCode).toBe(0)
    await there.write(whole.slice(0, whole.indexOf('\n') + 1))
    const old = await there.read()
    server.faults.add({
      fault: {type: 'delay', beforeMs: 800},
      when: {operation: 'GetObject', keyPattern: `${ID}/part-`},
    })
    const directory = dirname(there.pathOf())
    const leftovers = async () => (await readdir(directory)).filter((name) => name.endsWith('.tmp'))
    const pull = there.start(['pull', ID])
    await until(async () => (await leftovers()).length > 0)
    await pull.kill()
    expect(await there.read()).toBe(old)
    const [left] = await leftovers()
    server.faults.clear()
    // Younger ones may be another pull's.
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
    await utimes(join(directory, left ?? ''), hoursAgo, hoursAgo)
    const ran = await there.contained(['pull', ID])
    expect(ran.exitCode, ran.all).toBe(0)
    expect(await there.read()).toBe(whole)
    expect((await there.names()).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('of a push to a directory: nothing half is ever listed', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    await fill(here)
    const temporary = join(here.root, 'store', '.reprise', 'tmp')
    for (let round = 0; round < 3; round++) {
      const push = here.start(['push', '--secrets', 'off'])
      await until(
        async () =>
          push.process.exitCode !== null || (await readdir(temporary).catch(() => [])).length > (round === 0 ? 0 : 1),
      )
      await push.kill()
    }
    expect((await here.run(['push', '--secrets', 'off'])).exitCode).toBe(0)
    expect(await stored(here.fileStore())).toBe(await here.read())
  })
})

describe('at once', () => {
  test('two pushes and two pulls end with every line once', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    await using third = await here.another()
    const {server} = await here.useS3({latencyMs: 20})
    const env = here.storeEnv()
    there.setEnv(env)
    third.setEnv(env)
    await here.write(message(1))
    await here.run(['push'])
    await there.run(['pull', ID])
    await here.write(message(1) + message('a'))
    await there.write(message(1) + message('a') + message('b'))
    const pushes = [here.run(['push']), here.run(['push']), there.run(['push'])]
    for (const ran of await Promise.all(pushes)) expect(ran.exitCode, ran.all).toBe(0)
    for (const ran of await Promise.all([third.run(['pull', ID]), third.run(['pull', ID])]))
      expect(ran.exitCode, ran.all).toBe(0)
    const got = (await third.read()).split('\n').filter((line) => line !== '')
    expect(got.toSorted()).toEqual([message(1), message('a'), message('b')].map((line) => line.trim()).toSorted())
    expect((await third.names()).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(server.requests.entries.filter(({operation}) => operation === 'DeleteObject')).toEqual([])
  })
})

describe('a reader that goes away', () => {
  test.each(['ls', 'ls --json'])('%s | head: quiet, exit 0', async (line) => {
    await using here = await Sandbox.make()
    for (let index = 0; index < 300; index++) await here.write(message(1, 'x'.repeat(300)), idOf(index))
    const {stdout, stderr, exitCode} = await here.shell(
      `reprise ${line} --local | head -c 1; echo " \${PIPESTATUS[0]}"`,
    )
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^. 0\n$/)
    expect(stderr.replaceAll(/^[✔✖].*\n/gm, '')).toBe('')
  })
})
