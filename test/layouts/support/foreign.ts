import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {systemClock} from '../../../src/base/system.js'
import {detectLayout} from '../../../src/layouts/detect.js'
import {DirectoryTree} from '../../../src/layouts/directory-tree.js'
import {ForeignSource} from '../../../src/layouts/foreign-source.js'
import type {LayoutChoice} from '../../../src/layouts/layout.js'
import type {Tree} from '../../../src/layouts/tree.js'
import {MemoryObjectStore} from '../../../src/object-store/memory.js'
import type {SummaryCache} from '../../../src/sync/summary-cache.js'

export type Files = Readonly<Record<string, string | Uint8Array>>

export const noCache: SummaryCache = {read: async () => new Map(), write: async () => undefined}

export async function storeOf(files: Files): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore({clock: systemClock})
  for (const [key, content] of Object.entries(files)) {
    await store.put(key, Buffer.from(content), {mode: {type: 'overwrite'}})
  }
  return store
}

export async function sourceOf(tree: Tree, wanted: LayoutChoice = 'auto', cache = noCache): Promise<ForeignSource> {
  const local = tree instanceof DirectoryTree
  const found = await detectLayout(tree, {wanted, local, above: []})
  if (!found) throw new Error('no layout of others')
  return new ForeignSource(tree, found, cache)
}

/** A directory that is gone after the test. */
export async function makeDirectory(files: Files = {}): Promise<AsyncDisposable & {readonly path: string}> {
  const path = await mkdtemp(join(tmpdir(), 'reprise-layouts-'))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), {recursive: true})
    await writeFile(join(path, name), content)
  }
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true})}
}
