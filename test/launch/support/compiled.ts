import {execFile} from 'node:child_process'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface Compiled extends AsyncDisposable {
  /** `file:` URL of a module of src/, compiled: `launch/child.js`. */
  url(module: string): string
}

/**
 * Modules of src/ as plain JavaScript, for programs that run as processes of their own. Not dist/: that may be older than the
 * source, or not built.
 */
export async function compile(modules: readonly string[]): Promise<Compiled> {
  const cache = join(root, '.cache')
  await mkdir(cache, {recursive: true})
  // Inside the project, so that what the modules import from packages is found.
  const directory = await mkdtemp(join(cache, 'compiled-'))
  const config = {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: {rootDir: join(root, 'src'), outDir: directory, declaration: false, types: ['node']},
    include: [],
    files: modules.map((module) => join(root, 'src', module)),
  }
  const path = join(directory, 'tsconfig.json')
  await writeFile(path, JSON.stringify(config))
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', path])
  return {
    url: (module) => new URL(module, `file://${directory}/`).href,
    async [Symbol.asyncDispose]() {
      await rm(directory, {recursive: true, force: true})
    },
  }
}
