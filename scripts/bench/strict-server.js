import {spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'

const LATENCY_MS = 20

/**
 * @typedef {object} Traffic
 * @property {number} requests
 * @property {number} bytesIn bodies that the server got, with their framing; headers not counted
 * @property {number} bytesOut
 * @property {Record<string, number>} operations requests by operation
 */

/**
 * The test-suite's strict S3 server in a process of its own, so that its work and memory are not counted as the client's.
 * Node 20 runs no TypeScript: the server is compiled first.
 */
export class StrictServer {
  #child
  #compiled
  /** @type {Record<string, string>} what a client finds it by */
  env
  /** @type {string} */
  endpoint
  /** @type {string} */
  bucket

  /**
   * @param {string} root the repository
   * @param {{nodeArguments?: readonly string[], env?: Record<string, string>}} [options] for its process
   */
  static async start(root, {nodeArguments = [], env = {}} = {}) {
    const compiled = compile(root)
    const program = [join(compiled, 'main.js'), '{"buckets":["bench"]}']
    const child = spawn(process.execPath, [...nodeArguments, ...program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {...process.env, ...env},
    })
    const [line] = await once(createInterface({input: child.stdout}), 'line')
    return new StrictServer(child, compiled, JSON.parse(line))
  }

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} compiled
   * @param {{endpoint: string, bucket: string, region: string, accessKeyId: string, secretAccessKey: string}} facts
   */
  constructor(child, compiled, {endpoint, bucket, region, accessKeyId, secretAccessKey}) {
    this.#child = child
    this.#compiled = compiled
    this.endpoint = endpoint
    this.bucket = bucket
    this.env = {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }
  }

  /**
   * Runs `work` as over a network, every request 20 ms late, and counts what it sends.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<{value: T, traffic: Traffic}>}
   */
  async measure(work) {
    await this.#control('POST', 'settings', {latencyMs: LATENCY_MS})
    await this.#control('POST', 'reset')
    try {
      const value = await work()
      return {value, traffic: await this.#control('GET', 'stats')}
    } finally {
      await this.#control('POST', 'settings', {latencyMs: 0})
      await this.#control('POST', 'reset')
    }
  }

  async close() {
    const exited = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await exited
    rmSync(this.#compiled, {recursive: true, force: true})
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [message]
   */
  async #control(method, path, message) {
    const body = message === undefined ? {} : {body: JSON.stringify(message)}
    const response = await fetch(`${this.endpoint}/_strict/${path}`, {method, ...body})
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return response.json()
  }
}

/** @param {string} root */
function compile(root) {
  const source = join(root, 'test/support/strict-s3')
  const cache = join(root, '.cache')
  mkdirSync(cache, {recursive: true})
  const target = mkdtempSync(join(cache, 'bench-server-'))
  const settings = '--module nodenext --target es2023 --noCheck --ignoreConfig --types node'.split(' ')
  const {status, stdout} = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      join(source, 'main.ts'),
      ...settings,
      '--rootDir',
      source,
      '--outDir',
      target,
    ],
    {cwd: root, encoding: 'utf8'},
  )
  if (status !== 0) throw new Error(`The strict server does not compile:\n${stdout}`)
  writeFileSync(join(target, 'package.json'), '{"type":"module"}\n')
  return target
}
