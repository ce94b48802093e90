import {mkdtempSync, mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {rolldown} from 'rolldown'

/**
 * The source as it stands, in one piece with its dependencies: a build that changes meanwhile is none of a run's business, and
 * processes start sooner.
 *
 * @param {string} root the repository
 * @returns {Promise<string>} a new directory with `core.js`
 */
export async function bundleCore(root) {
  const cache = join(root, '.cache')
  mkdirSync(cache, {recursive: true})
  const directory = mkdtempSync(join(cache, 'chaos-'))
  const build = await rolldown({
    cwd: root,
    input: {core: fileURLToPath(new URL('core.ts', import.meta.url))},
    platform: 'node',
    resolve: {extensionAlias: {'.js': ['.ts', '.js']}},
    checks: {ineffectiveDynamicImport: false},
  })
  await build.write({dir: directory, entryFileNames: '[name].js'})
  await build.close()
  return directory
}
