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
import {Violation} from '../violation.js'
import {checkPulled} from './check-pulled.js'
import {Claude} from './claude.js'
import {Errands, EXPECTED} from './errands.js'
import type {LocalCopy} from './local-copy.js'
import {noProcesses} from '../no-processes.js'
import type {Machine, Program} from './machine.js'
import {SESSION, type SyncOptions, type SyncWorld, untilQuiet} from './world.js'

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
  readonly #world: SyncWorld
  readonly #options: SyncOptions
  readonly #errands: Errands
  readonly #claude: Claude
  /** A claude runs, and is mirrored. */
  #following: Mirroring | undefined
  constructor(world: SyncWorld, machine: Machine, options: SyncOptions) {
    this.#world = world
    this.machine = machine
    this.#options = options
    this.#errands = new Errands(world, machine, (program) =>
      program ? this.#following?.program === program : this.isFollowing,
    )
    this.#claude = new Claude(world, machine, this.#errands, options)
  }

  get broken(): string | undefined {
    return this.#errands.broken
  }

  /** Of the last errand that ended: what it said, or the code of its failure. */
  get answer(): string {
    return this.#errands.answer
  }

  get failure(): string | undefined {
    return this.#errands.failure
  }

  get copy(): LocalCopy {
    return this.machine.copy
  }

  get isBusy(): boolean {
    return this.#errands.isBusy
  }

  get isFollowing(): boolean {
    return this.#following !== undefined
  }

  /** Claude writes a line. */
  write(): void {
    this.#claude.write()
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
      if (dice < 0.45) this.#edit()
      else if (dice < 0.53) this.finish(following)
      else if (dice < 0.6) this.push()
      else if (dice < 0.65) this.status()
      return
    }
    const activities: [number, () => unknown][] = [
      [3 * edits, () => this.#edit()],
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

  #edit(): void {
    const {isFollowing: isFollowed, isBusy} = this
    this.#claude.edit({isFollowed, isBrought: this.#errands.movesFile, isBusy})
  }

  push({merge = this.#world.rng.chance(0.3), state = 'state'} = {}): void {
    const looks = this.#world.rng.chance(0.3)
    this.#errands.begin(`push${merge ? ' --merge' : ''}${looks ? ' --all' : ''}`, state, async ({context}, present) => {
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
    this.#errands.begin('status', 'state', async ({context}, present) => {
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
    this.#errands.begin(`pull${merge ? ' --merge' : ''}`, 'state', async ({context}, present) => {
      const owed = ledger.owed
      const {action} = await pullSession(context, SESSION, {
        projectKey: this.machine.projectKey,
        merge,
        processes: noProcesses,
      })
      checkPulled(this.#world, this.machine, owed, present)
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
    this.#errands.begin(`resume${force ? ' --force' : ''}`, 'state', async (program, present) => {
      const {context} = program
      const {projectKey} = this.machine
      const lease = await holdSession(context, SESSION, {force})
      const ref = {sessionId: SESSION, homeKey: await context.homes.settle(SESSION, projectKey)}
      const mirror = new SessionMirror(context, lease, ref, {projectKey})
      const owed = ledger.owed
      try {
        await mirror.settle()
        await prepareSession(context, SESSION, {projectKey, force: true, processes: noProcesses})
        checkPulled(this.#world, this.machine, owed, present)
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
    this.#errands.begin('resume --no-lease', 'state', async (program, present) => {
      const {projectKey} = this.machine
      const owed = ledger.owed
      await prepareSession(program.context, SESSION, {projectKey, force: true, processes: noProcesses})
      checkPulled(this.#world, this.machine, owed, present)
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
    this.#errands.attend(program, 'finish', async (present) => {
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
    const {first} = this.#errands
    if (first && rng.chance(0.4)) {
      network.say(first.name, 'is killed')
      this.#errands.kill(first)
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
    this.#errands.forget()
    // Its loops sleep for ever; they let go of what they watch.
    if (this.#following?.mirror instanceof SessionMirror) void this.#following.mirror[Symbol.asyncDispose]()
    this.#following = undefined
  }

  #patience(): number {
    const {rng} = this.#world
    return rng.chance(0.2) ? rng.int(1, 20_000) : Number.POSITIVE_INFINITY
  }

  /** People mostly go on where the session is whole. */
  #takesTurn(): void {
    this.#world.turn = this.machine
  }

  #stored(present: ReadonlySet<string>): void {
    this.#world.ledger.acknowledge(present)
  }

  #proxy() {
    const {rng, network, ledger} = this.#world
    return {rng, network, ledger, count: (what: string) => this.#world.count(what)}
  }
}
