import type {Found} from '../../../src/doctor/finding.js'
import type {Patient} from '../../../src/doctor/patient.js'
import {Actor} from './actor.js'
import {codeOf} from './network.js'
import {patientOf} from './patient.js'

/** What mends it leaves for another time, as `doctor --fix` does. */
const BUSY = new Set(['LEASE_HELD', 'LEASE_LOST', 'TRANSCRIPT_BUSY'])

/** `doctor --fix`, and now and then the `compact` that it names for what it does not mend itself. */
export class Doctor extends Actor {
  get believed(): undefined {
    return undefined
  }

  act(): void {
    const {world} = this
    const began = world.network.moment
    const isNamed = world.rng.chance(0.4)
    const grace = world.rng.pick([0, undefined])
    this.start(async () => {
      const changed = isNamed ? await this.#compact(grace) : await this.#fix()
      if (changed) world.network.runs.ended(this.name, began)
    })
  }

  async #fix(): Promise<boolean> {
    const {core} = this.world
    const patient = this.#patient()
    const run = {tell: () => undefined}
    const found = [...(await core.transcriptsCheck.look(patient, run)), ...(await core.leasesCheck.look(patient, run))]
    let fixed = false
    for (const each of found) if (await this.#mend(each)) fixed = true
    return fixed
  }

  async #mend({code, fix}: Found): Promise<boolean> {
    const {network} = this.world
    const done = await fix?.().catch((error: unknown) => {
      if (!BUSY.has(codeOf(error))) throw error
    })
    if (done === undefined) return false
    network.say(this.name, 'mends', code, done)
    network.count(`mended: ${code}`)
    return true
  }

  async #compact(grace: number | undefined): Promise<boolean> {
    const {core, network} = this.world
    const {sync, survey} = this.#patient()
    const [listing] = await survey.stored()
    if (!listing) return false
    const {session} = await core.compactSession(sync, listing, {grace})
    network.say(this.name, 'compacts:', session.action)
    network.count(`compacted: ${session.action}`)
    return session.action === 'adopted' || session.action === 'compacted'
  }

  /** A new process each time, on the machine whose processes crash. */
  #patient(): Patient {
    const {world} = this
    this.pid = world.id()
    return patientOf(world.core, this.context(), this.pid, ({pid}) => world.dead.has(pid))
  }

  protected reset(): void {}
}
