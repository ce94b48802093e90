import {describe, expect, test} from 'vitest'
import {difference} from './support/difference.js'
import {eventually, Fleet, type FleetWorker, noClaude, onlyCopy, onlySession, type Running} from './support/fleet.js'

const isFull = process.env['FULL'] === '1'
if (!isFull)
  process.stderr.write(
    'Left to FULL=1, since it takes a minute: waiting until the lease of a dead worker has run out.\n',
  )

const MIDDLE = 'bash: echo work of a;;hold: not said to its end'

/** A turn that has used a tool and waits for the rest of the model's answer, all of it mirrored. */
async function inTheMiddle(fleet: Fleet, a: FleetWorker): Promise<{id: string; running: Running}> {
  const running = a.start(['run', '--task', 'T', '--', '-p', MIDDLE, '--allowedTools', 'Bash'])
  const id = await eventually(async () => {
    const [found] = await a.sessions()
    return found
  })
  await eventually(async () => {
    const [stored, local] = [await fleet.stored(id), await a.lines(id)]
    return stored.length === local.length && local.some((line) => line.includes('tool_result'))
  })
  return {id, running}
}

function expectNoRepeat(lines: readonly string[]): void {
  const ids = lines.flatMap((line) => (JSON.parse(line) as {uuid?: string}).uuid ?? [])
  expect(ids).toHaveLength(new Set(ids).size)
}

/** B has all that A had, and what it adds follows. */
async function expectGoesOn(fleet: Fleet, id: string, before: readonly string[], b: FleetWorker): Promise<void> {
  const after = await b.lines(id)
  expect(difference(after.slice(0, before.length), before)).toBe('')
  expectNoRepeat(after)
  expect(b.heard()).toContain(MIDDLE)
  expect(JSON.stringify(b.model.requests).includes('"content":"work of a')).toBe(true)
  expect(difference(await fleet.stored(id), after)).toBe('')
  expect((await onlyCopy(b, id)).size).toBe(1)
}

describe.skipIf(noClaude)(`a worker that ends in the middle of a turn ${noClaude ?? ''}`, () => {
  test('kill -9, another machine takes over by force', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const {id, running} = await inTheMiddle(fleet, a)
    expect(await running.crash()).toMatchObject({signal: 'SIGKILL'})
    const before = await a.lines(id)

    const refused = await b.run(['resume', 'T', '--', '-p', 'say: too early'])
    expect(refused).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/held by process \d+ on a until 20/),
    })
    expect(await b.sessions()).toEqual([])
    expect(b.model.requests).toEqual([])

    const taken = await b.run(['resume', 'T', '--force', '--', '-p', 'say: from b'])
    expect(taken).toMatchObject({code: 0, stdout: 'from b\n'})
    await expectGoesOn(fleet, id, before, b)
  })

  test('kill -9, on one machine a dead process holds nothing', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start()
    const [a, b] = [await fleet.worker('a', {machine: 'same'}), await fleet.worker('b', {machine: 'same'})]
    const {id, running} = await inTheMiddle(fleet, a)
    await running.crash()
    const before = await a.lines(id)
    expect(await b.run(['resume', 'T', '--', '-p', 'say: from b'])).toMatchObject({code: 0, stdout: 'from b\n'})
    await expectGoesOn(fleet, id, before, b)
  })

  test('SIGTERM: claude ends, the rest is stored, the lease is free', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const {id, running} = await inTheMiddle(fleet, a)
    running.signal('SIGTERM')
    expect(await running.finished).toMatchObject({code: 143, stderr: ''})
    const before = await a.lines(id)
    expect(difference(await fleet.stored(id), before)).toBe('')
    expect(await b.run(['resume', 'T', '--', '-p', 'say: from b'])).toMatchObject({code: 0, stdout: 'from b\n'})
    await expectGoesOn(fleet, id, before, b)
    expect(await onlySession(a)).toBe(id)
  })

  test('before its first message: the task is begun by whoever comes next', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start()
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    expect(await a.run(['run', '--task', 'T', '--', '-p', '--no-such-flag-of-claude', 'say: x'])).toMatchObject({
      code: 1,
    })
    expect(await a.sessions()).toEqual([])
    const args = ['run', '--task', 'T', '--if-exists', 'resume', '--', '-p']
    expect(await b.run([...args, 'say: begun'])).toMatchObject({code: 0, stdout: 'begun\n'})
    const id = await onlySession(b)
    expect(await a.run([...args, 'recall:'])).toMatchObject({code: 0, stdout: 'say: begun | recall:\n'})
    expect(await onlySession(a)).toBe(id)
    expect(difference(await fleet.stored(id), await a.lines(id))).toBe('')
  })

  test.runIf(isFull)('kill -9, waiting for the lease to run out', {timeout: 150_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const {id, running} = await inTheMiddle(fleet, a)
    await running.crash()
    const before = await a.lines(id)
    const waited = await b.run(['resume', 'T', '--wait', '90s', '--', '-p', 'say: from b'])
    expect(waited).toMatchObject({code: 0, stdout: 'from b\n', stderr: expect.stringContaining('waiting for it')})
    await expectGoesOn(fleet, id, before, b)
  })
})
