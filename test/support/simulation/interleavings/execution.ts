import {EXPECTED} from '../actor.js'
import {checkPromises, sightOf} from '../checks.js'
import type {Core} from '../core.js'
import {codeOf} from '../network.js'
import {checkReference} from '../reference-check.js'
import {Rng} from '../rng.js'
import {drain} from '../simulate.js'
import {Stage} from '../stage.js'
import {isWrite} from '../travelling-client.js'
import {Violation} from '../violation.js'
import {type Checked, Ledger, REF} from '../world.js'
import {type Choice, nameOf} from './choice.js'
import {ExploredProcess, type Flying} from './process.js'
import type {Scene} from './scene.js'
import {Fingerprints} from './fingerprints.js'

const MAX_ROUNDS = 4

export interface Rules {
  /** How often something goes wrong at most. */
  readonly faults: number
  /** Requests for metadata that a process has under way at once. */
  readonly atOnce: number
}

/** One schedule of a scene, taken choice by choice. */
export class Execution {
  readonly #core: Core
  readonly #scene: Scene
  readonly #stage: Stage
  readonly #ledger = new Ledger()
  readonly #processes: readonly ExploredProcess[]
  readonly #prints: Fingerprints
  readonly #dead = new Set<number>()
  readonly path: Choice[] = []
  #faults: number
  #broken: string | undefined

  private constructor(core: Core, scene: Scene, {faults}: Rules) {
    this.#core = core
    this.#scene = scene
    this.#stage = new Stage(core)
    this.#prints = new Fingerprints(this.#stage.memory)
    this.#processes = Object.keys(scene.processes).map((name) => new ExploredProcess(name, this.#stage.memory))
    this.#faults = faults
  }

  static async begin(core: Core, scene: Scene, rules: Rules): Promise<Execution> {
    const execution = new Execution(core, scene, rules)
    await scene.prepare(execution.#stage, execution.#ledger)
    for (const [index, process] of execution.#processes.entries()) {
      const work = scene.processes[process.name]
      if (work) execution.#start(process, index, work, rules)
    }
    await drain()
    return execution
  }

  /**
   * In an order that does not depend on when what was sent. A private request goes first: it matters to its sender alone, and a crash
   * before it is one after it.
   */
  get choices(): readonly Choice[] {
    const flying = this.#processes.flatMap((process) => process.flying)
    const own = flying.find(({request, isOrphan}) => !isOrphan && this.#scene.isPrivate(request))
    const next = own ? [own] : flying
    const lands = next.map(({id, request}): Choice => ({kind: 'land', id, request}))
    if (this.#faults === 0) return sorted(lands)
    const waiting = next.filter(({isOrphan}) => !isOrphan)
    const writes = waiting.filter(({request}) => !own && isWrite(request))
    return sorted([
      ...lands,
      ...writes.map(({id}): Choice => ({kind: 'again', id})),
      ...waiting.map(({id}): Choice => ({kind: 'fail', id})),
      ...this.#processes
        .filter(({isWaiting}) => !own && isWaiting)
        .map(({name}): Choice => ({kind: 'crash', id: name})),
    ])
  }

  /** Nobody waits for anything; what was lost on the way may land yet. */
  get isOver(): boolean {
    return this.#processes.every(({isWaiting}) => !isWaiting)
  }

  async take(choice: Choice): Promise<void> {
    this.path.push(choice)
    if (choice.kind !== 'land') this.#faults--
    if (choice.kind === 'crash') this.#crash(choice.id)
    else if (choice.kind === 'fail') this.#fail(this.#find(choice))
    else await this.#land(this.#find(choice), choice.kind === 'again')
    await drain()
    if (this.#broken !== undefined) throw this.#violation(this.#broken)
  }

  /** Two schedules that come to the same one go on in the same ways. */
  async fingerprint(): Promise<string> {
    const dead = this.#processes.filter(({isDead}) => isDead).map(({name}) => name)
    const orphans = this.#processes.flatMap(({flying}) => flying.filter(({isOrphan}) => isOrphan).map(({id}) => id))
    return this.#prints.of([...dead, ...orphans.toSorted(), `${this.#faults}`])
  }

  /** C1, R1 and R2, for our readers and for those that know nothing of merges. */
  async check(): Promise<void> {
    await this.#checkAt(this.#checked())
  }

  /** When all are done: who compacts then loses nothing either, and comes to an end. */
  async checkEnd(): Promise<void> {
    const copy = await this.#stage.copy()
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const done = await this.#core.compactTranscript(copy.context(), REF, {growth: 1, grace: 0})
      await this.#checkAt(this.#checked(copy))
      if (done.merged + done.deleted === 0) return
    }
    throw this.#violation('compacting it again and again never ends')
  }

  #start(client: ExploredProcess, index: number, work: Scene['processes'][string], {atOnce}: Rules): void {
    const rng = new Rng(index + 1)
    const {clock} = this.#stage.context()
    const random = {bytes: (count: number) => Uint8Array.from({length: count}, () => rng.int(0, 255)), uuid: () => ''}
    const context = {parts: new this.#core.Parts(client, {concurrency: atOnce}), clock, random, machine: client.name}
    const role = {core: this.#core, context, ledger: this.#ledger, dead: this.#dead, pid: index + 1}
    work(role).catch((error: unknown) => {
      if (client.isDead || EXPECTED.has(codeOf(error))) return
      this.#broken = `${client.name} fails: ${error instanceof Error ? (error.stack ?? '') : codeOf(error)}`
    })
  }

  #find({id}: Choice): Flying {
    const found = this.#processes.flatMap(({flying}) => flying).find((each) => each.id === id)
    if (!found) throw new Error(`not one schedule for one list of choices: ${id}`)
    return found
  }

  async #land(flying: Flying, again: boolean): Promise<void> {
    const {id, process, isOrphan} = flying
    const outcome = await flying.land()
    if (isWrite(flying.request)) await this.#prints.wrote(flying.request.key, id)
    if (again) process.orphan(flying)
    else process.landed(flying)
    if (isOrphan) return
    this.#prints.answered(id, outcome)
    flying.answer(outcome)
  }

  #fail(flying: Flying): void {
    const reason = this.#core.storeError('STORE_UNREACHABLE', `no answer to ${flying.id}`)
    flying.process.orphan(flying)
    this.#prints.answered(flying.id, {status: 'rejected', reason})
    flying.answer({status: 'rejected', reason})
  }

  #crash(name: string): void {
    const index = this.#processes.findIndex((process) => process.name === name)
    this.#processes[index]?.crash()
    this.#dead.add(index + 1)
  }

  #checked(stage = this.#stage): Checked {
    return {
      core: this.#core,
      ledger: this.#ledger,
      memory: stage.memory,
      oracle: new this.#core.Parts(stage.memory),
      merged: new Set(this.#processes.flatMap(({merged}) => [...merged])),
      count: () => undefined,
    }
  }

  async #checkAt(checked: Checked): Promise<void> {
    try {
      const sight = await sightOf(checked)
      await checkPromises(checked, sight)
      checkReference(checked, sight)
    } catch (error) {
      throw this.#violation(error instanceof Violation ? error.message : String(error))
    }
  }

  #violation(message: string): Violation {
    return new Violation(`${message}\n  after ${this.path.map(nameOf).join('\n        ')}`)
  }
}

function sorted(choices: readonly Choice[]): readonly Choice[] {
  return choices.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}
