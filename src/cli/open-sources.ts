import {fileURLToPath} from 'node:url'
import {string} from '@oclif/core/flags'
import {hasCode, RepriseError} from '../base/errors.js'
import {formatStoreUrl, openPlaceholders, type StoreUrl} from '../object-store/store-url.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {LAYOUT_CHOICES, type ForeignRoots, type LayoutChoice} from '../layouts/layout.js'
import type {ForeignSource} from '../layouts/foreign-source.js'
import type {DetectOptions} from '../layouts/detect.js'
import type {Tree} from '../layouts/tree.js'
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
  const urls = await runtime.storeUrls()
  return (await Promise.all(urls.map(async (url) => openUrl(runtime, url, options)))).flat()
}

/** The stores of the run that other programs wrote. */
export interface ForeignStores {
  readonly sources: readonly ForeignSource[]
  /** The first store, which commands write to, is in reprise's own layout. */
  readonly ownFirst: boolean
}

/** Where a placeholder is open, and nobody named a layout, it is our own. @throws LAYOUT_INVALID, LAYOUT_UNCLEAR */
export async function openForeign(runtime: Runtime, options: OpenSourcesOptions): Promise<ForeignStores> {
  const urls = await runtime.storeUrls()
  const opened = await Promise.all(urls.map(async (url) => foreignOf(runtime, url, options)))
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
  const local = resolved.kind === 'file'
  if (wanted === 'local' && !local) throw notLocal(formatStoreUrl(resolved))
  const stores = await openReadable(runtime, url, task)
  const isOpen = openPlaceholders(resolved).length > 0
  if (wanted === 'reprise' || (wanted === 'auto' && isOpen)) return {foreign: [], own: stores}
  const opened: {foreign: ForeignSource[]; own: ObjectStore[]} = {foreign: [], own: []}
  for (const store of stores) {
    const tree = local ? await directoryOf(store) : store
    const found = await detect(runtime, tree, {wanted, local, above: segmentsAbove(store)})
    if (!found) {
      opened.own.push(store)
      continue
    }
    const {ForeignSource} = await import('../layouts/foreign-source.js')
    opened.foreign.push(new ForeignSource(tree, found, cacheOf(runtime, `${found.layout} ${tree.url}`)))
  }
  return opened
}

async function directoryOf({url}: ObjectStore): Promise<Tree> {
  const {DirectoryTree} = await import('../layouts/directory-tree.js')
  return new DirectoryTree(fileURLToPath(url))
}

async function detect(runtime: Runtime, tree: Tree, options: DetectOptions): Promise<ForeignRoots | undefined> {
  const {detectLayout} = await import('../layouts/detect.js')
  try {
    return await detectLayout(tree, options)
  } catch (error) {
    // Whose rights end at their own sessions cannot look around, and needs not.
    if (options.wanted !== 'auto' || !hasCode(error, 'ACCESS_DENIED')) throw error
    runtime.logger.debug('the store may not be looked through, and is taken for one of reprise', {store: tree.url})
    return undefined
  }
}

/** Of the path in a store's URL; a bucket's name is none. */
function segmentsAbove({url}: ObjectStore): readonly string[] {
  const path = url.startsWith('file:') ? fileURLToPath(url) : url.replace(/^s3:\/\/[^/]*/, '')
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
