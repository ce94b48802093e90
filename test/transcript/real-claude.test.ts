import {createReadStream} from 'node:fs'
import {appendFile, copyFile, mkdir, mkdtemp, readFile, readdir, realpath, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {discoverSession, discoverSessions} from '../../src/transcript/discover.js'
import {entryIdentity} from '../../src/transcript/entry-identity.js'
import {forkLines} from '../../src/transcript/fork.js'
import {readLines} from '../../src/transcript/lines.js'
import type {Line} from '../../src/transcript/lines.js'
import {liveSessions} from '../../src/transcript/liveness.js'
import {systemProcesses} from '../../src/transcript/processes.js'
import {summarize, titleOf} from '../../src/transcript/summary.js'
import {entriesOf, findClaude, newWorker, runClaude, startClaude, transcriptOf} from '../support/claude.js'
import type {Finished, Worker} from '../support/claude.js'
import {startModelServer} from '../support/model-server.js'
import type {ModelServer} from '../support/model-server.js'

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function linesOf(path: string): Promise<Line[]> {
  return all(readLines(createReadStream(path)))
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 200) throw new Error('it did not come about within 10 s')
    await delay(50)
  }
}

const claude = findClaude()

describe.runIf(claude.path)(`a session of the real claude ${claude.reason ?? ''}`, () => {
  let root: string
  let model: ModelServer
  let worker: Worker
  let conversation: Finished
  const session = id(1)
  const prompt = 'bash: seq 1 20000;;agent: bash: echo from the subagent,,say: sub done;;say: all done'

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-claude-')))
    model = await startModelServer()
    worker = await newWorker({root, modelUrl: model.url})
    const args = ['-p', prompt, '--session-id', session, '--name', 'A given name', '--allowedTools', 'Bash', 'Agent']
    conversation = await runClaude(worker, args)
  })
  afterAll(async () => {
    await model.close()
    await rm(root, {recursive: true, force: true})
  })

  it('is found whole: transcript, subagent, its metadata, and the output too large for the transcript', async () => {
    expect(conversation).toMatchObject({code: 0, stderr: ''})
    const {sessions, leftOut} = await discoverSessions(worker.configDir)
    expect(leftOut).toEqual([])
    expect(sessions).toHaveLength(1)
    const [found] = sessions
    expect(found).toMatchObject({sessionId: session, main: {path: await transcriptOf(worker, session)}})
    expect(found?.subagents).toMatchObject([{subpath: expect.stringMatching(/^subagents\/agent-[0-9a-z]+$/)}])
    expect(found?.subagents[0]?.meta).toBeDefined()
    expect(found?.toolResults).toHaveLength(1)

    const claimed = [
      found?.main?.path,
      ...(found?.subagents ?? []).flatMap(({transcript, meta}) => [transcript.path, meta?.path]),
      ...(found?.toolResults ?? []).map(({path}) => path),
    ]
    const below = await readdir(join(worker.configDir, 'projects'), {recursive: true, withFileTypes: true})
    const files = below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    expect(new Set(claimed)).toEqual(new Set(files))
  })

  it('names the large output by its absolute path', async () => {
    const [found] = (await discoverSession(worker.configDir, session)).sessions
    const entries = await entriesOf(found?.main?.path ?? '')
    const results = entries.map((entry) => entry['toolUseResult'] as Record<string, unknown> | undefined)
    const [output] = found?.toolResults ?? []
    expect(results).toContainEqual(
      expect.objectContaining({persistedOutputPath: output?.path, persistedOutputSize: output?.size}),
    )
  })

  it('is summed up for a listing', async () => {
    const path = await transcriptOf(worker, session)
    const summary = await summarize(readLines(createReadStream(path)))
    const entries = await entriesOf(path)
    expect(summary).toMatchObject({
      bytes: (await stat(path)).size,
      entries: entries.length,
      userMessages: 1,
      firstPrompt: prompt,
      cwd: worker.cwd,
      claudeVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      model: expect.stringMatching(/^claude-/),
      createdAt: entries.map((entry) => entry['timestamp']).find((time) => time !== undefined),
    })
    expect(summary.assistantMessages).toBeGreaterThanOrEqual(3)
    expect(titleOf(summary)).toBe('A given name')
  })

  it('has entries that are told apart by their identity', async () => {
    const lines = await linesOf(await transcriptOf(worker, session))
    const identities = lines.map(({bytes}) => entryIdentity(bytes))
    const uuids = identities.flatMap(({uuid}) => uuid ?? [])
    expect(uuids.length).toBeGreaterThan(5)
    expect(new Set(uuids).size).toBe(uuids.length)
    expect(identities.some(({uuid}) => uuid === undefined)).toBe(true)
  })

  it('is forked as Claude itself does it: same entries and order, other session id', async () => {
    const path = await transcriptOf(worker, session)
    const args = ['--resume', session, '--fork-session', '--session-id', id(2), '-p', 'say: forked']
    expect(await runClaude(worker, args)).toMatchObject({code: 0, stdout: 'forked\n'})

    const ours = Buffer.concat(await all(forkLines(await linesOf(path), id(3))))
    const ourEntries = ours
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(new Set(ourEntries.map((entry) => entry['sessionId']))).toEqual(new Set([id(3)]))
    const chain = ourEntries.filter((entry) => entry['uuid'] !== undefined)
    const theirs = new Map((await entriesOf(await transcriptOf(worker, id(2)))).map((entry) => [entry['uuid'], entry]))
    // What Claude gives anew on each fork, and what names the file in which a request was recorded.
    const anew = {sessionId: undefined, promptId: undefined, requestSessionId: undefined}
    for (const entry of chain) {
      const copy = theirs.get(entry['uuid'])
      expect(copy?.['sessionId']).toBe(id(2))
      expect({...entry, ...anew}).toEqual({...copy, ...anew})
    }
    const copied = [...theirs.keys()].filter((uuid) => chain.some((entry) => entry['uuid'] === uuid))
    expect(copied).toEqual(chain.map((entry) => entry['uuid']))
  })

  it('can be resumed from our fork, and grows at the end of it', async () => {
    const fork = await transcriptOf(worker, id(4))
    await writeFile(fork, await all(forkLines(await linesOf(await transcriptOf(worker, session)), id(4))))
    const before = await readFile(fork)
    expect(await runClaude(worker, ['--resume', id(4), '-p', 'recall:'])).toMatchObject({code: 0})
    expect(model.prompts().at(-1)).toEqual([prompt, 'recall:'])
    const after = await readFile(fork)
    expect(after.subarray(0, before.length).equals(before)).toBe(true)
    expect(after.length).toBeGreaterThan(before.length)
  })

  it('can be read again on another worker: the large output under the new path, by no permission but the session', async () => {
    const [found] = (await discoverSession(worker.configDir, session)).sessions
    const [output] = found?.toolResults ?? []
    const other = await newWorker({root: join(root, 'other'), modelUrl: model.url, cwd: 'elsewhere'})
    const copy = await transcriptOf(other, session)
    const outputCopy = join(copy.replace(/\.jsonl$/, ''), 'tool-results', output?.name ?? '')
    await mkdir(dirname(outputCopy), {recursive: true})
    await copyFile(found?.main?.path ?? '', copy)
    await copyFile(output?.path ?? '', outputCopy)

    const answerTo = async (path: string) => {
      expect(await runClaude(other, ['--resume', session, '-p', `read: ${path}`])).toMatchObject({code: 0})
      return JSON.stringify(model.requests.at(-1)?.body?.messages.at(-1))
    }
    expect(await answerTo(outputCopy)).toContain('\\t19999\\n')
    // A file at the old path is not enough: it lies beyond what this worker's claude may read.
    expect(await answerTo(output?.path ?? '')).toContain('requested permissions to read')
  })

  it('is live while claude runs, and no more after kill -9, though the note of the process stays', async () => {
    const {child, finished} = startClaude(worker, ['-p', 'hold: on', '--session-id', id(5)])
    await model.untilAsked('hold: on')
    const live = () => liveSessions(worker.configDir, systemProcesses)
    await until(async () => (await live()).here.length > 0)
    expect((await live()).here).toMatchObject([{sessionId: id(5), pid: child.pid, cwd: worker.cwd}])

    // Claude asks the model first and writes a moment later.
    const path = await transcriptOf(worker, id(5))
    await until(async () => (await readFile(path, 'utf8').catch(() => '')).includes('"type":"user"'))
    child.kill('SIGKILL')
    expect(await finished).toMatchObject({signal: 'SIGKILL'})
    expect(await live()).toEqual({here: [], elsewhere: []})
    expect(await readdir(join(worker.configDir, 'sessions'))).toContain(`${child.pid}.json`)
  })

  it('goes on behind a torn tail, which stays in the file as a line that is no entry', async () => {
    const path = await transcriptOf(worker, id(5))
    await appendFile(path, '{"type":"user","uuid":"torn')
    const torn = await linesOf(path)
    expect(torn.at(-1)?.state).toBe('torn')

    expect(await runClaude(worker, ['--resume', id(5), '-p', 'say: on'])).toMatchObject({code: 0, stdout: 'on\n'})
    const lines = await linesOf(path)
    expect(lines.every(({state}) => state === 'whole')).toBe(true)
    const healed = lines.find(({offset}) => offset === torn.at(-1)?.offset)
    expect(Buffer.from(healed?.bytes ?? []).toString()).toBe('{"type":"user","uuid":"torn\n')
    expect(lines.slice(0, torn.length - 1)).toEqual(torn.slice(0, -1))
    expect(model.prompts().at(-1)).toEqual(['hold: on', 'say: on'])
  })
})
