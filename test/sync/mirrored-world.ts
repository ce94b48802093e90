import type {SessionStore, SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'
import {readFile, writeFile} from 'node:fs/promises'
import {setTimeout as delay} from 'node:timers/promises'
import {isDeepStrictEqual} from 'node:util'
import {systemClock} from '../../src/base/system.js'
import {createSessionStore} from '../../src/library/session-store.js'
import {prepareSession} from '../../src/launch/resume-session.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {listAll} from '../../src/object-store/list-all.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {type PulledSession, pullSession} from '../../src/sync/pull-session.js'
import {type PushedSession, pushSession} from '../../src/sync/push-session.js'
import {hasCode} from '../../src/base/errors.js'
import {loadReference, ReferenceAdapter} from '../support/reference-adapter.js'
import {
  type Counts,
  counted,
  headOf,
  linesOf,
  messagesBeyond,
  mirrored,
  mirroredLines,
  orphans,
  type Turn,
  turnLines,
  unionOfCounts,
} from './mirrored-lines.js'
import {SESSION, SyncWorker} from '../support/sync-worker.js'

export type Host = 'a' | 'b'
export type ProgramName = 'plain' | 'other' | 'leased' | 'reference'

/** Under the project key of host a: where the session begins. */
const KEY = {projectKey: '-a', sessionId: SESSION}
const SUBAGENT_TURN = {messages: 2, bookkeeping: 1, unmirrored: true}
const SUBPATH = 'subagents/agent-1'

type Transcript = 'main' | 'subagent'

class SharedMemory extends MemoryObjectStore {
  override async close(): Promise<void> {}
}

/** A program that mirrors through the Agent SDK. Its claude goes on from the last message that it knows. */
interface Program {
  readonly store: SessionStore
  readonly heads: Record<Transcript, string | undefined>
}

/**
 * One session that programs with the Agent SDK, claudes on two hosts, and the command line write in turn. Entries are told apart by
 * `uuid`, those without one by the turn that they come from.
 */
export class MirroredWorld implements AsyncDisposable {
  readonly objects = new SharedMemory({clock: systemClock})
  readonly hosts: Readonly<Record<Host, SyncWorker>>
  readonly #programs = new Map<ProgramName, Program>()
  /** How often each line was written by somebody. */
  readonly said: Readonly<Record<Transcript, Counts>> = {main: new Map(), subagent: new Map()}
  #turns = 0

  private constructor(hosts: Record<Host, SyncWorker>) {
    this.hosts = hosts
  }

  static async start(): Promise<MirroredWorld> {
    const world = new MirroredWorld({} as Record<Host, SyncWorker>)
    const hosts = {a: await SyncWorker.start(world.objects, 'a'), b: await SyncWorker.start(world.objects, 'b')}
    Object.assign(world.hosts, hosts)
    return world
  }

  /** A query that begins or goes on. @param anew it is another process, that resumes what is stored. */
  async query(name: ProgramName, turn: Turn, anew: boolean): Promise<void> {
    const program = await this.#program(name, anew)
    await this.#afterLastPart()
    const id = this.#nextTurn()
    const lines = turnLines(id, program.heads.main, turn)
    await program.store.append(KEY, mirrored(lines))
    program.heads.main = headOf(lines) ?? program.heads.main
    this.#say('main', mirroredLines(lines))
    if (turn.subagent) await this.#querySubagent(program, `${id}-sub`)
    if (name === 'leased') await (program.store as ReturnType<typeof createSessionStore>).release(SESSION)
  }

  /**
   * The first query of the session, on host a: its claude writes the local files too, with lines that are never mirrored.
   *
   * @param lost how many entries the file and the mirror lack at the end, as after a crash of the host, or of the program.
   */
  async begin(turns: readonly Turn[], lost: {readonly inFile: number; readonly inMirror: number}): Promise<void> {
    const program = await this.#program('plain', true)
    const files: Record<Transcript, string[]> = {main: [], subagent: []}
    const mirror: string[] = []
    for (const [index, turn] of turns.entries()) {
      const id = this.#nextTurn()
      const lines = turnLines(id, program.heads.main, turn)
      program.heads.main = headOf(lines) ?? program.heads.main
      files.main.push(...lines)
      const isLast = index === turns.length - 1
      const entries = mirroredLines(lines)
      const stored = entries.slice(0, isLast ? Math.max(1, entries.length - lost.inMirror) : undefined)
      await program.store.append(KEY, mirrored(stored))
      mirror.push(...stored)
      if (turn.subagent) files.subagent.push(...(await this.#querySubagent(program, `${id}-sub`)))
    }
    const kept = files.main.slice(0, Math.max(1, files.main.length - lost.inFile))
    await this.hosts.a.write('-a', kept.join(''))
    if (files.subagent.length > 0) await this.hosts.a.write('-a', files.subagent.join(''), SESSION, SUBPATH)
    this.#programs.delete('plain')
    this.#say('main', unionOfCounts(counted(kept), counted(mirror)))
    this.#say(
      'subagent',
      files.subagent.filter((line) => !mirroredLines([line]).includes(line)),
    )
  }

  /** A claude on a host that has the session. */
  async localTurn(host: Host, turn: Turn): Promise<void> {
    const {main, subagent} = await this.local(host)
    if (main.length === 0) return
    const id = this.#nextTurn()
    const lines = turnLines(id, headOf(main), turn)
    await this.hosts[host].write(`-${host}`, [...main, ...lines].join(''))
    this.#say('main', lines)
    if (!turn.subagent) return
    const below = turnLines(`${id}-sub`, headOf(subagent), SUBAGENT_TURN)
    await this.hosts[host].write(`-${host}`, [...subagent, ...below].join(''), SESSION, SUBPATH)
    const meta = JSON.stringify({agentType: 'general-purpose', description: id})
    const path = this.hosts[host].pathOf(`-${host}`, SESSION, SUBPATH).replace(/\.jsonl$/, '.meta.json')
    await writeFile(path, meta)
    this.#say('subagent', below)
  }

  async push(host: Host): Promise<PushedSession | undefined> {
    if ((await this.local(host)).main.length === 0) return undefined
    const {context} = this.hosts[host]
    const session = await this.hosts[host].session()
    return this.#mergedIfDiverged(host, async (merge) => pushSession(context, session, {merge}))
  }

  async pull(host: Host): Promise<PulledSession> {
    const {context, processes} = this.hosts[host]
    const options = {projectKey: `-${host}`, processes}
    return this.#mergedIfDiverged(host, async (merge) => pullSession(context, SESSION, {...options, merge}))
  }

  /**
   * `reprise resume` with a claude that takes a turn. Where both sides went on, the two are merged first.
   *
   * @param meanwhile happens while that claude runs.
   */
  async resume(host: Host, turn: Turn, meanwhile?: () => Promise<void>): Promise<void> {
    const {context, processes} = this.hosts[host]
    const options = {projectKey: `-${host}`, processes}
    const lease = await SessionLease.acquire(leaseContext(context), SESSION)
    const ref = {homeKey: await context.homes.settle(SESSION, options.projectKey), sessionId: SESSION}
    await using mirror = new SessionMirror(context, lease, ref, options)
    await mirror.settle()
    await this.#mergedIfDiverged(host, async (merge) =>
      merge ? pullSession(context, SESSION, {...options, merge}) : prepareSession(context, SESSION, options),
    )
    await mirror.begin()
    await meanwhile?.()
    await this.localTurn(host, turn)
    const report = await mirror.finish()
    if (report.error) throw report.error
    await lease.release()
  }

  /** Until both hosts and the store have all: what one pushes the other pulls, and back. */
  async exchange(): Promise<void> {
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      await this.push(from)
      await this.pull(to)
    }
  }

  /** Exchanges until all have all. @returns what is wrong then; a further exchange that does anything is wrong too. */
  async settle(): Promise<string[]> {
    await this.exchange()
    const state = async (): Promise<Record<string, unknown>> => ({
      stored: await this.keys(),
      a: await this.local('a'),
      b: await this.local('b'),
    })
    const before = await state()
    const done = [await this.push('a'), await this.pull('a'), await this.push('b'), await this.pull('b')]
    const after = await state()
    const acted = done.filter((each) => each?.action !== 'unchanged').map((each) => `once more: ${each?.action}`)
    const moved = Object.keys(before).filter((name) => !isDeepStrictEqual(before[name], after[name]))
    return [...acted, ...moved.map((name) => `once more: ${name} moved`), ...(await this.check())]
  }

  /**
   * What is wrong with the copies of the session: entries that are missing or there more than once, messages in front of their parents. In
   * the reference's reader only what is missing: until the grace of a displaced part is over, that one may read it twice.
   */
  async check(): Promise<string[]> {
    const copies = {a: await this.local('a'), b: await this.local('b'), loaded: await this.loaded('ours')}
    const theirs = await this.loaded('reference')
    return (['main', 'subagent'] as const).flatMap((transcript) => {
      const said = this.said[transcript]
      const wrong = Object.entries(copies).flatMap(([name, copy]) => {
        const lines = copy[transcript]
        const has = counted(lines)
        const differ = [...new Set([...said.keys(), ...has.keys()])].filter((line) => said.get(line) !== has.get(line))
        return [
          ...differ.map((line) => `${name} ${transcript}: ${has.get(line) ?? 0} for ${said.get(line) ?? 0} of ${line}`),
          ...orphans(lines).map((line) => `${name} ${transcript}: in front of its parent: ${line}`),
        ]
      })
      const has = counted(theirs[transcript])
      const missing = [...said].filter(([line, count]) => (has.get(line) ?? 0) < count)
      return [...wrong, ...missing.map(([line]) => `reference ${transcript}: misses ${line}`)]
    })
  }

  /** The lines of a host's files. */
  async local(host: Host): Promise<Record<Transcript, string[]>> {
    const read = async (subpath?: string): Promise<string[]> =>
      linesOf(await readFile(this.hosts[host].pathOf(`-${host}`, SESSION, subpath), 'utf8').catch(() => ''))
    return {main: await read(), subagent: await read(SUBPATH)}
  }

  /** What a program that resumes gets, by our adapter or by the reference's. */
  async loaded(by: 'ours' | 'reference'): Promise<Record<Transcript, string[]>> {
    const read = async (transcript: Transcript): Promise<string[]> => {
      const key = keyOf(transcript)
      if (by === 'reference') return (await loadReference(this.objects, key)).map((line) => `${line}\n`)
      const store = createSessionStore({objectStore: this.objects})
      return ((await store.load(key)) ?? []).map((entry) => `${JSON.stringify(entry)}\n`)
    }
    const below = await read('subagent')
    return {main: await read('main'), subagent: below.filter((line) => !line.includes('agent_metadata'))}
  }

  /** A subagent's metadata entries, as a program that resumes gets them. */
  async loadedMetadata(): Promise<SessionStoreEntry[]> {
    const entries = await createSessionStore({objectStore: this.objects}).load(keyOf('subagent'))
    return (entries ?? []).filter(({type}) => type === 'agent_metadata')
  }

  async keys(): Promise<string[]> {
    return (await listAll(this.objects, {prefix: '-'})).objects.map(({key}) => key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosts.a[Symbol.asyncDispose]()
    await this.hosts.b[Symbol.asyncDispose]()
  }

  /** Only where each side has messages that the other lacks may anybody be asked whether to merge. */
  async #mergedIfDiverged<T>(host: Host, move: (merge: boolean) => Promise<T>): Promise<T> {
    try {
      return await move(false)
    } catch (error) {
      if (!hasCode(error, 'SESSION_DIVERGED') || !(await this.#isDiverged(host))) throw error
      return move(true)
    }
  }

  async #isDiverged(host: Host): Promise<boolean> {
    const [local, stored] = [await this.local(host), await this.loaded('ours')]
    return (['main', 'subagent'] as const).some((transcript) => {
      const [here, there] = [local[transcript], stored[transcript]]
      return [messagesBeyond(here, there), messagesBeyond(there, here)].every((count) => count > 0)
    })
  }

  /** @returns what claude's own file of it holds. */
  async #querySubagent({store, heads}: Program, id: string): Promise<string[]> {
    const lines = turnLines(id, heads.subagent, SUBAGENT_TURN)
    const meta = {type: 'agent_metadata', agentType: 'general-purpose', description: id} as SessionStoreEntry
    const [first, ...rest] = mirrored(lines)
    await store.append(keyOf('subagent'), [meta, ...(first ? [first] : []), {...meta}, ...rest, {...meta}])
    heads.subagent = headOf(lines) ?? heads.subagent
    this.#say('subagent', mirroredLines(lines))
    return lines
  }

  async #program(name: ProgramName, anew: boolean): Promise<Program> {
    const running = this.#programs.get(name)
    if (running && !anew) return running
    const store = name === 'reference' ? new ReferenceAdapter(this.objects) : this.#ours(name)
    const head = async (transcript: Transcript): Promise<string | undefined> =>
      ((await store.load(keyOf(transcript))) ?? []).findLast(({uuid}) => uuid !== undefined)?.uuid
    const program = {store, heads: {main: await head('main'), subagent: await head('subagent')}}
    this.#programs.set(name, program)
    return program
  }

  #ours(name: ProgramName): SessionStore {
    return createSessionStore({objectStore: this.objects}, {lease: name === 'leased'})
  }

  /** Who knows nothing of the last part goes by the clock alone, and several parts in one millisecond run ahead of it. */
  async #afterLastPart(): Promise<void> {
    const last = Math.max(0, ...(await this.keys()).map((key) => Number(/part-(\d{13})/.exec(key)?.[1] ?? 0)))
    while (Date.now() <= last) await delay(1)
  }

  #nextTurn(): string {
    return `t${++this.#turns}`
  }

  #say(transcript: Transcript, lines: readonly string[] | Counts): void {
    const said = this.said[transcript]
    for (const [line, count] of lines instanceof Map ? lines : counted(lines))
      said.set(line, (said.get(line) ?? 0) + count)
  }
}

function keyOf(transcript: Transcript): {projectKey: string; sessionId: string; subpath?: string} {
  return transcript === 'main' ? KEY : {...KEY, subpath: SUBPATH}
}
