import {describe, expect, test} from 'vitest'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {LeasedTranscript} from '../../src/store/leased-transcript.js'
import {appendPoint, appendUnleased} from '../../src/store/unleased.js'
import {viewTranscript} from '../../src/store/view.js'
import {writeLoose} from '../../src/store/write-part.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {deliveredBytes} from '../../src/store/bytes.js'
import {core} from '../support/simulation/core.js'
import {encode, type LineText} from '../support/simulation/lines.js'
import {Rng} from '../support/simulation/rng.js'
import {Stage, StageLease} from '../support/simulation/stage.js'
import {linesOf} from '../support/simulation/collect.js'
import {keyOf} from '../support/simulation/sync/local-copy.js'
import {digestOf} from '../support/simulation/world.js'
import {SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-home-a', sessionId: SESSION}
const {REPRISE_SIM_RUNS: runs, FULL: full} = process.env
const RUNS = full ? 2_000 : Number(runs ?? 40)

/** Whoever writes does so to the end, while the reader waits for an answer. */
class Writers {
  readonly stage = new Stage(core)
  readonly #lease = new StageLease(core, 1)
  readonly #transcript: LeasedTranscript
  readonly #rng: Rng
  #next = 0
  /** Stored, and removed by nobody. */
  readonly owed = new Set<string>()
  readonly done: string[] = []

  constructor(rng: Rng) {
    this.#rng = rng
    this.#transcript = new LeasedTranscript(this.stage.context(), this.#lease, REF, {grace: 0})
  }

  async write(): Promise<void> {
    this.stage.now += this.#rng.int(1, 5_000)
    this.#lease.date = this.stage.now
    const act = this.#rng.pick(['append', 'append', 'rewrite', 'rewrite', 'loose', 'fork', 'adopt'] as const)
    this.done.push(act)
    if (act === 'loose') await this.#loose()
    else if (act === 'fork') await this.#fork()
    else {
      await this.#transcript.settle()
      if (act !== 'adopt') await this.#rebaseTo(act)
      await this.#transcript.tidy()
    }
  }

  async #rebaseTo(act: 'append' | 'rewrite'): Promise<void> {
    const before = await this.#stored()
    const at = act === 'rewrite' && before.length > 0 ? this.#rng.int(0, before.length - 1) : before.length
    const gone = before[at]
    if (gone !== undefined) this.owed.delete(keyOf(gone))
    const line = this.#fresh()
    const whole = encode([...before.slice(0, at), line, ...before.slice(at + 1)])
    if (gone === undefined) {
      await this.#transcript.append({to: whole.length, after: digestOf(whole), entries: 1, body: encode([line])})
    } else {
      await this.#transcript.rebase({
        length: whole.length,
        async *read(start, end) {
          yield whole.subarray(start, end)
        },
      })
    }
    this.owed.add(keyOf(line))
  }

  async #loose(): Promise<void> {
    const line = this.#fresh()
    const {listing} = await viewTranscript(this.stage.parts, REF)
    await writeLoose(this.stage.context(), REF, encode([line]), core.lastMs(listing))
    this.owed.add(keyOf(line))
  }

  /** Two that append at one place, without a lease. */
  async #fork(): Promise<void> {
    const point = appendPoint(await viewTranscript(this.stage.parts, REF))
    if (!point) return
    const before = await this.#stored()
    for (const line of [this.#fresh(), this.#fresh()]) {
      const whole = encode([...before, line])
      const tail = {to: whole.length, after: digestOf(whole), entries: 1, body: encode([line])}
      await appendUnleased(this.stage.context(), REF, point, tail)
      this.owed.add(keyOf(line))
    }
  }

  async #stored(): Promise<LineText[]> {
    return linesOf(deliveredBytes((await viewTranscript(this.stage.parts, REF)).delivery, this.stage.parts))
  }

  #fresh(): LineText {
    return `{"uuid":"u${++this.#next}"}\n`
  }
}

const CALLS = new Set(['head', 'get', 'list'])

/** The store of a reader that waits for each of its answers: `before` runs before each request, until it says that it is enough. */
function suspended(stage: Stage, before: () => Promise<void>): ObjectStore {
  return new Proxy(stage.memory, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name)
      if (typeof found !== 'function') return found
      const call = (found as (...all: unknown[]) => unknown).bind(target)
      if (!CALLS.has(String(name))) return call
      if (name === 'list') {
        return (...all: unknown[]) =>
          (async function* () {
            await before()
            yield* call(...all) as AsyncIterable<unknown>
          })()
      }
      return async (...all: unknown[]) => {
        await before()
        return call(...all)
      }
    },
  })
}

describe('a reader whose every request travels, while others append, rewrite, fork and adopt', () => {
  test.each([
    ['now and then', 0.3, 30],
    ['in each of many gaps', 1, 12],
  ])(
    'gets what was stored before it began, once: writes %s',
    async (_, share, most) => {
      let gaps = 0
      let read = 0
      for (let seed = 1; seed <= RUNS; seed++) {
        const rng = new Rng(seed)
        const writers = new Writers(rng)
        for (let each = 0; each < 5; each++) await writers.write()
        await writers.stage.memory.put(`.reprise/home/${SESSION}`, Buffer.from(REF.homeKey), {mode: {type: 'create'}})
        let left = most
        let writing = Promise.resolve()
        const store = suspended(writers.stage, () => {
          if (left > 0 && rng.chance(share)) {
            left--
            gaps++
            writing = writing.then(() => writers.write())
          }
          return writing
        })
        const before = new Set(writers.owed)
        await using reader = await SyncWorker.start(store, 'reader')
        await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes}).catch(
          (error: unknown) => {
            if (!isBusy(error)) throw error
          },
        )
        const keys = await reader.read('-r').then(
          (text) => text.split(/(?<=\n)/).map(keyOf),
          () => undefined,
        )
        if (!keys) continue
        read++
        const missing = [...before].filter((key) => writers.owed.has(key) && !keys.includes(key))
        const twice = keys.filter((key, at) => keys.indexOf(key) !== at)
        expect({seed, missing, twice}, writers.done.join(' ')).toEqual({seed, missing: [], twice: []})
      }
      expect(gaps).toBeGreaterThan(RUNS)
      expect(read).toBeGreaterThan(RUNS / 2)
    },
    600_000,
  )
})

/** Parts moved so often that it gave up, and wrote nothing. */
function isBusy(error: unknown): boolean {
  return core.hasCode(error, 'TRANSCRIPT_BUSY', 'OBJECT_NOT_FOUND')
}
