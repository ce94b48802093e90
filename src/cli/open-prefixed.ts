import {RepriseError} from '../base/errors.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {PrefixedObjectStore} from '../object-store/prefixed.js'
import {formatStoreUrl, openPlaceholders, resolvePlaceholders, type StoreUrl} from '../object-store/store-url.js'
import {claudeConfigDir} from '../transcript/config-dir.js'
import type {Runtime} from './runtime.js'

/** The part of a store that a URL names, as a store of its own; closed when the command ends. @throws PLACEHOLDER_OPEN */
export async function openPrefixed(runtime: Runtime, url: StoreUrl, task?: string): Promise<ObjectStore> {
  const values = {...(await runtime.placeholders()), ...(task !== undefined && {task})}
  const resolved = resolvePlaceholders(url, values)
  const [open] = openPlaceholders(resolved)
  if (open !== undefined) throw placeholderOpen(open, resolved)
  const {store} = await runtime.openStore(resolved)
  return new PrefixedObjectStore(store, resolved.prefix, formatStoreUrl(resolved))
}

/** `--config-dir`, else Claude's own. */
export function configDirOf({settings, env, home}: Runtime): string {
  return settings.configDir ?? claudeConfigDir({env, home})
}

function placeholderOpen(name: string, url: StoreUrl): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'PLACEHOLDER_OPEN',
    message: `{${name}} has no value in the store's URL ${formatStoreUrl(url)}`,
    suggestions: name === 'task' ? ['Name the task: --task'] : [`Write its value in place of {${name}}.`],
  })
}
