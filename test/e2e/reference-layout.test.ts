import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {runClaude} from '../support/claude.js'
import {appendReference, loadReference} from '../support/reference-adapter.js'
import {difference} from './support/difference.js'
import {Fleet, newSessionId, noClaude, onlyCopy} from './support/fleet.js'
import {keysOf} from './support/places.js'

const HOUR = 3_600_000
const MINUTE = 60_000

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)]
}

describe.skipIf(noClaude)(`a bucket that other programs wrote ${noClaude ?? ''}`, () => {
  test(
    'is pulled, resumed and extended in order; in the end their reader gets the local lines',
    {timeout: 90_000},
    async () => {
      await using fleet = await Fleet.start({place: 's3'})
      const {store, server} = fleet.place
      const writer = await fleet.worker('writer')
      const id = newSessionId()
      const talk = 'agent: say: sub done;;say: first'
      await runClaude(writer.machine, ['-p', talk, '--session-id', id, '--allowedTools', 'Agent'])
      await runClaude(writer.machine, ['-p', 'say: second', '--resume', id])
      const key = {projectKey: await projectKeyFor(writer.machine.cwd), sessionId: id}
      const files = await onlyCopy(writer, id)
      const subagent = [...files.keys()].find((name) => name.endsWith('.meta.json'))?.replace('.meta.json', '') ?? ''
      const subpath = subagent.slice(id.length + 1)
      const sub = (files.get(`${subagent}.jsonl`)?.toString() ?? '').split('\n').slice(0, -1)
      const lines = await writer.lines(id)

      // Its clock is an hour ahead of everybody's.
      const ahead = Date.now() + HOUR
      const batch = Math.ceil(lines.length / 4)
      for (let at = 0; at < lines.length; at += batch) {
        await appendReference(store, key, lines.slice(at, at + batch), ahead + at)
      }
      const meta = JSON.stringify({
        type: 'agent_metadata',
        ...(JSON.parse(files.get(`${subagent}.meta.json`)?.toString() ?? '') as object),
      })
      await appendReference(store, {...key, subpath}, [meta, ...sub], ahead)
      expect(difference(await loadReference(store, key), lines)).toBe('')

      const b = await fleet.worker('b')
      expect(await b.run(['pull', id])).toMatchObject({code: 0})
      expect(difference(await b.lines(id), lines)).toBe('')
      const pulled = await onlyCopy(b, id)
      expect([...pulled.keys()].toSorted()).toEqual([...files.keys()].toSorted())
      expect(pulled.get(`${subagent}.jsonl`)?.toString()).toBe(sub.map((line) => `${line}\n`).join(''))
      expect(JSON.parse(pulled.get(`${subagent}.meta.json`)?.toString() ?? '')).toEqual(
        JSON.parse(files.get(`${subagent}.meta.json`)?.toString() ?? ''),
      )

      expect(await b.run(['resume', id, '--', '-p', 'say: third'])).toMatchObject({code: 0, stdout: 'third\n'})
      expect(b.model.prompts().at(-1)).toEqual([talk, 'say: second', 'say: third'])
      const local = await b.lines(id)
      expect(difference(local.slice(0, lines.length), lines)).toBe('')
      // Within the grace, their reader may see a line twice; never a loss, and the last is the last.
      const within = await loadReference(store, key)
      expect(difference(unique(within).toSorted(), unique(local).toSorted())).toBe('')
      expect(within.at(-1)).toBe(local.at(-1))

      if (!server) throw new Error('a server of our own has a clock that can be moved')
      server.clock.offsetMs += 11 * MINUTE
      const c = await fleet.worker('c')
      expect(await c.run(['resume', id, '--', '-p', 'say: fourth'])).toMatchObject({code: 0, stdout: 'fourth\n'})
      expect(c.model.prompts().at(-1)).toEqual([talk, 'say: second', 'say: third', 'say: fourth'])
      const end = await c.lines(id)
      expect(difference(end.slice(0, local.length), local)).toBe('')
      expect(difference(await loadReference(store, key), end)).toBe('')
      const subEnd = (await onlyCopy(c, id)).get(`${subagent}.jsonl`)?.toString()
      const theirs = await loadReference(store, {...key, subpath})
      expect(
        theirs
          .filter((line) => line !== meta)
          .map((line) => `${line}\n`)
          .join(''),
      ).toBe(subEnd)
      expect(theirs).toContain(meta)
      const names = (await keysOf(store, `${key.projectKey}/${id}/part-`)).map((each) => each.split('/part-')[1] ?? '')
      expect(Number(names.at(-1)?.slice(0, 13))).toBeGreaterThan(ahead)
    },
  )

  test('what reprise writes is read by their reader as it is', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start()
    const a = await fleet.worker('a')
    const id = newSessionId()
    await runClaude(a.machine, ['-p', 'say: one', '--session-id', id])
    await a.run(['push', id])
    await runClaude(a.machine, ['-p', 'say: two', '--resume', id])
    await a.run(['push', id])
    const projectKey = await projectKeyFor(a.machine.cwd)
    expect(difference(await loadReference(fleet.place.store, {projectKey, sessionId: id}), await a.lines(id))).toBe('')
    // Nothing but parts stands under the session, in a tree that people can look at.
    const stored = await readFile(
      join(fleet.root, 'store', (await keysOf(fleet.place.store, projectKey))[0] ?? ''),
      'utf8',
    )
    expect((await a.lines(id))[0]).toBe(stored.split('\n')[0])
  })
})
