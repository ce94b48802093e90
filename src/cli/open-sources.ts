import {string} from '@oclif/core/flags'
import {hasCode, RepriseError} from '../base/errors.js'
import {formatStoreUrl, openPlaceholders, type StoreUrl} from '../object-store/store-url.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {LAYOUT_CHOICES, type ForeignRoots, type LayoutChoice} from '../layouts/layout.js'
import type {ForeignSource} from '../layouts/foreign-source.js'
import type {SessionSource} from '../layouts/session-source.js'
import {codexHomeOf} from '../transcript/codex/codex-home.js'
import {FileSummaryCache} from '../sync/summary-cache.js'
import {openReadable, resolveUrl} from './open-prefixed.js'
import type {Runtime} from './runtime.js'

export const layoutFlag = string({
  summary: 'How sessions lie in the store (default: auto, which looks).',
  description:
    'reprise: as it writes them, or the Agent SDK; raw: whole files under <machine>/raw/; claude-dir: copies of .claude or .codex; local: those on this machine.',
  helpValue: `<${LAYOUT_CHOICES.join('|')}>`,
  options: [...LAYOUT_CHOICES],
})

export interface OpenSourcesOptions {
  readonly layout?: string | undefined
  /** The value of `{task}` in the stores' URLs. */
  readonly task?: string | undefined
}

/**
 * Every store of the run as something to read sessions from, in the order in which they were named.
 *
 * @throws LAYOUT_INVALID, LAYOUT_UNCLEAR
 */
export async function openSources(runtime: Runtime, options: OpenSourcesOptions): Promise<readonly SessionSource[]> {
  const sources: SessionSource[] = []
  for (const url of await runtime.storeUrls()) sources.push(...(await openUrl(runtime, url, options)))
  return sources
}

/** The stores of the run that other programs wrote. */
export interface ForeignStores {
  readonly sources: readonly ForeignSource[]
  /** The first store, which commands write to, is in reprise's own layout. */
  readonly ownFirst: boolean
}

/** Where a placeholder is open, and nobody named a layout, it is our own. @throws LAYOUT_INVALID, LAYOUT_UNCLEAR */
export async function openForeign(runtime: Runtime, options: OpenSourcesOptions): Promise<ForeignStores> {
  const opened: Opened[] = []
  for (const url of await runtime.storeUrls()) opened.push(await foreignOf(runtime, url, options))
  return {sources: opened.flatMap(({foreign}) => foreign), ownFirst: opened[0]?.foreign.length === 0}
}

async function openUrl(
  runtime: Runtime,
  url: StoreUrl,
  options: OpenSourcesOptions,
): Promise<readonly SessionSource[]> {
  const {foreign, own} = await foreignOf(runtime, url, options)
  if (own.length === 0) return foreign
  const {RepriseSource} = await import('../layouts/reprise-source.js')
  return [...foreign, ...own.map((store) => new RepriseSource(store, cacheOf(runtime, store.url)))]
}

/** The sessions of Codex on this machine. */
export async function openCodexHome({env, home, directories}: Runtime): Promise<ForeignSource> {
  const [{DirectoryTree}, {ForeignSource}, {LOCAL_CODEX}] = await Promise.all([
    import('../layouts/directory-tree.js'),
    import('../layouts/foreign-source.js'),
    import('../layouts/detect.js'),
  ])
  const tree = new DirectoryTree(codexHomeOf({env, home}))
  const cache = new FileSummaryCache(directories.cache, `local ${tree.url}`)
  return new ForeignSource(tree, LOCAL_CODEX, cache)
}

/** Says once what was not followed. */
export function warnOfLeftOut(
  {warn, logger}: Pick<Runtime, 'warn' | 'logger'>,
  url: string,
  keys: readonly string[],
): void {
  if (keys.length === 0) return
  for (const key of keys) logger.debug('a key that could lead elsewhere: left out', {key})
  const names = keys.length === 1 ? 'a name' : `${keys.length} names`
  warn({
    code: 'KEYS_LEFT_OUT',
    message: `${url} holds ${names} that no agent gives, and that could lead elsewhere: left out`,
  })
}

interface Opened {
  readonly foreign: readonly ForeignSource[]
  /** In reprise's layout. */
  readonly own: readonly ObjectStore[]
}

async function foreignOf(runtime: Runtime, url: StoreUrl, {layout, task}: OpenSourcesOptions): Promise<Opened> {
  const wanted = (layout ?? 'auto') as LayoutChoice
  const resolved = await resolveUrl(runtime, url, task)
  if (wanted === 'local' && resolved.kind !== 'file') throw notLocal(formatStoreUrl(resolved))
  const isOpen = openPlaceholders(resolved).length > 0
  const ownOnly = async (): Promise<Opened> => ({foreign: [], own: await openReadable(runtime, url, task)})
  if (wanted === 'reprise' || (wanted === 'auto' && isOpen)) return ownOnly()
  const [{detectLayout}, {ForeignSource}] = await Promise.all([
    import('../layouts/detect.js'),
    import('../layouts/foreign-source.js'),
  ])
  if (resolved.kind === 'file' && !isOpen) {
    const {DirectoryTree} = await import('../layouts/directory-tree.js')
    const directory = `${resolved.dir}${resolved.prefix === '' ? '' : `/${resolved.prefix.slice(0, -1)}`}`
    const tree = new DirectoryTree(directory)
    const found = await detectLayout(tree, {wanted, local: true, above: segmentsOf(directory)})
    if (!found) return ownOnly()
    return {foreign: [new ForeignSource(tree, found, cacheOf(runtime, `${found.layout} ${directory}`))], own: []}
  }
  const opened: {foreign: ForeignSource[]; own: ObjectStore[]} = {foreign: [], own: []}
  for (const store of await openReadable(runtime, url, task)) {
    const found = await detect(runtime, store, wanted)
    if (!found) opened.own.push(store)
    else opened.foreign.push(new ForeignSource(store, found, cacheOf(runtime, `${found.layout} ${store.url}`)))
  }
  return opened

  async function detect(run: Runtime, store: ObjectStore, choice: LayoutChoice): Promise<ForeignRoots | undefined> {
    const path = store.url.replace(/^[a-z0-9]+:\/\//, '')
    try {
      return await detectLayout(store, {wanted: choice, local: false, above: segmentsOf(path).slice(1)})
    } catch (error) {
      // Whose rights end at their own sessions cannot look around, and needs not.
      if (choice !== 'auto' || !hasCode(error, 'ACCESS_DENIED')) throw error
      run.logger.debug('the store may not be looked through, and is taken for one of reprise', {store: store.url})
      return undefined
    }
  }
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '')
}

function cacheOf(runtime: Runtime, name: string): FileSummaryCache {
  return new FileSummaryCache(runtime.directories.cache, name)
}

function notLocal(url: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'LAYOUT_INVALID',
    message: `--layout local is for directories of this machine, and ${url} is none`,
    suggestions: ['Name a directory: --store ./copied/.claude', 'For such a copy in a bucket: --layout claude-dir'],
  })
}
