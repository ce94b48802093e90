import {chmod, mkdir, readdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {makeCliHome} from '../support/run-reprise.js'
import {message} from '../support/sync-worker.js'

const [A, B, C] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'].map((start) => `${start}-2222-4333-8444-555555555555`) as [
  string,
  string,
  string,
]

/** Sessions A of task `one`, B of task `two/2`, and C, which is nowhere. */
async function worker() {
  const cli = await makeCliHome()
  const key = await projectKeyFor(cli.cwd, {configDirSet: false, projectDirName: undefined})
  const dir = join(cli.home, '.claude', 'projects', key)
  await mkdir(dir, {recursive: true})
  const claude = join(cli.home, 'claude')
  await writeFile(claude, '#!/bin/sh\n')
  await chmod(claude, 0o755)
  const write = async (id: string, ...lines: string[]) => writeFile(join(dir, `${id}.jsonl`), lines.join(''))
  for (const id of [A, B, C]) await write(id, message(1, `prompt ${id}`))
  const store = `${join(cli.home, 'store')}/w-{task}/sessions`
  const env = {REPRISE_STORE: store, REPRISE_CLAUDE_BIN: claude}
  const run = async (...argv: string[]) => cli.run(argv, {env})
  for (const [id, task] of [
    [A, 'one'],
    [B, 'two/2'],
  ] as const) {
    expect((await run('push', id, '--task', task)).exitCode).toBe(0)
  }
  const outcomes = async (...argv: string[]) => {
    const {sessions} = (await run(...argv, '--json')).result() as {sessions: Record<string, unknown>[]}
    return Object.fromEntries(sessions.map(({sessionId, action, state}) => [sessionId, action ?? state]))
  }
  return {
    run,
    write,
    outcomes,
    here: async () => (await readdir(dir)).filter((name) => name.endsWith('.jsonl')).toSorted(),
    forget: async () => {
      for (const id of [A, B, C]) await rm(join(dir, `${id}.jsonl`), {force: true})
    },
    [Symbol.asyncDispose]: async () => cli[Symbol.asyncDispose](),
  }
}

describe("a store's URL that leaves {task} open", () => {
  test('push takes the task, and whatever finds one of its sessions, for the value', {timeout: 60_000}, async () => {
    await using at = await worker()
    await at.write(A, message(1, `prompt ${A}`), message(2, 'more'))
    await at.write(B, message(1, `prompt ${B}`), message(2, 'more'))
    expect(await at.outcomes('push', 'one', B.slice(0, 6))).toEqual({[A]: 'pushed', [B]: 'pushed'})
    expect(await at.outcomes('push', A)).toEqual({[A]: 'unchanged'})
    expect((await at.run('push', C, '--json')).error().code).toBe('SESSION_NOT_FOUND')
    // Without one it would have to guess where to write.
    for (const argv of [['push'], ['push', '--all']]) {
      const {code, suggestions} = (await at.run(...argv, '--json')).error()
      expect([code, suggestions.join()]).toEqual(['PLACEHOLDER_OPEN', expect.stringContaining('--task')])
    }
  })

  test('status holds each session against the part that has it', {timeout: 60_000}, async () => {
    await using at = await worker()
    expect(await at.outcomes('status')).toEqual({[A]: 'stored', [B]: 'stored', [C]: 'unstored'})
    expect(await at.outcomes('status', 'two/2')).toEqual({[B]: 'stored'})
    expect(await at.outcomes('status', '--task', 'one')).toEqual({[A]: 'stored', [B]: 'unstored', [C]: 'unstored'})
  })

  test('pull brings the sessions of every task, or of the one that is named', {timeout: 60_000}, async () => {
    await using at = await worker()
    await at.forget()
    expect(await at.outcomes('pull', 'two/2')).toEqual({[B]: 'pulled'})
    expect(await at.outcomes('pull', '--task', 'one', '--all')).toEqual({[A]: 'pulled'})
    await at.forget()
    expect(await at.outcomes('pull')).toEqual({[A]: 'pulled', [B]: 'pulled'})
    expect(await at.here()).toEqual([`${A}.jsonl`, `${B}.jsonl`])
  })

  test('resume goes on in the task, however the session is named', {timeout: 60_000}, async () => {
    await using at = await worker()
    await at.forget()
    for (const argv of [['two/2'], [B], [B.slice(0, 5)], ['--task', 'two/2'], [B, '--task', 'two/2']]) {
      const printed = await at.run('resume', ...argv, '--print', '--json')
      expect(printed.result()).toMatchObject({sessionId: B})
    }
    expect((await at.run('resume', 'three', '--json')).error().code).toBe('SESSION_NOT_FOUND')
    expect((await at.run('resume', A, '--task', 'two/2', '--json')).exitCode).toBe(3)
  })
})
