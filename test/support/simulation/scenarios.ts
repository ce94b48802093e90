import {transcriptOf} from './collect.js'
import type {Core} from './core.js'
import {encode, type LineText} from './lines.js'
import {COMPACTION_SCENARIOS} from './compaction-scenarios.js'
import {delayedPut, same, Stage, StageLease} from './stage.js'
import {digestOf, REF} from './world.js'

/** A schedule written by hand, for a rule that random ones hardly ever need. Rejects when the rule does not hold. */
export type Scenario = (core: Core) => Promise<void>

const [A, B, C, X] = ['a', 'b', 'c', 'x'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  LineText,
  LineText,
  LineText,
  LineText,
]
const MODE: LineText = '{"type":"mode"}\n'

export const SCENARIOS = {
  ...COMPACTION_SCENARIOS,

  'a middle part that differs ends what a listing can tell': async (core) => {
    const part = (ms: number, digits: string) =>
      core.listedPart(core.transcriptPrefix(REF) + core.formatPartName({ms, digits}), 1, 'e', 0)
    const measured = new Map([
      [1, digest('a')],
      [2, digest('ab')],
    ])
    const right = core.chainDigits(digest('ab').digest, 1)
    same(core.listedPrefix([part(1, 'ffffff'), part(2, right)], measured), undefined)
    same(core.listedPrefix([part(1, core.chainDigits(digest('a').digest, 0)), part(2, right)], measured), 2)
  },

  'two parts of one end and another beginning have other names': async (core) => {
    const after = digestOf(encode([A, B]))
    if (core.chainDigits(after, 0) === core.chainDigits(after, 14)) throw new Error('one name for two runs')
  },

  'a name that another write took is left to it': async (core) => {
    const stage = new Stage(core)
    const run = stage.run({chain: [A], from: 0})
    stage.now = 500
    const first = await core.writeRange(stage.context(), REF, run, {epoch: 1, leased: true, gen: 0}, 0)
    const second = await core.writeRange(stage.context(), REF, run, {epoch: 2, leased: true, gen: 0}, 0)
    same((await stage.keys(core.transcriptPrefix(REF))).length, 2)
    same([first.part.range.epoch, second.part.range.epoch], [1, 2])
    const again = await core.writeRange(stage.context(), REF, run, {epoch: 1, leased: true, gen: 0}, 0)
    same(again.part.name, first.part.name)
  },

  'a clock that is behind does not sort before what was seen': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: stage.now + 5_000})
    const view = await core.viewTranscript(stage.parts, REF)
    const point = core.appendPoint(view)
    if (!point) throw new Error('no end to append at')
    const {to, after, entries, body} = stage.run({chain: [A, B], from: 1})
    const {part} = await core.appendUnleased(stage.context(), REF, point, {to, after, entries, body})
    same(part.parsed?.ms, stage.now + 5_001)
  },

  'an entry with a uuid is given once': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.loose(2, [A, X])
    same(await stage.delivered(), A + X)
  },

  'a rebase that ends between a listing and its journals hides nothing': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.loose(2, [X])
    let adopted = false
    const store = stage.with({
      list: (options: {prefix: string}) => {
        const list = () => stage.memory.list(options)
        return (async function* () {
          if (options.prefix.startsWith('.reprise/rebase/') && !adopted) {
            adopted = true
            await settled(stage, new StageLease(core, 1))
          }
          yield* list()
        })()
      },
    })
    same(await stage.delivered(store), A + X)
  },

  "a dead holder's journal is marked, on top of a barrier": async (core) => {
    const stage = new Stage(core)
    await stage.loose(2, [X])
    await stage.put({chain: [A], from: 0, ms: 1})
    const adoption = await stage.put({chain: [A, X], from: 1, ms: 3, epoch: 2, leased: true, gen: 2})
    await core.createJournal(stage.memory, REF, adoption.name, [core.formatPartName({ms: 2, digits: 'abcdef'})])
    const seen: unknown[] = []
    const store = stage.with({
      put: async (key: string, body: Uint8Array, options: Parameters<Stage['memory']['put']>[2]) => {
        if (key.startsWith('.reprise/rebase/')) {
          const view = await core.viewTranscript(stage.parts, REF)
          seen.push(options.mode.type, view.resolution.end?.range.epoch, view.resolution.end?.size)
        }
        return stage.memory.put(key, body, options)
      },
    })
    await settled(stage, new StageLease(core, 5), store)
    same(seen, ['update', 5, 0])
    same(
      (await core.readJournals(stage.memory, REF)).map((journal) => journal.confirmed),
      [true],
    )
    same(await stage.delivered(), A + X)
  },

  'an unmarked journal counts as soon as its part is on the path': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    const loose = await stage.loose(4, [MODE])
    const adoption = await stage.put({chain: [A, MODE], from: 1, ms: 3, epoch: 2, leased: true, gen: 2})
    await core.createJournal(stage.memory, REF, adoption.name, [loose])
    same(await stage.delivered(), A + MODE)
  },

  'nothing is deleted by who has lost the lease': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.loose(2, [X])
    const lease = new StageLease(core, 1)
    const transcript = await settled(stage, lease)
    lease.date = stage.now + 1_000_000
    lease.lost = true
    same(await codeOf(transcript.tidy()), 'LEASE_LOST')
    same((await stage.keys(core.transcriptPrefix(REF))).length, 3)
  },

  'nothing is reported by who has lost the lease': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    const lease = new StageLease(core, 1)
    const transcript = await settled(stage, lease)
    lease.lost = true
    same(await codeOf(transcript.assure()), 'LEASE_LOST')
  },

  'a write that failed and lands after all outranks nothing': async (core) => {
    const stage = new Stage(core)
    const lease = new StageLease(core, 1)
    const {store, land} = delayedPut(stage)
    const transcript = await settled(stage, lease, store)
    const late = stage.run({chain: [A, B, C], from: 0})
    same(await codeOf(transcript.append(late)), 'STORE_UNREACHABLE')
    await transcript.settle()
    await transcript.append(stage.run({chain: [X], from: 0}))
    await land()
    same(await stage.delivered(), X)
  },

  'what a holder has stored is the path, however much others wrote in its epoch': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1, epoch: 1, leased: true})
    await stage.put({chain: [A, X, C], from: 1, ms: 2, epoch: 1})
    const own = await stage.put({chain: [A, B], from: 1, ms: 3, epoch: 1, leased: true})
    const {resolution} = await core.viewTranscript(stage.parts, REF)
    same(resolution.end?.name, own.name)
    same(await stage.delivered(), A + X + C + B)
  },

  "within an epoch the path is the lease holder's": async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1, epoch: 1, leased: true})
    await stage.put({chain: [A, B], from: 1, ms: 2, epoch: 1, leased: true})
    await stage.put({chain: [A, C, X], from: 1, ms: 3, epoch: 1, leased: false})
    const {resolution} = await core.viewTranscript(stage.context().parts, REF)
    same(resolution.end?.range.leased, true)
  },

  'a fork and the path give the run that they share once': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.put({chain: [A, MODE, C, X], from: 1, ms: 2})
    await stage.put({chain: [A, MODE, B], from: 1, ms: 3})
    same(await stage.delivered(), A + MODE + C + X + B)
  },

  'forks that go through each other give what they share once': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A, X], from: 0, ms: 1})
    await stage.put({chain: [A, X, C, C, C, C, C], from: 2, ms: 2})
    await stage.put({chain: [A, MODE], from: 1, ms: 3})
    await stage.put({chain: [A, MODE, MODE, B], from: 2, ms: 4})
    await stage.put({chain: [A, MODE, MODE, B], from: 1, ms: 5})
    same(await stage.delivered(), A + X + C.repeat(5) + MODE + MODE + B)
  },

  'forks are the same also where what came before them is gone': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [X], from: 0, ms: 1})
    await stage.put({chain: [A, B], from: 1, ms: 3})
    await stage.put({chain: [A, B, MODE], from: 2, ms: 4})
    await stage.put({chain: [A, B, MODE, MODE], from: 3, ms: 5})
    await stage.put({chain: [A, B, MODE, MODE], from: 1, ms: 6})
    same(await stage.delivered(), X + B + MODE + MODE)
  },

  'an input that outlived its neighbours is the merge that has its bytes': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [X], from: 0, ms: 1})
    await stage.put({chain: [A, B, MODE], from: 2, ms: 4})
    await stage.put({chain: [A, B, MODE, C], from: 1, ms: 6})
    same(await stage.delivered(), X + MODE + B + C)
  },

  'what stands behind lost metadata is adopted before anything cuts it off': async (core) => {
    const stage = new Stage(core)
    const rebase = await stage.put({chain: [A], from: 0, ms: 1, epoch: 2, gen: 2, leased: true})
    await core.createJournal(stage.memory, REF, rebase.name, [])
    // What lies between them is there, and does not say so any more.
    await stage.loose(2, [B])
    await stage.put({chain: [A, B, C], from: 2, ms: 3, epoch: 2, gen: 2, leased: true})
    const transcript = new core.LeasedTranscript(stage.context(), new StageLease(core, 3), REF, {grace: 0})
    await transcript.settle()
    same(await stage.delivered(), A + B + C)
    same(
      (await core.readJournals(stage.memory, REF)).map((journal) => journal.confirmed),
      [true, true],
    )
  },

  'a merge that was under way brings no line back that a rebase took in': async (core) => {
    const stage = new Stage(core)
    await stage.loose(1, [X])
    await stage.put({chain: [A], from: 0, ms: 2})
    await stage.put({chain: [A, MODE], from: 1, ms: 3})
    const transcript = new core.LeasedTranscript(stage.context(), new StageLease(core, 1), REF, {grace: 0})
    await transcript.settle()
    // Its listing was from before the rebase; meanwhile somebody without a lease had gone on.
    await stage.put({chain: [A, MODE, MODE, B], from: 0, ms: stage.now + 10})
    same(await stage.delivered(), X + A + MODE + MODE + B)
  },

  'a rebase gives what it took in also where what came before it lost its metadata': async (core) => {
    const stage = new Stage(core)
    const first = await stage.put({chain: [A], from: 0, ms: 1})
    await stage.put({chain: [A, MODE], from: 1, ms: 2})
    await stage.put({chain: [A, C], from: 1, ms: 3})
    const transcript = new core.LeasedTranscript(stage.context(), new StageLease(core, 1), REF, {grace: 0})
    await transcript.settle()
    await transcript.tidy()
    same(await stage.delivered(), A + MODE + C)
    await stage.memory.put(first.key, encode([A]), {mode: {type: 'overwrite'}})
    same(await stage.delivered(), A + MODE + C)
  },

  'what stood behind the place where a writer was cut off is kept when its part goes': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A, B], from: 0, ms: 1, epoch: 1, leased: true})
    await stage.put({chain: [A], from: 1, ms: 2, epoch: 2, leased: true})
    await stage.put({chain: [A, C], from: 1, ms: 3, epoch: 2, leased: true})
    const transcript = new core.LeasedTranscript(stage.context(), new StageLease(core, 3), REF, {grace: 0})
    await transcript.settle()
    same(await stage.delivered(), A + C)
    await transcript.rebase(transcriptOf(encode([X])))
    same(await stage.delivered(), X)
    const [late] = await stage.keys(core.latePrefix(REF))
    same(late === undefined ? '' : await stage.object(late), A + B)
  },

  'bytes that a later part of the path has are given once': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.loose(2, [MODE])
    await stage.put({chain: [A, MODE], from: 1, ms: 3})
    same(await stage.delivered(), A + MODE)
  },

  'a cut goes back to where a displaced fork begins': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.put({chain: [A, B], from: 1, ms: 2})
    await stage.put({chain: [A, B, C], from: 2, ms: 3})
    await stage.put({chain: [A, X], from: 1, ms: 4})
    const view = await core.viewTranscript(stage.parts, REF)
    same(view.resolution.forks.length, 1)
    const {run} = await core.planRebase(view, core.deliveredBytes(view.delivery, stage.parts), stage.parts)
    same(run.from, A.length)
  },

  'a rebase leaves nothing that spans its cut': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A, B], from: 0, ms: 1, epoch: 1, leased: true})
    await stage.put({chain: [A, B, C], from: 0, ms: 2, epoch: 1, leased: true})
    const view = await core.viewTranscript(stage.parts, REF)
    const target = encode([A, B, X])
    const {run} = await core.planRebase(view, transcriptOf(target), stage.parts)
    same(run.from, 0)
  },

  'who holds no lease has no end to append at where loose parts stand': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.loose(2, [X])
    same(core.appendPoint(await core.viewTranscript(stage.parts, REF)), undefined)
  },

  'a holder sweeps only below a part of its own': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1, epoch: 3, leased: true})
    await stage.put({chain: [B], from: 0, ms: 2, epoch: 2, leased: true})
    const transcript = await settled(stage, new StageLease(core, 4))
    same(await transcript.sweep(), 0)
    await transcript.append(stage.run({chain: [A, C], from: 1}))
    same(await transcript.sweep(), 1)
    same((await stage.keys('.reprise/late/')).length, 1)
  },

  'a sweep spares a part that the path begins with': async (core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A, B], from: 0, ms: 1, epoch: 1, leased: true})
    await stage.put({chain: [A, C], from: 1, ms: 2, epoch: 4, leased: true})
    const transcript = await settled(stage, new StageLease(core, 4))
    await transcript.append(stage.run({chain: [A, C, X], from: 2}))
    same(await transcript.sweep(), 0)
    same(await stage.delivered(), A + C + X)
  },
  'of two that find a lease free one gets it': async (core) => {
    const stage = new Stage(core)
    const acquire = (pid: number, store: unknown) => {
      const {clock} = stage.context()
      const random = {bytes: (bytes: number) => new Uint8Array(bytes).fill(pid), uuid: () => ''}
      const context = {
        table: new core.StoreLeaseTable(store as Stage['memory']),
        clock,
        random,
        owner: {machine: 'm', boot: 'b', pidNamespace: 'n', pid, start: 's'},
      }
      return core.SessionLease.acquire(context, REF.sessionId)
    }
    let beaten = false
    const slow = stage.with({
      get: async (key: string) => {
        const found = stage.memory.get(key)
        if (!beaten) {
          beaten = true
          await acquire(1, stage.memory)
        }
        return found
      },
    })
    same(await codeOf(acquire(2, slow)), 'LEASE_HELD')
    same((await new core.StoreLeaseTable(stage.memory).read(REF.sessionId))?.record.owner.pid, 1)
  },
} satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof SCENARIOS

async function settled(stage: Stage, lease: StageLease, store: unknown = stage.memory) {
  const transcript = new stage.core.LeasedTranscript(stage.context(store), lease, REF, {grace: 0})
  await transcript.settle()
  return transcript
}

function digest(text: string): {digest: string} {
  return {digest: digestOf(Buffer.from(text))}
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => (error as {code?: unknown}).code,
  )
}
