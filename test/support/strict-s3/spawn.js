import {execFile, spawn} from 'node:child_process'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {CONTROL_PREFIX} from './control.js'
/** Options travel as JSON: no `now`. */
export async function spawnStrictS3(options = {}) {
  const child = spawn(process.execPath, [await compiledMain(), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const facts = await firstLine(child)
  const {endpoint} = facts
  const send = async (method, path, message) => {
    const response = await fetch(endpoint + CONTROL_PREFIX + path, {
      method,
      ...(message === undefined ? {} : {body: JSON.stringify(message)}),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    ...facts,
    stats: async () => await send('GET', 'stats'),
    log: async () => await send('GET', 'log'),
    resetLog: async () => void (await send('POST', 'reset')),
    memory: async () => await send('GET', 'memory'),
    set: async (settings) => void (await send('POST', 'settings', settings)),
    addFault: async (rule) => void (await send('POST', 'faults', rule)),
    deny: async (operation, keyPrefix, accessKeyId) =>
      void (await send('POST', 'deny', {operation, keyPrefix, accessKeyId})),
    clearFaults: async () => void (await send('DELETE', 'faults')),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.stdin?.end()
      await exited
    },
  }
}
async function firstLine(child) {
  const lines = createInterface({input: child.stdout})
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the strict S3 server ended with code ${String(code)} before it listened`)
  })
  const line = once(lines, 'line')
  const [text] = await Promise.race([line, failed])
  failed.catch(() => {})
  return JSON.parse(text)
}
/**
 * Node 20 runs no TypeScript, so the server's sources are compiled once, into `.cache/strict-s3/<digest of the sources>`.
 * Several processes may do so at a time: each compiles aside, and the first rename wins.
 */
async function compiledMain() {
  const source = dirname(fileURLToPath(import.meta.url))
  const files = (await readdir(source)).filter((name) => name.endsWith('.ts')).toSorted()
  const digest = createHash('sha256')
  for (const name of files) digest.update(name).update(await readFile(join(source, name)))
  const cache = join(source, '../../../.cache/strict-s3')
  const target = join(cache, digest.digest('hex').slice(0, 16))
  const main = join(target, 'main.js')
  if (await exists(main)) return main
  await mkdir(cache, {recursive: true})
  const aside = await mkdtemp(join(cache, 'compile-'))
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const settings = ['--module', 'nodenext', '--target', 'es2023', '--noCheck', '--ignoreConfig', '--types', 'node']
  await promisify(execFile)(
    process.execPath,
    [join(typescript, 'bin/tsc'), join(source, 'main.ts'), ...settings, '--rootDir', source, '--outDir', aside],
    {cwd: join(source, '../../..')},
  )
  await writeFile(join(aside, 'package.json'), '{"type":"module"}\n')
  await rename(aside, target).catch(async (error) => {
    await rm(aside, {recursive: true, force: true})
    if (!(await exists(main))) throw error
  })
  return main
}
const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  )
