import {RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {PrefixedObjectStore} from '../object-store/prefixed.js'
import {formatStoreUrl, openPlaceholders, resolvePlaceholders, type StoreUrl} from '../object-store/store-url.js'
import {OWN_PREFIX} from '../store/names.js'
import {claudeConfigDir} from '../transcript/config-dir.js'
import type {OpenedStore} from './open-store.js'
import type {Runtime} from './runtime.js'

const NAME_THE_TASK =
  'Write the task in place of {task}. Where a command has --task <task>, that says it too; push, pull, resume and status take it as SESSION.'

/** The part of a store that a URL names, as a store of its own; closed when the command ends. @throws PLACEHOLDER_OPEN */
export async function openPrefixed(
  runtime: Runtime,
  url: StoreUrl,
  task?: string,
): Promise<Pick<OpenedStore, 'store' | 'totals'>> {
  const resolved = await resolveUrl(runtime, url, task)
  const [open] = openPlaceholders(resolved)
  if (open !== undefined) throw placeholderOpen(open, resolved)
  const opened = await runtime.openStore(resolved)
  return {
    store: new PrefixedObjectStore(opened.store, resolved.prefix, formatStoreUrl(resolved)),
    totals: () => opened.totals(),
  }
}

/** For reading: one store, or one for each value that stands in the place of an open placeholder. Closed when the command ends. */
export async function openReadable(runtime: Runtime, url: StoreUrl, task?: string): Promise<readonly ObjectStore[]> {
  const resolved = await resolveUrl(runtime, url, task)
  const {store} = await runtime.openStore(resolved)
  const prefixes =
    openPlaceholders(resolved).length === 0 ? [resolved.prefix] : await listPrefixes(store, resolved.prefix)
  return prefixes.map((prefix) => new PrefixedObjectStore(store, prefix, formatStoreUrl({...resolved, prefix})))
}

/** Whether the command has to say which task's part of the store it means. */
export async function isTaskOpen(runtime: Runtime, url: StoreUrl): Promise<boolean> {
  return openPlaceholders(await resolveUrl(runtime, url, undefined)).includes('task')
}

/** The values that the store holds in the place of `{task}`. @throws ACCESS_DENIED where rights end at one of them. */
export async function listTasks(runtime: Runtime, url: StoreUrl): Promise<readonly string[]> {
  const pattern = await resolveUrl(runtime, url, undefined)
  const {store} = await runtime.openStore(pattern)
  const [before = '', ...others] = pattern.prefix.split('{task}')
  const after = (others[0] ?? '').split('/', 1)[0] ?? ''
  const start = before.slice(before.lastIndexOf('/') + 1).length
  const depth = before.split('/').length - 1
  return (await listPrefixes(store, pattern.prefix)).flatMap((prefix) => {
    const segment = prefix.split('/')[depth] ?? ''
    const task = decoded(segment.slice(start, segment.length - after.length))
    // Made by others, or `{task}` twice with two values.
    if (!task || resolvePlaceholders(pattern, {task}).prefix !== prefix) return []
    return [task]
  })
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** The machine is asked only for what the URL leaves open. */
export async function resolveUrl(runtime: Runtime, url: StoreUrl, task: string | undefined): Promise<StoreUrl> {
  if (openPlaceholders(url).length === 0) return url
  return resolvePlaceholders(url, {...(await runtime.placeholders()), ...(task !== undefined && {task})})
}

/** The prefixes that a store holds for a pattern, from the first open placeholder on segment by segment. */
async function listPrefixes(store: ObjectStore, pattern: string): Promise<readonly string[]> {
  const segments = pattern.split('/')
  const at = segments.findIndex((segment) => segment.includes('{'))
  if (at === -1) return [pattern]
  const above = segments.slice(0, at).map((segment) => `${segment}/`)
  const below = segments.slice(at + 1).join('/')
  const pieces = (segments[at] ?? '')
    .split(/\{[^{}]*\}/)
    .map((piece) => piece.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`))
  const wanted = new RegExp(`^${pieces.join('.+')}$`, 's')
  const start = above.join('')
  const {prefixes} = await listAll(store, {prefix: start, delimiter: '/'})
  const found = prefixes.filter((prefix) => prefix !== OWN_PREFIX && wanted.test(prefix.slice(start.length, -1)))
  return (await Promise.all(found.map(async (prefix) => listPrefixes(store, prefix + below)))).flat()
}

/** `--config-dir`, else Claude's own. */
export function configDirOf({settings, env, home}: Runtime): string {
  return settings.configDir ?? claudeConfigDir({env, home})
}

export function placeholderOpen(name: string, url: StoreUrl): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'PLACEHOLDER_OPEN',
    message: `{${name}} has no value in the store's URL ${formatStoreUrl(url)}`,
    suggestions: name === 'task' ? [NAME_THE_TASK] : [`Write its value in place of {${name}}.`],
  })
}
