import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'

const id = (n: number) => `${n}0000000-0000-4000-8000-000000000000`
const [one, two, three, unknown] = [id(1), id(2), id(3), id(9)] as const

let cli: CliHome

beforeEach(async () => {
  cli = await makeCliHome()
  // The second is a fork of the first, as Claude makes one: other session id, same entries. The third is another conversation.
  await transcript(one, 'a')
  await transcript(two, 'a', 'b')
  await transcript(three, 'c')
})
afterEach(async () => {
  await cli[Symbol.asyncDispose]()
})

async function transcript(sessionId: string, ...uuids: string[]): Promise<void> {
  const directory = join(cli.home, '.claude/projects/-work')
  await mkdir(directory, {recursive: true})
  const entries = [{type: 'mode', sessionId}, ...uuids.map((uuid) => ({type: 'user', uuid, sessionId}))]
  const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`)
  await writeFile(join(directory, `${sessionId}.jsonl`), lines.join(''))
}

const said = async (...argv: string[]) => (await cli.run(argv)).stderr.split(' [')[0]
const json = async (...argv: string[]) => cli.run([...argv, '--json'])
const linked = async (...argv: string[]) => (await json('link', ...argv)).result() as Record<string, unknown>

async function refused(...argv: string[]): Promise<[number, string]> {
  const run = await json(...argv)
  return [run.exitCode, run.error().code]
}

describe('link', () => {
  test('makes a task, says so, and is safe to repeat', async () => {
    const first = await linked('T/1', one)
    expect(first).toEqual({
      kind: 'task',
      id: 'T/1',
      sessionId: one,
      action: 'created',
      earlier: [],
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: first['createdAt'],
    })
    expect(await linked('T/1', one)).toMatchObject({action: 'unchanged', createdAt: first['createdAt']})
    const text = await cli.run(['link', 'T/1', one])
    expect([text.exitCode, text.stdout, text.stderr]).toEqual([0, `The task T/1 is session ${one} already.\n`, ''])
  })

  test('a command line that makes no sense is answered in one line', async () => {
    expect(await said('link')).toBe('Error: Missing <target> and <session>.')
    expect(await said('link', 'T')).toBe('Error: Missing <session>.')
    expect(await said('link', 'T', one, '--task', '--name')).toBe(
      'Error: --name cannot also be provided when using --task.',
    )
  })

  test('ls shows what a session is linked to, until it is forgotten or moved', async () => {
    const labels = async () => {
      const {sessions} = (await json('ls')).result() as {sessions: {sessionId: string; task?: string; name?: string}[]}
      return Object.fromEntries(sessions.map(({sessionId, task, name}) => [sessionId, [task, name]]))
    }
    await json('push', one, three)
    await linked('T', one)
    await linked('parser', one, '--name')
    expect(await labels()).toEqual({[one]: ['T', 'parser'], [three]: [undefined, undefined]})
    expect((await cli.run(['ls', '--task', 'T', '--ids-only'])).stdout).toBe(`${one}\n`)
    await linked('T', three, '--move')
    expect(await labels()).toEqual({[one]: [undefined, 'parser'], [three]: ['T', undefined]})
    await json('unlink', 'T')
    await json('unlink', 'parser')
    expect(await labels()).toEqual({[one]: [undefined, undefined], [three]: [undefined, undefined]})
  })

  test('what is linked before it is stored shows once it is; what is forgotten comes back with no push', async () => {
    const labels = async () => {
      const {sessions} = (await json('ls')).result() as {sessions: {sessionId: string; task?: string}[]}
      return Object.fromEntries(sessions.map(({sessionId, task}) => [sessionId, task]))
    }
    await linked('T', one)
    await json('push', one)
    await json('push', two, '--task', 'U')
    expect(await labels()).toEqual({[one]: 'T', [two]: 'U'})
    await json('unlink', 'T')
    await json('unlink', 'U')
    await transcript(one, 'a', 'x')
    await transcript(two, 'a', 'b', 'x')
    await json('push', one, two)
    expect(await labels()).toEqual({[one]: undefined, [two]: undefined})
  })

  test('a taken task takes a session that goes on from its own, and one that it had before', async () => {
    await linked('T', one)
    expect(await linked('T', two)).toMatchObject({action: 'continued', previous: one, sessionId: two, earlier: [one]})
    expect(await linked('T', one)).toMatchObject({action: 'continued', previous: two, sessionId: one, earlier: [two]})
  })

  test('and no other: exit 4, unless it is moved', async () => {
    await linked('T', one)
    expect(await refused('link', 'T', three)).toEqual([4, 'TASK_TAKEN'])
    expect(await linked('T', one)).toMatchObject({action: 'unchanged', earlier: []})
    expect(await linked('T', three, '--move')).toMatchObject({action: 'moved', previous: one, earlier: []})
  })

  test('the session may be named by the beginning of its id, or by another task', async () => {
    expect(await linked('T', '10000000')).toMatchObject({sessionId: one})
    expect(await linked('--name', 'people', 'T')).toMatchObject({kind: 'name', sessionId: one})
  })

  test('a session that is nowhere is not linked', async () => {
    expect(await refused('link', 'T', unknown)).toEqual([3, 'SESSION_NOT_FOUND'])
    const flag = await cli.run(['link', '--json', 'T', '--', '--resume'])
    expect([flag.exitCode, flag.error().code]).toEqual([3, 'SESSION_NOT_FOUND'])
    expect(await refused('unlink', 'T')).toEqual([3, 'TASK_NOT_FOUND'])
  })

  test('a name that is there stays a name; a name that would never be found is refused', async () => {
    await linked('--name', 'n', one)
    expect(await linked('n', two)).toMatchObject({kind: 'name', action: 'continued'})
    await linked('--task', 't', one)
    expect(await refused('link', '--name', 't', one)).toEqual([4, 'NAME_IS_TASK'])
    expect(await refused('link', '--name', one, one)).toEqual([2, 'TASK_ID_INVALID'])
  })

  test('a task may have the text of a name, and whoever writes it then is asked which is meant', async () => {
    await linked('--name', 'n', one)
    const run = await json('link', '--task', 'n', two)
    expect(run.result()).toMatchObject({kind: 'task', action: 'created', sessionId: two})
    expect(run.warnings()).toMatchObject([{code: 'NAME_HIDDEN'}])
    expect(await refused('link', 'n', two)).toEqual([2, 'TARGET_AMBIGUOUS'])
    expect(await refused('unlink', 'n')).toEqual([2, 'TARGET_AMBIGUOUS'])
    expect((await json('unlink', '--name', 'n')).result()).toMatchObject({kind: 'name', sessionId: one})
    expect((await json('unlink', 'n')).result()).toMatchObject({kind: 'task', sessionId: two})
  })

  test('a variable that names the task of a worker is no switch', async () => {
    const run = await cli.run(['link', 'T', one, '--json'], {env: {REPRISE_TASK: 'T', REPRISE_NAME: 'x'}})
    expect(run.result()).toMatchObject({kind: 'task', action: 'created'})
  })

  test('a store with {task} in its URL keeps a task below its own prefix, and has no place for a name', async () => {
    const store = `${cli.home}/fleet/{task}`
    expect(await linked('T1', one, '--store', store)).toMatchObject({action: 'created'})
    expect(await linked('T1', one, '--store', `${cli.home}/fleet/T1`)).toMatchObject({action: 'unchanged'})
    expect(await refused('link', '--name', 'n', one, '--store', store)).toEqual([2, 'PLACEHOLDER_OPEN'])
  })

  test.for([
    [['link', 'T']],
    [['link', '', one]],
    [['link', 'x'.repeat(129), one]],
    [['link', '--task', '--name', 'T', one]],
  ])('%j is a mistake in the call', async ([argv]) => {
    const run = await json(...(argv ?? []))
    expect([run.exitCode, run.error().kind]).toEqual([2, 'usage'])
  })
})

test('unlink forgets the task and says what it was; the sessions stay', async () => {
  await linked('T', one)
  await linked('T', two)
  expect((await json('unlink', 'T')).result()).toEqual({kind: 'task', id: 'T', sessionId: two, earlier: [one]})
  expect(await refused('unlink', 'T')).toEqual([3, 'TASK_NOT_FOUND'])
  expect(await linked('T', three)).toMatchObject({action: 'created', earlier: []})
})
