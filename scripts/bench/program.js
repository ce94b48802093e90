import {spawn, spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'

const SAMPLE_MS = process.platform === 'linux' ? 10 : 100

/**
 * @typedef {object} Finished
 * @property {number} ms from the start of the process to its end
 * @property {number} peakRss bytes of this process alone; the last sample lies at most `SAMPLE_MS` before its end
 * @property {string} stdout
 */

/**
 * Runs a program to its end.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{env: Record<string, string>, cwd: string}} options
 * @returns {Promise<Finished>} rejects when it ends with anything but 0, with what it wrote to stderr
 */
export async function runProgram(file, args, {env, cwd}) {
  const started = performance.now()
  const child = spawn(file, args, {env, cwd, stdio: ['ignore', 'pipe', 'pipe']})
  let peakRss = 0
  const sample = () => {
    if (child.pid !== undefined) peakRss = Math.max(peakRss, readRss(child.pid))
  }
  const timer = setInterval(sample, SAMPLE_MS)
  const output = {stdout: '', stderr: ''}
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    child[name].setEncoding('utf8').on('data', (text) => (output[name] += text))
  }
  try {
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode, signal) => resolve(exitCode ?? signal))
    })
    if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}:\n${output.stderr}${output.stdout}`)
  } finally {
    clearInterval(timer)
  }
  return {ms: performance.now() - started, peakRss, stdout: output.stdout}
}

/**
 * Wall time of a short program, without pipes and timers of ours beside it.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{env: Record<string, string>, cwd: string}} options
 */
export function timeProgram(file, args, {env, cwd}) {
  const started = performance.now()
  const {status} = spawnSync(file, args, {env, cwd, stdio: ['ignore', 'ignore', 'inherit']})
  const ms = performance.now() - started
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}`)
  return ms
}

/**
 * Linux keeps the highest value itself, so that no peak falls between two samples.
 * @param {number} pid
 */
function readRss(pid) {
  try {
    if (process.platform === 'linux') {
      const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      return Number(kib ?? 0) * 1024
    }
    return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], {encoding: 'utf8'}).stdout.trim() || 0) * 1024
  } catch {
    return 0
  }
}
