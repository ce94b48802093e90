import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

const PACKAGE = '@anthropic-ai/claude-code'
const tools = process.env['REPRISE_TEST_TOOLS'] ?? fileURLToPath(new URL('../../../.cache/tools', import.meta.url))

/** A claude of an earlier version, installed from npm beside the other test tools; or in one sentence why it cannot be had. */
export async function installClaude(version: string): Promise<{path?: string; reason?: string}> {
  const prefix = join(tools, `claude-${version}`)
  const path = join(prefix, 'node_modules', `${PACKAGE}-${process.platform}-${process.arch}`, 'claude')
  if (existsSync(path)) return {path}
  await mkdir(prefix, {recursive: true})
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const args = ['install', ...flags, '--prefix', prefix, `${PACKAGE}@${version}`]
  try {
    await promisify(execFile)('npm', args, {cwd: prefix, timeout: 100_000})
  } catch (error) {
    return {reason: `claude ${version} cannot be had from npm here: ${String(error).split('\n')[0]}`}
  }
  return existsSync(path) ? {path} : {reason: `claude ${version} has no binary for ${process.platform}-${process.arch}`}
}
