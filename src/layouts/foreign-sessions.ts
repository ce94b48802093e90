import pMap from 'p-map'
import {compareKeys} from '../object-store/key-order.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {readSessionIndex} from '../transcript/codex/session-index.js'
import {readLines} from '../transcript/lines.js'
import type {ForeignSession, ForeignSubagent, NamedObject} from './foreign-session.js'
import type {Root} from './layout.js'
import {type Place, placeIn} from './place.js'
import {type Tree, uriOf} from './tree.js'

const ROOTS_AT_ONCE = 16
const LONGEST_INDEX = 32 * 1024 * 1024

export interface ForeignListing {
  readonly sessions: readonly ForeignSession[]
  /** Keys whose names could lead elsewhere: nothing of them is read. */
  readonly leftOut: readonly string[]
}

/** The sessions below the roots, from one listing each; those of an agent without their main transcript are left out. */
export async function listForeign(tree: Tree, roots: readonly Root[]): Promise<ForeignListing> {
  const listings = await pMap(roots, async (root) => listRoot(tree, root), {concurrency: ROOTS_AT_ONCE})
  return {
    sessions: withoutRepeats(listings.flatMap(({sessions}) => sessions)),
    leftOut: listings.flatMap(({leftOut}) => leftOut),
  }
}

async function listRoot(tree: Tree, root: Root): Promise<ForeignListing> {
  const drafts = new Map<string, Draft>()
  const leftOut: string[] = []
  const seen = new Set<string>()
  for await (const {objects} of tree.list({prefix: root.prefix})) {
    for (const object of objects) {
      const place = seen.has(object.key) ? undefined : placeIn(root, object.key)
      seen.add(object.key)
      if (place === 'unsafe') leftOut.push(object.key)
      else if (place) draftOf(drafts, place).add(place, object)
    }
  }
  const names = drafts.size > 0 ? await readNames(tree, root.indexes ?? []) : undefined
  return {sessions: [...drafts.values()].flatMap((draft) => draft.session(tree, root, names)), leftOut}
}

function draftOf(drafts: Map<string, Draft>, place: Place): Draft {
  const key = place.kind === 'rollout' ? place.sessionId : `${place.projectKey}/${place.sessionId}`
  const draft = drafts.get(key) ?? new Draft()
  drafts.set(key, draft)
  return draft
}

/** A name that cannot be read is not shown. */
async function readNames(tree: Tree, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const read = await Promise.all(
    keys.map(async (key) => {
      const object = await readObject(tree, key, {limit: LONGEST_INDEX}).catch(() => undefined)
      return object ? [...(await readSessionIndex(readLines([object.bytes], {onTooLong: 'report'})))] : []
    }),
  )
  return new Map(read.flat())
}

/** What listings told of one session so far. */
class Draft {
  #main: {readonly place: Extract<Place, {kind: 'claude-main' | 'rollout'}>; readonly object: ObjectSummary} | undefined
  readonly #subagents = new Map<string, ObjectSummary>()
  readonly #metas = new Map<string, ObjectSummary>()
  readonly #files: NamedObject[] = []

  add(place: Place, object: ObjectSummary): void {
    switch (place.kind) {
      case 'claude-main':
        this.#main = {place, object}
        return
      case 'rollout':
        if (!this.#main || isBetter(place, this.#main.place)) this.#main = {place, object}
        return
      case 'claude-subagent':
        this.#subagents.set(place.subpath, object)
        return
      case 'claude-meta':
        this.#metas.set(place.subpath, object)
        return
      case 'claude-file':
        this.#files.push({...object, name: place.name})
    }
  }

  session(
    tree: Tree,
    {layout, agent, machine, user}: Root,
    names: ReadonlyMap<string, string> | undefined,
  ): ForeignSession[] {
    if (!this.#main) return []
    const {place, object} = this.#main
    const name = names?.get(place.sessionId)
    return [
      {
        layout,
        agent,
        sessionId: place.sessionId,
        projectKey: place.kind === 'claude-main' ? place.projectKey : '',
        uri: uriOf(tree, object.key),
        main: object,
        subagents: [...this.#subagents].map(([subpath, transcript]): ForeignSubagent => {
          const meta = this.#metas.get(subpath)
          return {subpath, transcript, ...(meta && {meta})}
        }),
        toolResults: this.#files,
        ...(machine !== undefined && {machine}),
        ...(user !== undefined && {user}),
        ...(place.kind === 'rollout' && {rollout: place}),
        ...(name !== undefined && {name}),
      },
    ]
  }
}

/** Codex compresses and archives by writing the new file before it removes the old one. */
function isBetter(one: Place, other: Place): boolean {
  return rankOf(one) < rankOf(other)
}

function rankOf(place: Place): number {
  return place.kind === 'rollout' ? (place.archived ? 2 : 0) + (place.compressed ? 1 : 0) : 0
}

/** One rollout may lie under both directories of one home. */
function withoutRepeats(sessions: readonly ForeignSession[]): readonly ForeignSession[] {
  const kept = new Map<string, ForeignSession>()
  for (const session of sessions) {
    const {agent, machine = '', user = '', sessionId, projectKey, rollout, uri} = session
    const key = agent === 'codex' ? JSON.stringify([machine, user, sessionId]) : JSON.stringify([uri, projectKey])
    const other = kept.get(key)
    if (!other || (rollout?.archived === false && other.rollout?.archived)) kept.set(key, session)
  }
  return [...kept.values()].toSorted((a, b) => compareKeys(a.main.key, b.main.key))
}
