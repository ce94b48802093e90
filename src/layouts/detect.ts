import pMap from 'p-map'
import {RepriseError} from '../base/errors.js'
import {isSafeSegment, OWN_PREFIX} from '../store/names.js'
import {parseRolloutName} from '../transcript/codex/rollout-name.js'
import {ROLLOUT_DIRECTORIES, SESSION_INDEX} from '../transcript/codex/codex-home.js'
import {isSessionId} from '../transcript/session-id.js'
import {directoryOf, type Listed} from './list-directory.js'
import type {ForeignLayout, ForeignRoots, LayoutChoice, Root} from './layout.js'
import type {Tree} from './tree.js'

/** `team/host/raw`, `user_data/user/.claude`: what lies deeper is named with `--store`. */
const DEEPEST = 3
const AT_ONCE = 16
/** Projects that are looked into to tell two layouts apart. */
const SAMPLE = 8
/** Directories that are looked through before somebody has to say what the store holds; and then. */
const MOST_LOOKS = 2000
const MOST_LOOKS_WHEN_NAMED = 100_000

export interface DetectOptions {
  readonly wanted: LayoutChoice
  /** The tree is a directory of this machine. */
  readonly local: boolean
  /** What stands above the tree: the segments of its URL's path. */
  readonly above: readonly string[]
}

/**
 * Where sessions lie in a store, by the names of directories: from the store's own URL, else from listings with a delimiter, level by
 * level.
 *
 * @returns undefined for reprise's own layout, that of the Agent SDK's reference adapters, and for what is none at all.
 * @throws LAYOUT_UNCLEAR for a store with too many directories to look through.
 */
export async function detectLayout(tree: Tree, options: DetectOptions): Promise<ForeignRoots | undefined> {
  const {wanted, local, above} = options
  if (wanted === 'reprise') return undefined
  const isWanted = (layout: ForeignLayout): boolean => wanted === 'auto' || wanted === 'local' || wanted === layout
  const named = rootsByUrl(above)
  if (named && isWanted(named.layout)) return rootsOf([local ? withoutUser(named) : named], local)
  if (wanted === 'auto' && (await holdsAny(tree, OWN_PREFIX))) return undefined
  const mostLooks = wanted === 'auto' ? MOST_LOOKS : MOST_LOOKS_WHEN_NAMED
  const found = await search(tree, options, isWanted, mostLooks)
  if (found.length === 0) return wanted === 'auto' ? undefined : {layout: wanted, roots: []}
  return rootsOf(found, local)
}

/** What lies on this machine is called so, whatever its shape. */
function rootsOf(found: readonly Found[], local: boolean): ForeignRoots {
  const roots = found.flatMap(({layout, roots: each}) =>
    each.map((root): Root => ({...root, layout: local ? 'local' : layout})),
  )
  return {layout: roots[0]?.layout ?? 'local', roots}
}

function withoutUser({layout, roots}: Found): Found {
  return {layout, roots: roots.map(({user: _user, ...root}) => root)}
}

type Place = Omit<Root, 'layout'>

interface Found {
  readonly layout: ForeignLayout
  readonly roots: readonly Place[]
}

/** A URL that ends inside a layout says all by itself. */
function rootsByUrl(above: readonly string[]): Found | undefined {
  const [last = '', second = '', third] = above.toReversed()
  if (last === 'raw') return {layout: 'raw', roots: rawRoots('', second)}
  if (second === 'raw' && (last === 'claude' || last === 'codex')) {
    return {layout: 'raw', roots: [rawRoot(last, '', third)]}
  }
  if (last === '.claude') return {layout: 'claude-dir', roots: [claudeRoot('projects/', second)]}
  if (second === '.claude' && last === 'projects') return {layout: 'claude-dir', roots: [claudeRoot('', third)]}
  if (last === '.codex') return {layout: 'claude-dir', roots: codexHome('', second)}
  if (second === '.codex' && last === 'sessions') {
    return {layout: 'claude-dir', roots: [{agent: 'codex', prefix: '', ...given('user', third)}]}
  }
  return undefined
}

async function search(
  tree: Tree,
  {above, local, wanted}: DetectOptions,
  isWanted: (layout: ForeignLayout) => boolean,
  mostLooks: number,
): Promise<readonly Found[]> {
  // Who copied a directory to this machine is not whose it is; which machine it came from is as its name says.
  const top = above.at(-1)
  let level: readonly Directory[] = [{prefix: '', machine: top, user: local ? undefined : top}]
  let left = mostLooks
  const found: Found[] = []
  for (let depth = 0; depth <= DEEPEST && level.length > 0 && left > 0; depth++) {
    const places = level.slice(0, left)
    const looks = await pMap(places, async (place) => look(tree, place, depth), {concurrency: AT_ONCE})
    found.push(...looks.flatMap((each) => each.found).filter(({layout}) => isWanted(layout)))
    if (wanted === 'auto' && looks.some(({ours}) => ours)) return found
    left -= places.length
    if (places.length < level.length && found.length > 0) throw unclear(tree.url, mostLooks)
    level = looks.flatMap(({below}) => below)
  }
  return found
}

interface Directory {
  readonly prefix: string
  /** What the directory's name would say in either layout. */
  readonly machine: string | undefined
  readonly user: string | undefined
}

interface Look {
  readonly found: readonly Found[]
  /** It is a store of parts: nothing in it is looked through. */
  readonly ours: boolean
  readonly below: readonly Directory[]
}

async function look(tree: Tree, {prefix, machine, user}: Directory, depth: number): Promise<Look> {
  const listed = await directoryOf(tree, prefix)
  const has = (directory: string): boolean => listed.directories.includes(directory)
  const found: Found[] = []
  if (has('raw') && (await hasAgents(tree, `${prefix}raw/`))) {
    found.push({layout: 'raw', roots: rawRoots(`${prefix}raw/`, machine)})
  }
  if (has('.claude')) found.push({layout: 'claude-dir', roots: [claudeRoot(`${prefix}.claude/projects/`, user)]})
  if (has('.codex')) found.push({layout: 'claude-dir', roots: codexHome(`${prefix}.codex/`, user)})
  // A store of ours one level down is what another URL names.
  if (found.length > 0 || (depth > 0 && has('.reprise'))) return {found, ours: false, below: []}
  // A config dir under another name; only where the store itself is one: a project may have a directory of that name.
  if (depth === 0 && has('projects') && (await kindOfProjects(tree, 'projects/')) === 'whole') {
    found.push({layout: 'claude-dir', roots: [claudeRoot('projects/', undefined)]})
  }
  if (depth === 0 && (isRollouts(listed) || (has('sessions') && isRollouts(await directoryOf(tree, 'sessions/'))))) {
    found.push({
      layout: 'claude-dir',
      roots: has('sessions') ? codexHome('', undefined) : [{agent: 'codex', prefix: ''}],
    })
  }
  if (found.length > 0) return {found, ours: false, below: []}
  const kind = depth === 0 ? await kindOfProjects(tree, '', listed) : undefined
  if (kind === 'whole') found.push({layout: 'claude-dir', roots: [claudeRoot('', undefined)]})
  const below = listed.directories
    .filter((each) => isSafeSegment(each) && !each.startsWith('.') && !isSessionId(each))
    .map((each) => ({prefix: `${prefix}${each}/`, machine: each, user: each}))
  return {found, ours: kind === 'parts', below: found.length > 0 ? [] : below}
}

/** Whether a directory of projects holds whole transcripts, or sessions in parts. */
async function kindOfProjects(tree: Tree, prefix: string, listed?: Listed): Promise<'whole' | 'parts' | undefined> {
  const {directories} = listed ?? (await directoryOf(tree, prefix))
  const projects = await pMap(
    directories.filter(isSafeSegment).slice(0, SAMPLE),
    async (each) => directoryOf(tree, `${prefix}${each}/`),
    {concurrency: SAMPLE},
  )
  if (projects.some(({files}) => files.some((file) => isSessionId(file.replace(/\.jsonl$/, ''))))) return 'whole'
  return projects.some(({directories: sessions}) => sessions.some(isSessionId)) ? 'parts' : undefined
}

function isRollouts({directories, files}: Listed): boolean {
  return directories.some((each) => /^\d{4}$/.test(each)) || files.some((each) => parseRolloutName(each) !== undefined)
}

async function hasAgents(tree: Tree, prefix: string): Promise<boolean> {
  const {directories} = await directoryOf(tree, prefix)
  return directories.includes('claude') || directories.includes('codex')
}

async function holdsAny(tree: Tree, prefix: string): Promise<boolean> {
  for await (const {objects, prefixes} of tree.list({prefix, delimiter: '/', pageSize: 1})) {
    if (objects.length > 0 || prefixes.length > 0) return true
  }
  return false
}

/** Codex's home on this machine. */
export const LOCAL_CODEX: ForeignRoots = {
  layout: 'local',
  roots: codexHome('', undefined).map((root) => ({...root, layout: 'local'})),
}

function rawRoots(prefix: string, machine: string | undefined): readonly Place[] {
  return [rawRoot('claude', `${prefix}claude/`, machine), rawRoot('codex', `${prefix}codex/`, machine, prefix)]
}

/** @param above where `codex/` stands for the `sessions/` of a home, and the index beside it, if that is not out of reach. */
function rawRoot(agent: Root['agent'], prefix: string, machine: string | undefined, above?: string): Place {
  const indexes = [above, prefix].flatMap((each) => (each === undefined ? [] : [each + SESSION_INDEX]))
  return {agent, prefix, ...given('machine', machine), ...(agent === 'codex' && {indexes})}
}

function claudeRoot(prefix: string, user: string | undefined): Place {
  return {agent: 'claude', prefix, ...given('user', user)}
}

function codexHome(prefix: string, user: string | undefined): readonly Place[] {
  return ROLLOUT_DIRECTORIES.map((directory) => ({
    agent: 'codex' as const,
    prefix: `${prefix}${directory}/`,
    indexes: [prefix + SESSION_INDEX],
    ...given('user', user),
  }))
}

/** A name that could not stand in a listing is not told. */
function given<K extends 'machine' | 'user'>(key: K, name: string | undefined): {readonly [P in K]?: string} {
  return name === undefined || name === '' || !isSafeSegment(name) ? {} : ({[key]: name} as {readonly [P in K]: string})
}

function unclear(url: string, most: number): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'LAYOUT_UNCLEAR',
    message: `${url} has more than ${most} directories: what of it holds sessions takes too long to find out`,
    suggestions: [
      'Name the layout: --layout raw, claude-dir or reprise',
      'Name the directory that holds them: --store',
    ],
  })
}
