import {randomUUID} from 'node:crypto'
import {silentLogger} from '../../../src/base/logger.js'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from '../../../src/object-store/decorator.js'
import {storeError} from '../../../src/object-store/errors.js'
import {MemoryObjectStore} from '../../../src/object-store/memory.js'
import {SessionLease} from '../../../src/registry/session-lease.js'
import {StoreLeaseTable} from '../../../src/registry/store-lease-table.js'
import type {SessionStoreContext} from '../../../src/sdk/context.js'
import {MirrorSessionStore} from '../../../src/sdk/session-store.js'
import type {SessionEntry, SessionKey} from '../../../src/sdk/types.js'
import {Parts} from '../../../src/store/parts.js'
import {viewTranscript} from '../../../src/store/view.js'
import {loadReference} from '../../support/reference-adapter.js'

const PROJECT = '-home-user-project'

export function newKey(subpath?: string): SessionKey {
  return {projectKey: PROJECT, sessionId: randomUUID(), ...(subpath !== undefined && {subpath})}
}

export function said(text: string): SessionEntry {
  return {type: 'user', uuid: randomUUID(), message: {role: 'user', content: text}}
}

export function mode(name: string): SessionEntry {
  return {type: 'mode', mode: name}
}

/** A store of several session stores that can be told to fail, and that counts. */
export class TestStore extends ObjectStoreDecorator {
  calls: DecoratedCall[] = []
  /** Decides what happens to a call: `before` it is not made, `after` its answer is lost. */
  fault: (call: DecoratedCall) => 'before' | 'after' | undefined = () => undefined
  gate: Promise<void> | undefined

  override async close(): Promise<void> {}

  protected override async around<T>(call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    this.calls.push(call)
    const fault = this.fault(call)
    if (fault === 'before') throw storeError('STORE_UNREACHABLE', 'the store is down')
    if (call.operation === 'put' && isPart(call)) await this.gate
    const result = await run({})
    if (fault === 'after') throw storeError('STORE_UNREACHABLE', 'the answer was lost')
    return result
  }

  get parts(): DecoratedCall[] {
    return this.calls.filter((call) => call.operation === 'put' && isPart(call))
  }
}

export function isPart({key}: DecoratedCall): boolean {
  return key.includes('/part-') && !key.startsWith('.reprise/')
}

export function newStore(): TestStore {
  return new TestStore(new MemoryObjectStore({clock: systemClock}))
}

export function open(store: TestStore, more: Partial<SessionStoreContext> = {}): MirrorSessionStore {
  return new MirrorSessionStore({
    open: async () => store,
    clock: systemClock,
    background: systemClock,
    random: systemRandom,
    logger: silentLogger,
    machine: 'here',
    projectKey: 'given',
    foldSummary: async () => undefined,
    observe: () => undefined,
    maxPendingBytes: 1024 * 1024,
    readLimitMs: 20_000,
    compactAt: 64,
    ...more,
  })
}

export function leased(
  store: TestStore,
  machine: string,
  force = false,
  more: Partial<SessionStoreContext> = {},
): MirrorSessionStore {
  const owner = {machine, boot: machine, pidNamespace: 'ns', pid: 1, start: '1'}
  const context = {table: new StoreLeaseTable(store), clock: systemClock, random: systemRandom, owner}
  return open(store, {
    machine,
    acquire: async (_, sessionId) => SessionLease.acquire(context, sessionId, {force}),
    ...more,
  })
}

export async function stored(store: TestStore, key: SessionKey): Promise<SessionEntry[] | null> {
  return open(store).load(key)
}

/** What an adapter of others is given, repeats included. */
export async function storedForOthers(store: TestStore, key: SessionKey): Promise<SessionEntry[]> {
  return (await loadReference(store, key)).map((line) => JSON.parse(line) as SessionEntry)
}

export async function viewOf(store: TestStore, {projectKey, sessionId}: SessionKey) {
  return viewTranscript(new Parts(store), {homeKey: projectKey, sessionId})
}
