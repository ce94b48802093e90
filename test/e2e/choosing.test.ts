import {mkdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {runClaude} from '../support/claude.js'
import {difference} from './support/difference.js'
import {Fleet, type FleetWorker, newSessionId, noClaude, onlyCopy, onlySession} from './support/fleet.js'
import {keysOf} from './support/places.js'

interface Envelope {
  readonly status: string
  readonly result: {
    readonly sessionId: string
    readonly path: string
    readonly exitCode: number
    readonly stored: boolean
  }
}

/** Runs reprise with a result file, and gives what stands in it. */
async function resultOf(
  worker: FleetWorker,
  args: readonly string[],
  claude: readonly string[],
): Promise<Envelope['result']> {
  const file = join(worker.machine.home, 'result.json')
  const {code, stderr} = await worker.run([...args, '--result-file', file, '--', ...claude])
  expect({code, stderr}).toMatchObject({code: 0})
  const envelope = JSON.parse(await readFile(file, 'utf8')) as Envelope
  expect(envelope.status).toBe('ok')
  return envelope.result
}

describe.skipIf(noClaude)(`which session, and how ${noClaude ?? ''}`, () => {
  test('--print shows it, --print --shell is a line that goes on in it', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start()
    const a = await fleet.worker('a')
    const b = await fleet.worker('b', {cwd: "it's a $place"})
    await a.run(['run', '--task', 'T', '--', '-p', 'say: begun'])
    const id = await onlySession(a)
    const leases = await keysOf(fleet.place.store, '.reprise/leases/')
    const printed = JSON.parse((await b.run(['resume', 'T', '--print', '--', '--model', 'x'])).stdout) as unknown
    const claude = expect.stringMatching(/\/b\/bin\/claude$/)
    expect(printed).toEqual({
      sessionId: id,
      cwd: b.machine.cwd,
      path: await b.transcript(id),
      argv: [claude, '--resume', id, '--model', 'x'],
      env: {},
    })
    expect(await keysOf(fleet.place.store, '.reprise/leases/')).toEqual(leases)
    expect(difference(await b.lines(id), await a.lines(id))).toBe('')
    const shown = await b.run(['resume', 'T', '--print', '--shell', '--', '-p', "say: it's by hand"])
    expect(await b.shell(shown.stdout, {cwd: '/'})).toMatchObject({code: 0, stdout: "it's by hand\n"})
    expect(b.heard()).toContain('say: begun')
    expect((await onlyCopy(b, id)).size).toBe(1)
  })

  test('--latest, --fork and --if-exists', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start()
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const first = await resultOf(a, ['run', '--task', 'T'], ['-p', 'say: first'])
    expect(first).toMatchObject({exitCode: 0, stored: true, path: await a.transcript(first.sessionId)})
    const other = await resultOf(a, ['run', '--name', 'a name'], ['-p', 'say: other'])
    expect(await resultOf(b, ['resume', '--latest'], ['-p', 'recall:'])).toMatchObject({sessionId: other.sessionId})
    expect(b.model.prompts().at(-1)).toEqual(['say: other', 'recall:'])

    const taken = await a.run(['run', '--task', 'T', '--json', '--', '-p', 'say: again'])
    expect(taken.code).toBe(4)
    expect(JSON.parse(taken.stdout)).toMatchObject({
      error: {code: 'TASK_TAKEN', message: expect.stringContaining(first.sessionId)},
    })
    const again = await resultOf(b, ['run', '--task', 'T', '--if-exists', 'resume'], ['-p', 'say: second'])
    expect(again.sessionId).toBe(first.sessionId)
    const before = await fleet.stored(first.sessionId)

    const fork = await resultOf(b, ['resume', 'T', '--fork'], ['-p', 'say: forked'])
    expect(fork.sessionId).not.toBe(first.sessionId)
    expect(b.model.prompts().at(-1)).toEqual(['say: first', 'say: second', 'say: forked'])
    expect(difference(await fleet.stored(first.sessionId), before)).toBe('')
    expect(difference(await fleet.stored(fork.sessionId), await b.lines(fork.sessionId))).toBe('')
    const followed = await resultOf(a, ['run', '--task', 'T', '--if-exists', 'fork'], ['-p', 'say: forked again'])
    expect([first.sessionId, fork.sessionId]).not.toContain(followed.sessionId)
    expect(a.model.prompts().at(-1)).toEqual(['say: first', 'say: second', 'say: forked', 'say: forked again'])

    const fresh = await resultOf(a, ['run', '--task', 'T', '--if-exists', 'new'], ['-p', 'say: fresh'])
    expect(a.model.prompts().at(-1)).toEqual(['say: fresh'])
    expect(await resultOf(b, ['resume', 'T'], ['-p', 'recall:'])).toMatchObject({sessionId: fresh.sessionId})
  })

  test(
    'a session that only this machine has, written in another directory: one copy, moved, and stored from now on',
    {timeout: 60_000},
    async () => {
      await using fleet = await Fleet.start()
      const a = await fleet.worker('a')
      const id = newSessionId()
      await runClaude(a.machine, ['-p', 'bash: seq 1 20000;;say: local', '--session-id', id, '--allowedTools', 'Bash'])
      const before = await onlyCopy(a, id)
      const elsewhere = join(a.machine.home, 'elsewhere')
      await mkdir(elsewhere)
      expect(await a.run(['resume', id, '--', '-p', 'say: elsewhere'], {cwd: elsewhere})).toMatchObject({
        code: 0,
        stdout: 'elsewhere\n',
      })
      const after = await onlyCopy(a, id)
      expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted())
      const moved = (await readFile(await a.transcript(id, elsewhere), 'utf8')).split('\n').slice(0, -1)
      expect(difference(await fleet.stored(id), moved)).toBe('')
      expect(a.model.prompts().at(-1)).toEqual(['bash: seq 1 20000;;say: local', 'say: elsewhere'])
    },
  )

  test('what is nowhere, and what is missing, is said before claude starts', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start()
    const a = await fleet.worker('a')
    expect(await a.run(['resume', 'no-such-task', '--', '-p', 'say: x'])).toMatchObject({code: 3, stdout: ''})
    expect(await a.run(['resume', newSessionId(), '--', '-p', 'say: x'])).toMatchObject({code: 3, stdout: ''})
    expect(await a.run(['resume', '--no-input', '--', '-p', 'say: x'])).toMatchObject({code: 2, stdout: ''})
    expect(await a.run(['run', '--', '-p', 'say: x', '--session-id', newSessionId()])).toMatchObject({
      code: 2,
      stdout: '',
    })
    expect(a.model.requests).toEqual([])
    expect(await keysOf(fleet.place.store)).toEqual([])
  })
})
