import {execFile} from 'node:child_process'
import {mkdir} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {join} from 'node:path'
import {promisify} from 'node:util'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Compiles `src/` to a new directory from which node_modules can be resolved; the working tree stays as it is. What the compiler
 * has to say of types is for others to hear.
 */
export async function buildSource(): Promise<string> {
  const target = join(ROOT, '.cache', 'mutations', String(process.pid))
  await mkdir(target, {recursive: true})
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', target, '--declaration', 'false']
  await promisify(execFile)(process.execPath, [compiler, ...options]).catch((error: unknown) => {
    if (typeof error !== 'object' || error === null || !('code' in error) || error.code !== 2) throw error
  })
  return target
}
