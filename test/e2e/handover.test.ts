import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {runClaude} from '../support/claude.js'
import {difference, differenceOfFiles} from './support/difference.js'
import {Fleet, newSessionId, noClaude, onlyCopy, onlySession} from './support/fleet.js'
import type {PlaceName} from './support/places.js'

const TALK = 'bash: seq 1 20000;;agent: bash: echo from the subagent,,say: sub done;;say: all done'
const TOOLS = ['--allowedTools', 'Bash', 'Agent', 'Read']
const places: readonly PlaceName[] = ['file', 's3']

/** What a session of `TALK` consists of, whoever holds it. */
function expectWhole(copy: Map<string, Buffer>, sessionId: string): void {
  const names = [...copy.keys()].map((name) =>
    name.replace(/agent-[0-9a-z]+/, 'agent').replace(/[0-9a-z]+\.txt$/, 'x.txt'),
  )
  expect(new Set(names)).toEqual(
    new Set([
      `${sessionId}.jsonl`,
      `${sessionId}/subagents/agent.jsonl`,
      `${sessionId}/subagents/agent.meta.json`,
      `${sessionId}/tool-results/x.txt`,
    ]),
  )
}

function toolResultOf(copy: Map<string, Buffer>): string {
  return [...copy.keys()].find((name) => name.includes('/tool-results/')) ?? ''
}

describe.skipIf(noClaude).each(places)(`a session goes on on another worker, %s store ${noClaude ?? ''}`, (place) => {
  test('push, resume, pull: every file, byte for byte, once on each', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start({place})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const id = newSessionId()
    expect(await runClaude(a.machine, ['-p', TALK, '--session-id', id, ...TOOLS])).toMatchObject({code: 0})
    const before = await onlyCopy(a, id)
    expectWhole(before, id)
    expect(await a.run(['push', id])).toMatchObject({code: 0})

    const result = toolResultOf(before)
    const here = join(dirname(await b.transcript(id)), result)
    const resumed = await b.run(['resume', id, '--', '-p', `read: ${here};;say: I am back`, ...TOOLS])
    expect(resumed).toMatchObject({code: 0, stdout: 'I am back\n'})
    expect(resumed.stderr).toMatch(/^reprise: last written by a at /m)
    expect(b.heard()).toContain(TALK)
    const asked = JSON.stringify(b.model.requests.map(({body}) => body?.messages))
    expect([dirname(here), '19999'].filter((text) => !asked.includes(text))).toEqual([])
    const after = await onlyCopy(b, id)
    const changed = [...before].filter(([name, bytes]) => !after.get(name)?.subarray(0, bytes.length).equals(bytes))
    expect(changed.map(([name]) => name)).toEqual([])
    expect(after.get(`${id}.jsonl`)?.includes('I am back')).toBe(true)
    expect(difference(await fleet.stored(id), await b.lines(id))).toBe('')

    expect(await a.run(['pull', id])).toMatchObject({code: 0})
    expect(differenceOfFiles(await onlyCopy(a, id), after)).toBe('')
    expect(await a.run(['push', id, '--json'])).toMatchObject({code: 0, stdout: expect.stringContaining('"unchanged"')})
  })

  test('run --task on one, resume TASK on the other, there and back', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start({place})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const first = await a.run(['run', '--task', 'JIRA/17', '--', '-p', TALK, ...TOOLS])
    expect(first).toMatchObject({code: 0, stdout: expect.stringMatching(/^all done$/m), stderr: ''})
    const second = await b.run(['resume', 'JIRA/17', '--', '-p', 'say: from b'])
    expect(second).toMatchObject({code: 0, stdout: 'from b\n'})
    const third = await a.run(['resume', 'JIRA/17', '--', '-p', 'recall:'])
    expect(third).toMatchObject({code: 0, stdout: `${TALK} | say: from b | recall:\n`})
    expect(b.heard()).toContain(TALK)
    const id = await onlySession(a)
    expectWhole(await onlyCopy(a, id), id)
    expect(difference(await fleet.stored(id), await a.lines(id))).toBe('')
    expect(await b.run(['pull', 'JIRA/17'])).toMatchObject({code: 0})
    expect(differenceOfFiles(await onlyCopy(b, id), await onlyCopy(a, id))).toBe('')
  })
})
