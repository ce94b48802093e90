import * as v from 'valibot'

/** Who holds a lease, as precisely as one machine can tell whether that process still runs. */
const Owner = v.object({
  machine: v.string(),
  /** Changes with each boot of the machine. */
  boot: v.string(),
  /** Process ids of different namespaces (containers) do not compare. */
  pidNamespace: v.string(),
  pid: v.pipe(v.number(), v.integer()),
  /** When the process started, in the machine's own terms: a pid that was given away again differs in it. */
  start: v.string(),
})

const Time = v.pipe(v.number(), v.integer(), v.minValue(0))
const Epoch = v.pipe(v.number(), v.integer(), v.minValue(0))

/**
 * The content of `.reprise/leases/{sessionId}.json`, or of an item in a table. All times are those of the service that keeps it, in ms
 * since the epoch.
 */
const LeaseRecordSchema = v.object({
  version: v.literal(1),
  owner: Owner,
  /** Random, one an acquisition: tells an own write that was answered late from another's. */
  hold: v.string(),
  epoch: Epoch,
  acquired: Time,
  expiry: Time,
  released: v.boolean(),
  /** The last epoch that was taken over without a release. */
  cutOff: Epoch,
  /** A record before this one got lost: until then its holder may believe that it holds. */
  orphanUntil: v.optional(Time),
})

/** The process that holds a lease. */
export type LeaseOwner = v.InferOutput<typeof Owner>
export type LeaseRecord = v.InferOutput<typeof LeaseRecordSchema>

export function encodeLeaseRecord(record: LeaseRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record)}\n`)
}

/** @returns undefined for bytes that are no lease record of a version that this code knows. */
export function decodeLeaseRecord(bytes: Uint8Array): LeaseRecord | undefined {
  try {
    return checkLeaseRecord(JSON.parse(Buffer.from(bytes).toString()))
  } catch {
    return undefined
  }
}

/** @returns undefined for what is no lease record of a version that this code knows. */
export function checkLeaseRecord(value: unknown): LeaseRecord | undefined {
  const parsed = v.safeParse(LeaseRecordSchema, value)
  return parsed.success ? parsed.output : undefined
}

/** Nobody may write under the record at the store's time `date`. */
export function isFree(record: LeaseRecord, date: number): boolean {
  return record.released || record.expiry <= date
}
