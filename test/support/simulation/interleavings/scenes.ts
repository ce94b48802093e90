import {transcriptOf} from '../collect.js'
import {encode, type LineText} from '../lines.js'
import {patientOf} from '../patient.js'
import type {Stage} from '../stage.js'
import type {SentRequest} from '../travelling-client.js'
import {digestOf, type Ledger, REF} from '../world.js'
import type {Role, Scene} from './scene.js'

const [A, B, C, D, E] = ['a', 'b', 'c', 'd', 'e'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  LineText,
  LineText,
  LineText,
  LineText,
  LineText,
]
const HOUR_MS = 3_600_000

/** A part a line. */
async function fill(stage: Stage, ledger: Ledger, lines: readonly LineText[], epoch?: number): Promise<void> {
  const stamp = epoch === undefined ? {} : {epoch, leased: true}
  for (const [from] of lines.entries()) {
    const chain = lines.slice(0, from + 1)
    await stage.put({chain, from, ms: stage.now + from, ...stamp})
  }
  promised(ledger, lines, epoch ?? null)
}

function promised(ledger: Ledger, lines: readonly LineText[], epoch: number | null): void {
  ledger.wrote(lines, epoch)
  for (const line of lines) ledger.acked.add(line)
}

/** A session whose lease was held once: a record that does not exist would have to be waited for. */
async function leasedBefore(stage: Stage, times: number): Promise<void> {
  const {core} = stage
  for (let pid = 100; pid < 100 + times; pid++) {
    // Holds are told apart by their random names.
    const random = {...stage.context().random, bytes: (count: number) => new Uint8Array(count).fill(pid)}
    const {sync} = patientOf(core, {...stage.context(), random}, pid)
    await (await core.SessionLease.acquire(core.leaseContext(sync), REF.sessionId)).release()
  }
}

/** Of reprise's own objects nobody reads another's. */
const ownObjects = ({key}: SentRequest): boolean => key === '' || key.startsWith('.reprise/')
/** But for journals. */
const ownButJournals = (request: SentRequest): boolean =>
  ownObjects(request) && !request.key.startsWith('.reprise/rebase/')

const compactor =
  (maxBytes = 1_000) =>
  async ({core, context}: Role) =>
    core.compactTranscript(context, REF, {growth: 1, grace: 0, maxBytes})

/** An adapter without a lease: it appends what it has, and does not look again. */
const appender =
  (...lines: readonly LineText[]) =>
  async ({core, context, ledger}: Role) => {
    const view = await core.viewTranscript(context.parts, REF)
    let point = core.appendPoint(view)
    if (!point) throw new Error('it has an end to append at')
    const bytes = core.deliveredBytes(view.delivery, context.parts)
    let text = ''
    for await (const chunk of bytes.read(0, bytes.length)) text += Buffer.from(chunk).toString()
    for (const line of lines) {
      text += line
      ledger.wrote([line], null)
      const whole = Buffer.from(text)
      const tail = {to: whole.length, after: digestOf(whole), entries: 1, body: encode([line])}
      point = core.pointAfter(await core.appendUnleased(context, REF, point, tail))
      ledger.acked.add(line)
    }
  }

/** Its claude removed a line, and the stored transcript follows. */
const rebasingHolder =
  (kept: readonly LineText[], dropped: LineText) =>
  async ({core, context, ledger, pid}: Role) => {
    const {sync} = patientOf(core, context, pid)
    const lease = await core.SessionLease.acquire(core.leaseContext(sync), REF.sessionId)
    const transcript = new core.LeasedTranscript(context, lease, REF, {grace: 0})
    await transcript.settle()
    ledger.limbo.add(dropped)
    await transcript.rebase(transcriptOf(encode(kept)))
    await transcript.tidy()
    await lease.release()
  }

const doctor = async ({core, context, pid}: Role) => {
  const patient = patientOf(core, context, pid)
  const found = await core.transcriptsCheck.look(patient, {tell: () => undefined})
  for (const {fix} of found) await fix?.()
}

/** Small enough for every order of their requests. */
export const SCENES: readonly Scene[] = [
  {
    name: 'one appends while another merges',
    prepare: async (stage, ledger) => fill(stage, ledger, [A, B]),
    isPrivate: ownObjects,
    processes: {appender: appender(C, D), compactor: compactor()},
  },
  {
    name: 'two merge the same run',
    prepare: async (stage, ledger) => fill(stage, ledger, [A, B]),
    isPrivate: ownObjects,
    processes: {one: compactor(), other: compactor()},
  },
  {
    name: 'two merge runs that overlap',
    prepare: async (stage, ledger) => fill(stage, ledger, [A, B, C]),
    isPrivate: ownObjects,
    processes: {all: compactor(), some: compactor(2 * A.length)},
  },
  {
    name: 'one merges what a holder rebases',
    async prepare(stage, ledger) {
      await leasedBefore(stage, 1)
      await fill(stage, ledger, [A, B], 1)
    },
    isPrivate: ownButJournals,
    processes: {compactor: compactor(), holder: rebasingHolder([B], A)},
  },
  {
    name: 'one merges on while doctor finishes a merge',
    async prepare(stage, ledger) {
      await fill(stage, ledger, [A])
      await stage.put({chain: [A, B], from: 0, ms: stage.now + 1})
      promised(ledger, [B], null)
      stage.now += HOUR_MS
      await stage.put({chain: [A, B, C], from: 2, ms: stage.now})
      promised(ledger, [C], null)
    },
    isPrivate: ownObjects,
    processes: {compactor: compactor(), doctor},
  },
  {
    name: 'one appends while two merge',
    prepare: async (stage, ledger) => fill(stage, ledger, [A, B]),
    isPrivate: ownObjects,
    processes: {appender: appender(C), one: compactor(), other: compactor(2 * A.length)},
  },
  {
    name: 'doctor sweeps and merges while one appends without a lease',
    async prepare(stage, ledger) {
      await leasedBefore(stage, 2)
      await stage.core.settleStoreRecord(stage.memory, stage.context().random, 'store')
      await fill(stage, ledger, [A], 1)
      await stage.put({chain: [A, B], from: 1, ms: stage.now + 1, epoch: 2, leased: true})
      promised(ledger, [B], 2)
      await stage.put({chain: [A, E], from: 1, ms: stage.now + 2, epoch: 1, leased: true})
      ledger.wrote([E], 1)
      stage.now += HOUR_MS
    },
    isPrivate: ownButJournals,
    processes: {doctor, appender: appender(C)},
  },
]
