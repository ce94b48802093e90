import {cp, mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {type Core, loadCore} from './core.js'
import type {Mutation} from './mutations.js'

/** All that the core under attack is made of. */
const ROOMS = ['base', 'doctor', 'metrics', 'object-store', 'registry', 'store', 'sync', 'transcript']

/**
 * A copy of the compiled code with one rule taken out.
 *
 * @param build a directory with the compiled `src/`.
 * @param target a new directory from which node_modules can be resolved.
 */
export async function mutatedCore(
  build: string,
  target: string,
  {rule, edits}: Pick<Mutation, 'rule' | 'edits'>,
): Promise<Core> {
  await mkdir(target, {recursive: true})
  for (const room of ROOMS) await cp(join(build, room), join(target, room), {recursive: true})
  for (const {file, find, replace} of edits) {
    const path = join(target, `${file}.js`)
    const code = await readFile(path, 'utf8')
    const times = code.split(find).length - 1
    if (times !== 1)
      throw new Error(`the mutation no longer applies: "${rule}", ${file}: found ${times} times: ${find}`)
    await writeFile(
      path,
      code.replace(find, () => replace),
    )
  }
  return loadCore(`${pathToFileURL(target).href}/`)
}
