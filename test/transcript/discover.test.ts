import {execFileSync} from 'node:child_process'
import {chmod, link, mkdir, mkdtemp, realpath, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {discoverSession, discoverSessions} from '../../src/transcript/discover.js'
import {startCpuTime} from '../support/cpu-time.js'

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

let root: string
let config: string
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-discover-')))
  config = join(root, 'config')
  await mkdir(config)
})
afterEach(() => rm(root, {recursive: true, force: true}))

async function put(path: string, text = '{}\n'): Promise<string> {
  const full = join(config, path)
  await mkdir(dirname(full), {recursive: true})
  await writeFile(full, text)
  return full
}

const left = (path: string, reason: string) => ({path: join(config, path), reason})

describe('discoverSessions', () => {
  it('finds everything of a session', async () => {
    const main = await put(`projects/-w/${id(1)}.jsonl`, 'four')
    const agent = await put(`projects/-w/${id(1)}/subagents/agent-a.jsonl`)
    const meta = await put(`projects/-w/${id(1)}/subagents/agent-a.meta.json`)
    const deep = await put(`projects/-w/${id(1)}/subagents/flow/x/agent-b.c.jsonl`)
    const output = await put(`projects/-w/${id(1)}/tool-results/b1.txt`)
    const backup = await put(`file-history/${id(1)}/0123@v1`)
    await put('projects/-w/memory/MEMORY.md')
    await put('settings.json')
    const {sessions, leftOut} = await discoverSessions(config)
    expect(leftOut).toEqual([])
    expect(sessions).toMatchObject([
      {
        sessionId: id(1),
        projectKey: '-w',
        main: {path: main, size: 4, nlink: 1},
        subagents: [
          {subpath: 'subagents/agent-a', transcript: {path: agent}, meta: {path: meta}},
          {subpath: 'subagents/flow/x/agent-b.c', transcript: {path: deep}},
        ],
        toolResults: [{path: output, name: 'b1.txt'}],
        fileHistory: [{path: backup, name: '0123@v1'}],
      },
    ])
    expect(sessions[0]?.subagents[1]).not.toHaveProperty('meta')
  })

  it('keeps copies under two keys apart, and a session without a main transcript', async () => {
    await put(`projects/-b/${id(1)}.jsonl`)
    await put(`projects/-a/${id(1)}.jsonl`)
    await put(`projects/-a/${id(2)}/subagents/agent-a.jsonl`)
    await mkdir(join(config, `projects/-a/${id(3)}`))
    const {sessions} = await discoverSessions(config)
    expect(sessions.map(({projectKey, sessionId, main}) => [projectKey, sessionId, main !== undefined])).toEqual([
      ['-a', id(1), true],
      ['-a', id(2), false],
      ['-b', id(1), true],
    ])
  })

  it('keeps the case of an id, as Claude does', async () => {
    const sessionId = 'ABCDEF00-0000-4000-8000-00000000000A'
    const path = await put(`projects/-w/${sessionId}.jsonl`)
    expect((await discoverSession(config, sessionId)).sessions).toMatchObject([{sessionId, main: {path}}])
  })

  it('finds nothing in a config dir that is not there, or not used yet', async () => {
    expect(await discoverSessions(join(root, 'none'))).toEqual({sessions: [], leftOut: []})
    expect(await discoverSessions(config)).toEqual({sessions: [], leftOut: []})
  })

  it('follows no link at any level, and says what it left out', async () => {
    await put(`projects/-w/${id(1)}.jsonl`)
    const outside = join(root, 'outside')
    await mkdir(join(outside, 'subagents'), {recursive: true})
    await writeFile(join(outside, 'secret'), 'secret')
    await writeFile(join(outside, `${id(9)}.jsonl`), 'secret')
    await writeFile(join(outside, 'subagents/agent-a.jsonl'), 'secret')
    await mkdir(join(config, `projects/-w/${id(1)}/subagents`), {recursive: true})
    await symlink(outside, join(config, 'projects/-linked'))
    await symlink(join(outside, 'secret'), join(config, `projects/-w/${id(2)}.jsonl`))
    await symlink(outside, join(config, `projects/-w/${id(3)}`))
    await symlink(outside, join(config, `projects/-w/${id(1)}/tool-results`))
    await symlink(join(outside, 'secret'), join(config, `projects/-w/${id(1)}/subagents/agent-x.jsonl`))
    await symlink(outside, join(config, `projects/-w/${id(1)}/subagents/deeper`))
    const {sessions, leftOut} = await discoverSessions(config)
    expect(sessions).toMatchObject([{sessionId: id(1), subagents: [], toolResults: []}])
    expect(leftOut).toHaveLength(6)
    expect(leftOut).toEqual(
      expect.arrayContaining([
        left('projects/-linked', 'link'),
        left(`projects/-w/${id(2)}.jsonl`, 'link'),
        left(`projects/-w/${id(1)}/tool-results`, 'link'),
        left(`projects/-w/${id(1)}/subagents/agent-x.jsonl`, 'link'),
        left(`projects/-w/${id(1)}/subagents/deeper`, 'link'),
      ]),
    )
  })

  it('follows no link in place of projects or file-history, but the config dir may be one', async () => {
    await put(`projects/-w/${id(1)}.jsonl`)
    await symlink(config, join(root, 'alias'))
    expect((await discoverSessions(join(root, 'alias'))).sessions).toHaveLength(1)
    const other = join(root, 'other')
    await mkdir(other)
    await symlink(join(config, 'projects'), join(other, 'projects'))
    expect((await discoverSessions(other)).sessions).toEqual([])
  })

  it('passes over what is no transcript', async () => {
    await mkdir(join(config, `projects/-w/${id(1)}.jsonl`), {recursive: true})
    await put(`projects/-w/${id(2)}`)
    await put('projects/-w/notes.jsonl')
    await put(`projects/-w/${id(3).replace('0', 'g')}.jsonl`)
    await put(`projects/-w/${id(3)}0.jsonl`)
    await put(`projects/-w/${id(3)}.jsonl.torn`)
    await put(`projects/-w/${id(4)}.jsonl`)
    await put(`projects/-w/${id(4)}/subagents/journal.jsonl`)
    execFileSync('mkfifo', [join(config, `projects/-w/${id(5)}.jsonl`)])
    const {sessions, leftOut} = await discoverSessions(config)
    expect(sessions.map(({sessionId}) => sessionId)).toEqual([id(4)])
    expect(sessions[0]?.subagents).toEqual([])
    expect(leftOut).toEqual(
      expect.arrayContaining([
        left(`projects/-w/${id(1)}.jsonl`, 'not-a-file'),
        left(`projects/-w/${id(5)}.jsonl`, 'not-a-file'),
        left(`projects/-w/${id(4)}/subagents/journal.jsonl`, 'not-a-transcript'),
      ]),
    )
  })

  it('passes over names that could not be shown or restored safely', async () => {
    await put(`projects/-w/${id(1)}.jsonl`)
    await put(`projects/-w/${id(1)}/tool-results/ok.txt`)
    await put(`projects/-w/${id(1)}/tool-results/a\u001b[2Jb`)
    await put(`projects/-w/${id(1)}/tool-results/..\\up`)
    await put(`projects/a\nb/${id(2)}.jsonl`)
    const {sessions, leftOut} = await discoverSessions(config)
    expect(sessions).toMatchObject([{sessionId: id(1), toolResults: [{name: 'ok.txt'}]}])
    expect(leftOut.map(({reason}) => reason)).toEqual(['unsafe-name', 'unsafe-name', 'unsafe-name'])
  })

  it.runIf(process.getuid?.() === 0)('takes no file of another user (this one runs as root only)', async () => {
    await put(`projects/-w/${id(1)}.jsonl`)
    execFileSync('chown', ['12345', join(config, `projects/-w/${id(1)}.jsonl`)])
    await put(`projects/-x/${id(2)}.jsonl`)
    execFileSync('chown', ['12345', join(config, 'projects/-x')])
    const {sessions, leftOut} = await discoverSessions(config)
    expect(sessions).toEqual([])
    expect(leftOut).toEqual([left('projects/-x', 'other-owner'), left(`projects/-w/${id(1)}.jsonl`, 'other-owner')])
  })

  it.runIf(process.getuid?.() !== 0)(
    'says which directory it may not read (this one does not run as root)',
    async () => {
      await put(`projects/-w/${id(1)}.jsonl`)
      await chmod(join(config, 'projects/-w'), 0)
      expect((await discoverSessions(config)).leftOut).toEqual([left('projects/-w', 'unreadable')])
      await chmod(join(config, 'projects/-w'), 0o700)
    },
  )

  it('notes that a file has a second name', async () => {
    const main = await put(`projects/-w/${id(1)}.jsonl`)
    await link(main, join(root, 'second'))
    expect((await discoverSessions(config)).sessions[0]?.main?.nlink).toBe(2)
  })

  it('finds 5,000 sessions in a moment', async () => {
    await Promise.all(Array.from({length: 50}, (_, key) => mkdir(join(config, `projects/-p${key}`), {recursive: true})))
    for (let n = 0; n < 5000; n += 1) await writeFile(join(config, `projects/-p${n % 50}/${id(n)}.jsonl`), '')
    const cpuTime = startCpuTime()
    expect((await discoverSessions(config)).sessions).toHaveLength(5000)
    expect(cpuTime()).toBeLessThan(3000)
  })
})

describe('discoverSession', () => {
  it('finds every copy of one session and nothing else', async () => {
    await put(`projects/-a/${id(1)}.jsonl`)
    await put(`projects/-b/${id(1)}.jsonl`)
    await put(`projects/-b/${id(2)}.jsonl`)
    const {sessions} = await discoverSession(config, id(1))
    expect(sessions.map(({projectKey, sessionId}) => [projectKey, sessionId])).toEqual([
      ['-a', id(1)],
      ['-b', id(1)],
    ])
    expect((await discoverSession(config, id(3))).sessions).toEqual([])
  })
})
