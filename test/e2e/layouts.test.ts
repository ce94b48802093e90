import {mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {runClaude} from '../support/claude.js'
import {differenceOfFiles} from './support/difference.js'
import {Fleet, type FleetWorker, newSessionId, noClaude, onlyCopy} from './support/fleet.js'
import {keysOf} from './support/places.js'

/** A session with a subagent, and the files of it. */
async function hold(writer: FleetWorker) {
  const id = newSessionId()
  const talk = 'agent: say: sub done;;say: first'
  await runClaude(writer.machine, ['-p', talk, '--session-id', id, '--allowedTools', 'Agent'])
  return {id, talk, files: await onlyCopy(writer, id), key: await projectKeyFor(writer.machine.cwd)}
}

describe.skipIf(noClaude)(`sessions that other programs copied ${noClaude ?? ''}`, () => {
  test('whole files in a bucket are listed, gone on in, and stay as they were', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const {store} = fleet.place
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const {id, talk, files, key} = await hold(a)
    for (const [name, bytes] of files) {
      await store.put(`box-1/raw/claude/${key}/${name}`, bytes, {mode: {type: 'create'}})
    }
    const before = await keysOf(store)

    const {sessions} = JSON.parse((await b.run(['ls', '--json'])).stdout).result
    expect(sessions).toMatchObject([
      {sessionId: id, agent: 'claude', machine: 'box-1', firstPrompt: talk, source: 'raw'},
    ])

    expect(await b.run(['pull', id])).toMatchObject({code: 0})
    expect(differenceOfFiles(files, await onlyCopy(b, id))).toBe('')

    const resumed = await b.run(['resume', id, '--', '-p', 'say: on b'])
    expect(resumed).toMatchObject({code: 0, stdout: 'on b\n'})
    expect(b.model.prompts().at(-1)).toEqual([talk, 'say: on b'])
    expect(await keysOf(store)).toEqual(before)
    // What was said since is only here, and a pull leaves it.
    expect((await b.run(['pull', id, '--json'])).stdout).toContain('"action":"ahead"')
  })

  test(
    'a copied .claude on this machine is gone on in, and stored in a store of reprise',
    {timeout: 90_000},
    async () => {
      await using fleet = await Fleet.start()
      const [a, b, c] = [await fleet.worker('a'), await fleet.worker('b'), await fleet.worker('c')]
      const {id, talk, files, key} = await hold(a)
      const copied = join(b.machine.home, 'copied', '.claude')
      for (const [name, bytes] of files) {
        const path = join(copied, 'projects', key, name)
        await mkdir(dirname(path), {recursive: true})
        await writeFile(path, bytes)
      }
      const resumed = await b.run(['resume', id.slice(0, 8), '--store', copied, '--', '-p', 'say: on b'])
      expect(resumed).toMatchObject({code: 0, stdout: 'on b\n'})
      expect(resumed.stderr).toContain('on this machine alone')
      expect(await b.run(['push', id])).toMatchObject({code: 0})
      expect(await c.run(['resume', id, '--', '-p', 'say: on c'])).toMatchObject({code: 0, stdout: 'on c\n'})
      expect(c.model.prompts().at(-1)).toEqual([talk, 'say: on b', 'say: on c'])
    },
  )
})
