import type {ObjectStore} from '../../../src/object-store/object-store.js'
import type {LeaseRecord} from '../../../src/registry/lease-record.js'
import {collect} from './collect.js'

export interface Holding {
  readonly pid: number
  readonly expiry: number
}

/** The process that holds the lease at this instant. */
export async function holderOf(store: ObjectStore, key: string, now: number): Promise<Holding | undefined> {
  const object = await store.get(key).catch(() => undefined)
  if (!object) return undefined
  const {owner, released, expiry} = leaseRecord(await collect(object.body))
  return released || expiry <= now ? undefined : {pid: owner.pid, expiry}
}

export function leaseRecord(bytes: Uint8Array): LeaseRecord {
  return JSON.parse(Buffer.from(bytes).toString()) as LeaseRecord
}
