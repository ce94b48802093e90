import pMap from 'p-map'
import {hasCode, RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {HOME_PREFIX, homeKeyOf, isSafeSegment, OWN_PREFIX, projectPrefix, sessionPrefix} from './names.js'

const MAX_HOME_BYTES = 4096

/** Under which project key each session of a store lies. Project keys are listed once, and only for a session without a record. */
export class Homes {
  readonly #store: ObjectStore
  #projectKeys: Promise<readonly string[]> | undefined

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** The home key that is on record. @throws HOME_DAMAGED */
  async recorded(sessionId: string): Promise<string | undefined> {
    const key = homeKeyOf(sessionId)
    const object = await readObject(this.#store, key, {limit: MAX_HOME_BYTES})
    if (!object) return undefined
    const homeKey = Buffer.from(object.bytes).toString().trim()
    if (!isSafeSegment(homeKey)) throw damaged(key)
    return homeKey
  }

  /**
   * Where a session is, whoever wrote it.
   *
   * @param likely a project key to look under first.
   * @returns undefined when the store has no part of it.
   */
  async find(sessionId: string, likely?: string): Promise<string | undefined> {
    return (await this.recorded(sessionId)) ?? (await this.#findUnrecorded(sessionId, likely))
  }

  /** Before a session's first part: where it lies already, else `wanted`, on record from now on. */
  async settle(sessionId: string, wanted: string): Promise<string> {
    const recorded = await this.recorded(sessionId)
    if (recorded !== undefined) return recorded
    return this.record(sessionId, (await this.#findUnrecorded(sessionId, wanted)) ?? wanted)
  }

  /** Records a home key, once for ever. @returns the one that is on record then. */
  async record(sessionId: string, homeKey: string): Promise<string> {
    return (await this.create(sessionId, homeKey)) ?? homeKey
  }

  /** The same. @returns undefined when it was this call that put it on record, else the one that is there. */
  async create(sessionId: string, homeKey: string): Promise<string | undefined> {
    try {
      await this.#store.put(homeKeyOf(sessionId), Buffer.from(`${homeKey}\n`), {
        mode: CREATE,
        contentType: 'text/plain',
      })
      return undefined
    } catch (error) {
      if (!hasCode(error, 'OBJECT_EXISTS')) throw error
      return (await this.recorded(sessionId)) ?? homeKey
    }
  }

  /**
   * Of many sessions, those that the store has no trace of: no record of a home key, and nothing under any project key.
   *
   * @returns none of them where telling would take more requests than asking for each.
   */
  async untold(sessionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const untold = new Set(sessionIds)
    let left = 2 * sessionIds.length
    const keys = (await this.projectKeys()).map(projectPrefix)
    if (keys.length > left) return new Set()
    for (const prefix of [HOME_PREFIX, ...keys]) {
      for await (const {objects, prefixes} of this.#store.list({prefix, delimiter: '/'})) {
        if (left-- === 0) return new Set()
        for (const {key} of objects) untold.delete(key.slice(prefix.length))
        for (const each of prefixes) untold.delete(each.slice(prefix.length, -1))
      }
    }
    return untold
  }

  /** All project keys of the store, in byte order. */
  async projectKeys(): Promise<readonly string[]> {
    this.#projectKeys ??= listAll(this.#store, {prefix: '', delimiter: '/'}).then(({prefixes}) =>
      prefixes
        .filter((prefix) => prefix !== OWN_PREFIX)
        .map((prefix) => prefix.slice(0, -1))
        .filter(isSafeSegment),
    )
    return this.#projectKeys
  }

  async #findUnrecorded(sessionId: string, likely: string | undefined): Promise<string | undefined> {
    if (likely !== undefined && (await this.#isUnder(likely, sessionId))) return likely
    const others = (await this.projectKeys()).filter((key) => key !== likely)
    const found = await pMap(others, async (key) => ((await this.#isUnder(key, sessionId)) ? key : undefined), {
      concurrency: 16,
    })
    return found.find((key) => key !== undefined)
  }

  async #isUnder(homeKey: string, sessionId: string): Promise<boolean> {
    for await (const page of this.#store.list({prefix: sessionPrefix({homeKey, sessionId}), pageSize: 1})) {
      if (page.objects.length > 0) return true
    }
    return false
  }
}

function damaged(key: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'HOME_DAMAGED',
    message: `${key} does not hold a project key`,
    suggestions: ['reprise doctor'],
  })
}
