import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {makeCliHome} from '../support/run-reprise.js'
import {message} from '../support/sync-worker.js'

const IDS = ['aaaaaaaa', 'bbbbbbbb'].map((start) => `${start}-2222-4333-8444-555555555555`)

async function homeWithSessions() {
  const cli = await makeCliHome()
  const dir = join(cli.home, '.claude', 'projects', '-code-shop')
  await mkdir(dir, {recursive: true})
  for (const [at, id] of IDS.entries()) await writeFile(join(dir, `${id}.jsonl`), message(1, `prompt ${at}`))
  return cli
}

describe('reprise ls', () => {
  test('lists the store, as a table, as JSON, as ids', async () => {
    await using cli = await homeWithSessions()
    expect((await cli.run(['ls'])).stdout).toContain('No sessions.')
    await cli.run(['push', '--all'])
    const table = await cli.run(['ls', '--sort', 'title'])
    expect(table.exitCode).toBe(0)
    expect(table.stdout.split('\n')).toMatchObject([
      expect.stringMatching(/^SESSION +ACTIVE +TITLE/),
      expect.stringContaining('prompt 0'),
      expect.stringContaining('prompt 1'),
      '',
    ])
    const json = (await cli.run(['ls', '--json'])).result() as {sessions: {sessionId: string}[]}
    expect(json.sessions.map(({sessionId}) => sessionId).toSorted()).toEqual(IDS)
    const ids = (await cli.run(['ls', '--ids-only', '--grep', 'prompt 1'])).stdout
    expect(ids).toBe(`${IDS[1]}\n`)
  })

  test('--local lists this machine', async () => {
    await using cli = await homeWithSessions()
    const {sessions} = (await cli.run(['ls', '--local', '--json'])).result() as {sessions: object[]}
    expect(sessions).toMatchObject([{source: 'local'}, {source: 'local'}])
  })

  test('several stores are listed together', async () => {
    await using cli = await homeWithSessions()
    const stores = ['--store', join(cli.home, 's1'), '--store', join(cli.home, 's2')]
    for (const at of [0, 1]) await cli.run(['push', IDS[at]!, '--store', join(cli.home, `s${at + 1}`)])
    const {sessions} = (await cli.run(['ls', '--json', ...stores])).result() as {sessions: {store: string}[]}
    expect(new Set(sessions.map(({store}) => store)).size).toBe(2)
  })

  test('a placeholder that is left open is listed over all its values', async () => {
    await using cli = await homeWithSessions()
    const store = ['--store', `${join(cli.home, 's')}/t-{task}/x`]
    for (const [at, task] of ['A/1', 'B'].entries()) await cli.run(['push', IDS[at]!, '--task', task, ...store])
    const list = async (...argv: string[]) =>
      ((await cli.run(['ls', '--json', ...store, ...argv])).result() as {sessions: {sessionId: string; task: string}[]})
        .sessions
    expect((await list()).map(({task}) => task).toSorted()).toEqual(['A/1', 'B'])
    expect(await list('--task', 'A/1')).toMatchObject([{sessionId: IDS[0], task: 'A/1'}])
    expect((await cli.run(['push', ...store, '--json'])).error()).toMatchObject({code: 'PLACEHOLDER_OPEN'})
  })

  test('wrong values are usage errors', async () => {
    await using cli = await makeCliHome()
    expect((await cli.run(['ls', '--limit', 'many'])).exitCode).toBe(2)
    expect((await cli.run(['ls', '--sort', 'colour'])).exitCode).toBe(2)
    expect((await cli.run(['ls', '--since', 'soon'])).exitCode).toBe(2)
  })
})
