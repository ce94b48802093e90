import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from 'vitest'
import {claudeBinary} from '../support/claude.js'
import {asProgram, mirroredOf, twice} from './sdk-support.js'
import {difference} from './support/difference.js'
import {eventually, Fleet, noClaude, onlySession} from './support/fleet.js'

const PROGRAM = fileURLToPath(new URL('sdk-program.js', import.meta.url))
const TALK = 'bash: echo one;;bash: echo two;;hold: three'

/** Runs a program until the model is in the middle of its last answer, and ends it so. */
async function endInMidTurn(fleet: Fleet, flush: 'eager' | 'batched', signal: NodeJS.Signals) {
  const a = await fleet.worker('a')
  const acknowledged = join(fleet.root, 'acknowledged')
  const args = [PROGRAM, fleet.place.env['REPRISE_STORE'] ?? '', acknowledged, claudeBinary(), TALK, flush]
  const {cwd, env} = asProgram(a)
  const child = spawn(process.execPath, args, {cwd, env, stdio: ['ignore', 'ignore', 'inherit']})
  const ended = once(child, 'close')
  const heldAt = (text: string) => a.model.requests.some(({body}) => JSON.stringify(body?.messages).includes(text))
  await eventually(() => heldAt('"content":"two"'), 60_000)
  const read = async () => (await readFile(acknowledged, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  if (flush === 'eager') await eventually(async () => (await read()).length > 2)
  child.kill(signal)
  const [, by] = (await ended) as [number | null, NodeJS.Signals | null]
  const id = await onlySession(a)
  const stored = await fleet.stored(id).catch(() => [])
  const uuids = stored.map((line) => (JSON.parse(line) as {uuid?: string}).uuid)
  const lost = (await read()).filter((uuid) => !uuids.includes(uuid))
  return {by, stored, lost, acknowledged: (await read()).length, local: mirroredOf(await a.lines(id))}
}

describe.skipIf(noClaude)(`a program with the Agent SDK is ended in the middle of a turn ${noClaude ?? ''}`, () => {
  test.each(['eager', 'batched'] as const)(
    'SIGTERM, %s: all that claude has written is stored, and every acknowledged entry',
    {timeout: 90_000},
    async (flush) => {
      await using fleet = await Fleet.start()
      const {by, stored, lost, acknowledged, local} = await endInMidTurn(fleet, flush, 'SIGTERM')
      expect({by, lost}).toEqual({by: 'SIGTERM', lost: []})
      expect(acknowledged).toBeGreaterThan(4)
      expect(twice(stored)).toEqual([])
      // What an aborted claude writes last, its cost, is not sent any more.
      expect(local.slice(stored.length).filter((line) => line.includes('"uuid"'))).toEqual([])
      expect(difference(stored, local.slice(0, stored.length))).toBe('')
    },
  )

  test('SIGKILL, eager: every acknowledged entry is stored', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start()
    const {by, stored, lost, acknowledged, local} = await endInMidTurn(fleet, 'eager', 'SIGKILL')
    expect({by, lost}).toEqual({by: 'SIGKILL', lost: []})
    expect(acknowledged).toBeGreaterThan(2)
    expect(difference(stored, local.slice(0, stored.length))).toBe('')
  })
})
