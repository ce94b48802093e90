import {codeOf} from '../network.js'
import {Violation} from '../violation.js'
import type {Machine, Program} from './machine.js'
import type {SyncWorld} from './world.js'

/** Rejections that a caller expects: it tries again, or asks somebody. */
export const EXPECTED = new Set([
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

/** The commands and launches of a machine that have not ended. */
export class Errands {
  broken: string | undefined
  /** Of the last one that ended: what it said, or the code of its failure. */
  answer = ''
  failure: string | undefined
  /** For each report to come: entries that the file had all the time since it was begun. */
  readonly steady = new Set<Set<string>>()
  readonly #world: SyncWorld
  readonly #machine: Machine
  readonly #isKept: (program?: Program) => boolean
  readonly #busy = new Map<Program, string>()

  /** @param isKept whether a program goes on when its errand has ended; without one, whether any does. */
  constructor(world: SyncWorld, machine: Machine, isKept: (program?: Program) => boolean) {
    this.#world = world
    this.#machine = machine
    this.#isKept = isKept
  }

  get isBusy(): boolean {
    return this.#busy.size > 0
  }

  /** The session's file is being brought here, or its last lines are being stored. */
  get movesFile(): boolean {
    return [...this.#busy.values()].some((what) => /^(pull|resume|finish)/.test(what))
  }

  /** One that was begun first. */
  get first(): Program | undefined {
    return this.#busy.keys().next().value
  }

  kill(program: Program): void {
    program.kill()
    this.#busy.delete(program)
  }

  forget(): void {
    this.#busy.clear()
  }

  begin(what: string, state: string, work: (program: Program, present: Set<string>) => Promise<string>): void {
    if (this.#busy.size >= 3) return
    const mayNot = this.#isKept() || [...this.#busy.values()].some((each) => !/^(push|status)/.test(each))
    if (/^(pull|resume)/.test(what) && mayNot) return
    const begun = this.#machine.begin(state)
    void begun.then((program) => this.attend(program, what, (present) => work(program, present)))
  }

  /** Runs it; what it waits for is decided by the schedule. */
  attend(program: Program, what: string, work: (present: Set<string>) => Promise<string>): void {
    const {network} = this.#world
    const present = this.#machine.copy.keys
    this.steady.add(present)
    this.#busy.set(program, what)
    network.say(program.name, 'begins', what)
    this.failure = undefined
    const ended = (how: string): void => {
      if (!program.isAlive) return
      network.say(program.name, what, 'ends:', how)
      this.answer = how
      this.steady.delete(present)
      this.#busy.delete(program)
      if (!this.#isKept(program)) program.kill()
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
}
