import {expect, test} from 'vitest'
import {systemRandom} from '../../src/base/system.js'
import {ObjectStoreDecorator, type ChangedOptions, type DecoratedCall} from '../../src/object-store/decorator.js'
import {leaseContext} from '../../src/sync/context.js'
import {core} from '../support/simulation/core.js'
import {patientOf} from '../support/simulation/patient.js'
import {Stage} from '../support/simulation/stage.js'
import {REF} from '../support/simulation/world.js'

const [A, B, C, D, LATE] = ['a', 'b', 'c', 'd', 'late'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  string,
  string,
  string,
  string,
  string,
]

/** Somebody else writes before the nth call that goes this way. */
class Overtaken extends ObjectStoreDecorator {
  readonly #overtake: () => Promise<unknown>
  #left: number

  constructor(inner: Stage['memory'], nth: number, overtake: () => Promise<unknown>) {
    super(inner)
    this.#left = nth
    this.#overtake = overtake
  }

  get isOver(): boolean {
    return this.#left <= 0
  }

  protected override async around<T>(_: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    if (--this.#left === 0) await this.#overtake()
    return run({})
  }
}

/** @returns whether the other wrote while the sweep was under way. */
async function sweepBesideWriter(nth: number): Promise<boolean> {
  const stage = new Stage(core)
  const context = {...stage.context(), random: systemRandom}
  const earlier = leaseContext(patientOf(core, context, 1).sync)
  for (const _ of [1, 2]) await (await core.SessionLease.acquire(earlier, REF.sessionId)).release()
  await stage.put({chain: [A], from: 0, ms: 1, epoch: 1, leased: true})
  await stage.put({chain: [A, B], from: 1, ms: 2, epoch: 2, leased: true})
  await stage.put({chain: [A, LATE], from: 1, ms: 3, epoch: 1, leased: true})
  stage.now += 3_600_000
  const write = async () => stage.put({chain: [A, B, C], from: 2, ms: 4, epoch: 2})
  const store = new Overtaken(stage.memory, nth, write)
  const patient = patientOf(core, {...context, parts: new core.Parts(store)}, 2)
  const found = await core.transcriptsCheck.look(patient, {tell: () => undefined})
  expect(found.map(({code}) => code)).toEqual(['fenced-parts'])
  await found[0]?.fix?.()
  expect(await stage.delivered(), `before call ${nth}`).toBe(store.isOver ? A + B + C : A + B)
  return store.isOver
}

test('who sweeps takes nothing away from one who writes without a lease meanwhile', async () => {
  let nth = 1
  while (await sweepBesideWriter(nth)) nth++
  expect(nth).toBeGreaterThan(20)
})

test('who finds parts whose predecessor a copy of the bucket lost puts nothing on top of the chain', async () => {
  const stage = new Stage(core)
  const context = {...stage.context(), random: systemRandom}
  const dead = leaseContext(patientOf(core, context, 1).sync)
  await (await core.SessionLease.acquire(dead, REF.sessionId)).release()
  await core.SessionLease.acquire(dead, REF.sessionId)
  await stage.put({chain: [A], from: 0, ms: 1, epoch: 2, leased: true})
  await stage.put({chain: [A, B], from: 1, ms: 2, epoch: 2, leased: true})
  await stage.put({chain: [A, LATE], from: 1, ms: 3, epoch: 1, leased: true})
  const lost = await stage.put({chain: [A, B, C], from: 2, ms: 4, epoch: 2, leased: true})
  await stage.put({chain: [A, B, C, D], from: 3, ms: 5, epoch: 2, leased: true})
  await stage.memory.put(lost.key, Buffer.from(C), {mode: {type: 'overwrite'}})
  stage.now += 3_600_000
  const patient = patientOf(core, context, 2, () => true)
  const found = await core.transcriptsCheck.look(patient, {tell: () => undefined})
  expect(found.map(({code}) => code)).toContain('fenced-parts')
  for (const {fix} of found) await fix?.()
  expect(await stage.delivered()).toBe(A + B + C + D)
})
