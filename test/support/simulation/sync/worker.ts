import type {SessionLease} from '../../../../src/registry/session-lease.js'
import {prepareSession} from '../../../../src/launch/resume-session.js'
import {holdSession} from '../../../../src/sync/hold-session.js'
import {lookAtSessions} from '../../../../src/sync/look-at-sessions.js'
import {type Mirror, SessionMirror} from '../../../../src/sync/mirror.js'
import {pullSession} from '../../../../src/sync/pull-session.js'
import {pushSession} from '../../../../src/sync/push-session.js'
import {statusOf} from '../../../../src/sync/status.js'
import {UnleasedMirror} from '../../../../src/sync/unleased-mirror.js'
import {codeOf} from '../network.js'
import {Violation} from '../world.js'
import {type LocalCopy, keyOf} from './local-copy.js'
import {noProcesses} from '../no-processes.js'
import type {Machine, Program} from './machine.js'
import {SESSION, type SyncOptions, type SyncWorld, untilQuiet} from './world.js'

/** Rejections that a caller expects: it tries again, or asks somebody. */
const EXPECTED = new Set([
  'FILE_NOT_FOUND',
  'LEASE_CONTENDED',
  'LEASE_HELD',
  'LEASE_LOST',
  'LOCAL_CHANGED',
  'OBJECT_CHANGED',
  'OBJECT_NOT_FOUND',
  'SESSION_BUSY',
  'SESSION_DIVERGED',
  'SESSION_NOT_FOUND',
  'SOURCE_CHANGED',
  'STORE_UNREACHABLE',
  'TRANSCRIPT_BUSY',
])

interface Mirroring {
  readonly program: Program
  /** None where the store cannot keep one. */
  readonly lease?: SessionLease
  readonly mirror: Mirror
}

/**
 * What happens on one machine: a claude that writes its file, a reprise that mirrors it or not, and pushes, pulls and looks at the
 * status beside it.
 */
export class Worker {
  readonly machine: Machine
  broken: string | undefined
  /** Of the last activity that ended: what it said, or the code of its failure. */
  answer = ''
  failure: string | undefined
  readonly #world: SyncWorld
  readonly #options: SyncOptions
  /** Commands and launches that have not ended. */
  readonly #busy = new Map<Program, string>()
  /** A claude runs, and is mirrored. */
  #following: Mirroring | undefined
  /** For each report to come: entries that the file had all the time since it was begun. */
  readonly #steady = new Set<Set<string>>()

  constructor(world: SyncWorld, machine: Machine, options: SyncOptions) {
    this.#world = world
    this.machine = machine
    this.#options = options
  }

  get copy(): LocalCopy {
    return this.machine.copy
  }

  get isBusy(): boolean {
    return this.#busy.size > 0
  }

  get isFollowing(): boolean {
    return this.#following !== undefined
  }

  /** Claude writes a line, and ends. */
  write(): void {
    this.copy.append(`${this.copy.torn === '' ? '' : '\n'}${this.#world.lines.fresh(false)}`)
  }

  end(): void {
    if (this.#following) this.finish(this.#following, Number.POSITIVE_INFINITY)
  }

  async act(): Promise<void> {
    const {rng} = this.#world
    const {edits = 1, pushes = 1, pulls = 1, resumes = 1, leaseless = 0.1} = this.#options
    const following = this.#following
    if (following) {
      const dice = rng.next()
      if (dice < 0.45) this.edit()
      else if (dice < 0.53) this.finish(following)
      else if (dice < 0.6) this.push()
      else if (dice < 0.65) this.status()
      return
    }
    const activities: [number, () => unknown][] = [
      [3 * edits, () => this.edit()],
      [3 * pushes, () => this.push()],
      [0.7 * pushes, () => this.pushTwice()],
      [1 * pushes, () => this.status()],
      [1 * pulls, () => this.pull()],
      [1.5 * resumes * (1 - leaseless), () => this.resume()],
      [1.5 * resumes * leaseless, () => this.resumeLeaseless()],
    ]
    let dice = rng.next() * activities.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, activity] of activities) {
      dice -= weight
      if (dice >= 0) continue
      await activity()
      return
    }
  }

  /** A claude writes. Not while its file is being brought here: a claude that runs is known to live, and none is started before. */
  edit(): void {
    const {rng, lines, network, count} = this.#proxy()
    if (!this.#mayEdit() || (!this.copy.isThere && !this.#following)) return
    if (!this.#following && this.#world.turn !== this.machine && !rng.chance(this.#world.rivalry)) return
    const {torn} = this.copy
    if (torn !== '' && rng.chance(0.8)) {
      this.copy.append(`"end"}\n`)
      network.say(this.machine.name, 'ends its torn line')
      return
    }
    const dice = rng.next()
    if (dice < 0.1 && torn === '') {
      this.copy.append(lines.fresh(false).replace('}\n', ',"torn":'))
      count('torn')
      network.say(this.machine.name, 'writes half a line')
    } else if (dice < (this.isBusy ? 0.6 : 0.35) && this.#options.rewrites !== false && this.copy.lines.length > 1)
      this.#rewrite()
    else {
      const added = Array.from({length: rng.int(1, 2)}, () => lines.fresh(rng.chance(0.25)))
      this.copy.append(added.join(''))
      network.say(this.machine.name, 'writes', added.join('').replaceAll('\n', ' '))
    }
  }

  #rewrite(): void {
    const {rng, lines, network, ledger, count} = this.#proxy()
    const before = this.copy.lines
    const at = rng.chance(0.6)
      ? before.length - 1 - rng.int(0, Math.min(2, before.length - 1))
      : rng.int(0, before.length - 1)
    const line = before[at] ?? ''
    const how = rng.pick(['removed', 'cut', 'replaced', 'respelled'] as const)
    const [head, tail] = [before.slice(0, at), before.slice(at + 1)]
    let after = [...head, ...tail]
    if (how === 'cut' && at > 0) after = head
    else if (how === 'replaced') after = [...head, lines.fresh(false), ...tail]
    else if (how === 'respelled') after = [...head, lines.makes(line.replace(/\}\n$/, ',"again":true}\n')), ...tail]
    if (after.length === 0) return
    const left = new Set(after.map(keyOf))
    for (const key of before.map(keyOf)) {
      if (left.has(key)) continue
      ledger.limbo.add(key)
      for (const steady of this.#steady) steady.delete(key)
    }
    this.copy.rewrite(after, rng.pick(['in-place', 'renamed'] as const))
    count('rewrites')
    network.say(this.machine.name, how, line.trim(), 'leaving', after.join('').replaceAll('\n', ' '))
  }

  push({merge = this.#world.rng.chance(0.3), state = 'state'} = {}): void {
    const looks = this.#world.rng.chance(0.3)
    this.#run(`push${merge ? ' --merge' : ''}${looks ? ' --all' : ''}`, state, async ({context}, present) => {
      const session = await this.machine.session()
      if (!session?.main) return 'has no file'
      const look = looks ? (await lookAtSessions(context, [session])).get(SESSION) : undefined
      const {action} = await pushSession(context, session, {merge, ...(look && {look})})
      this.#stored(present)
      this.#world.count(`push: ${action}`)
      return action
    })
  }

  /** Two at once: they share what they remember, or each has its own. */
  async pushTwice(): Promise<void> {
    const {rng} = this.#world
    this.push()
    await untilQuiet()
    this.push(rng.chance(0.5) ? {state: 'own-state'} : {})
  }

  status(): void {
    this.#run('status', 'state', async ({context}, present) => {
      const session = await this.machine.session()
      if (!session?.main) return 'has no file'
      const {sessions, allStored} = await statusOf(context, [session], {processes: noProcesses, concurrency: 1})
      if (allStored) this.#stored(present)
      const state = sessions[0]?.state ?? ''
      if (state === 'failed' && !EXPECTED.has(sessions[0]?.error?.code ?? '')) {
        throw new Violation(`${this.machine.name} status fails: ${JSON.stringify(sessions[0]?.error)}`)
      }
      this.#world.count(`status: ${state}`)
      return state
    })
  }

  pull({merge = this.#world.rng.chance(0.3)} = {}): void {
    const {ledger} = this.#world
    this.#run(`pull${merge ? ' --merge' : ''}`, 'state', async ({context}, present) => {
      const owed = ledger.owed
      const {action} = await pullSession(context, SESSION, {
        projectKey: this.machine.projectKey,
        merge,
        processes: noProcesses,
      })
      this.#checkPulled(owed, present)
      this.#takesTurn()
      this.#world.count(`pull: ${action}`)
      return action
    })
  }

  /** Takes the lease, brings the session here, starts a claude and follows it, as `resume` does. */
  resume(): void {
    const {rng, count, ledger} = this.#proxy()
    if (this.isBusy) return
    const force = rng.chance(this.#options.force ?? 0.15)
    this.#run(`resume${force ? ' --force' : ''}`, 'state', async (program, present) => {
      const {context} = program
      const {projectKey} = this.machine
      const lease = await holdSession(context, SESSION, {force})
      const ref = {sessionId: SESSION, homeKey: await context.homes.settle(SESSION, projectKey)}
      const mirror = new SessionMirror(context, lease, ref, {projectKey})
      const owed = ledger.owed
      try {
        await mirror.settle()
        await prepareSession(context, SESSION, {projectKey, force: true, processes: noProcesses})
        this.#checkPulled(owed, present)
        await mirror.begin()
      } catch (error) {
        await mirror[Symbol.asyncDispose]()
        if (codeOf(error) !== 'STORE_UNREACHABLE') await lease.release().catch(() => undefined)
        throw error
      }
      mirror.start(() => this.#world.network.say(program.name, 'learns that its lease is lost'))
      this.#following = {program, lease, mirror}
      this.#takesTurn()
      count('resumed')
      return 'follows'
    })
  }

  /** The same where the store cannot keep a lease: pushed again and again. */
  resumeLeaseless(): void {
    const {count, ledger} = this.#proxy()
    if (this.isBusy) return
    this.#run('resume --no-lease', 'state', async (program, present) => {
      const {projectKey} = this.machine
      const owed = ledger.owed
      await prepareSession(program.context, SESSION, {projectKey, force: true, processes: noProcesses})
      this.#checkPulled(owed, present)
      const mirror = new UnleasedMirror(program.context, SESSION, {projectKey})
      mirror.start()
      this.#following = {program, mirror}
      this.#takesTurn()
      count('resumed without a lease')
      return 'follows'
    })
  }

  /** Claude has ended: the rest is stored. */
  finish({program, lease, mirror}: Mirroring, patience = this.#patience()): void {
    const {network, count} = this.#proxy()
    this.#following = undefined
    const impatient = new AbortController()
    if (Number.isFinite(patience)) {
      const give = (): void => impatient.abort()
      void program.context.clock.sleep(patience).then(give, give)
    }
    this.#attend(program, 'finish', async (present) => {
      const report = await mirror.finish(impatient.signal)
      if (report.complete) this.#stored(present)
      else network.say(program.name, 'is not complete:', report.error?.code)
      if (
        program.isAlive &&
        report.error &&
        !EXPECTED.has(report.error.code) &&
        report.error.code !== 'SYNC_INCOMPLETE'
      )
        throw report.error
      count(report.complete ? 'finished' : 'finished incomplete')
      if (report.complete && mirror.clean) await lease?.release().catch(() => undefined)
      return report.complete ? 'complete' : 'incomplete'
    })
  }

  /** The machine loses power: or one process is killed. */
  crash(): void {
    const {rng, network, count} = this.#proxy()
    const [only] = this.#busy.keys()
    if (only && rng.chance(0.4)) {
      network.say(only.name, 'is killed')
      only.kill()
      this.#busy.delete(only)
      return
    }
    network.say(this.machine.name, 'crashes')
    count('crashes')
    if (this.#following && rng.chance(0.3)) this.copy.append('{"torn by a crash":')
    this.killAll()
    if (rng.chance(0.3)) {
      this.machine.loseState()
      network.say(this.machine.name, 'loses what it remembers')
    }
  }

  killAll(): void {
    this.machine.killAll()
    this.#busy.clear()
    // Its loops sleep for ever; they let go of what they watch.
    if (this.#following?.mirror instanceof SessionMirror) void this.#following.mirror[Symbol.asyncDispose]()
    this.#following = undefined
  }

  #patience(): number {
    const {rng} = this.#world
    return rng.chance(0.2) ? rng.int(1, 20_000) : Number.POSITIVE_INFINITY
  }

  #mayEdit(): boolean {
    return ![...this.#busy.values()].some((what) => /^(pull|resume|finish)/.test(what))
  }

  #run(what: string, state: string, work: (program: Program, present: Set<string>) => Promise<string>): void {
    if (this.#busy.size >= 3) return
    const mayNot = this.#following || [...this.#busy.values()].some((each) => !/^(push|status)/.test(each))
    if (/^(pull|resume)/.test(what) && mayNot) return
    const begun = this.machine.begin(state)
    void begun.then((program) => this.#attend(program, what, (present) => work(program, present)))
  }

  /** Runs it; what it waits for is decided by the schedule. */
  #attend(program: Program, what: string, work: (present: Set<string>) => Promise<string>): void {
    const {network} = this.#world
    const present = this.copy.keys
    this.#steady.add(present)
    this.#busy.set(program, what)
    network.say(program.name, 'begins', what)
    this.failure = undefined
    const ended = (how: string): void => {
      if (!program.isAlive) return
      network.say(program.name, what, 'ends:', how)
      this.answer = how
      this.#steady.delete(present)
      this.#busy.delete(program)
      if (this.#following?.program !== program) program.kill()
    }
    work(present).then(ended, (error: unknown) => {
      if (!program.isAlive) return
      const code = codeOf(error)
      ended(code)
      this.failure = code
      if (error instanceof Violation) this.broken = error.message
      else if (!EXPECTED.has(code)) {
        this.broken = `${program.name} ${what} fails: ${code} ${error instanceof Error ? (error.stack ?? '') : ''}`
      } else this.#world.count(`${what.split(' ', 1)[0]}: ${code}`)
    })
  }

  /** People mostly go on where the session is whole. */
  #takesTurn(): void {
    this.#world.turn = this.machine
  }

  #stored(present: ReadonlySet<string>): void {
    this.#world.ledger.acknowledge(present)
  }

  /** Everything that was promised before the pull began is here, nothing twice, and nothing that was here has gone. */
  #checkPulled(owed: readonly string[], present: ReadonlySet<string>): void {
    const {limbo} = this.#world.ledger
    const keys = this.copy.lines.map(keyOf)
    const here = new Set(keys)
    const missing = owed.filter((key) => !here.has(key) && !limbo.has(key))
    if (missing.length > 0) throw new Violation(`C2 a pull to ${this.machine.name} lacks ${missing.join(' ')}`)
    const gone = [...present].filter((key) => !here.has(key))
    if (gone.length > 0) throw new Violation(`a pull to ${this.machine.name} took away ${gone.join(' ')}`)
    const messages = keys.filter((key) => key.startsWith('uuid:'))
    const twice = messages.filter((key, index) => messages.indexOf(key) !== index)
    if (twice.length > 0) throw new Violation(`C2 a pull to ${this.machine.name} brings twice ${twice.join(' ')}`)
  }

  #proxy() {
    const {rng, lines, network, ledger} = this.#world
    return {rng, lines, network, ledger, count: (what: string) => this.#world.count(what)}
  }
}
