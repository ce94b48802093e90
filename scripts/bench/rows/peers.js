import {mkdirSync, mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {median, MB, MIB} from '../numbers.js'
import {findPeers} from '../peers.js'
import {runProgram} from '../program.js'
import {growSession, makeSession, uuidOf} from '../transcripts.js'

const SESSIONS = 500
const SIZE = 1_000_000
const ROUNDS = 3

/** @type {import('../row.js').Row} */
export const peers = {
  name: 'peers',
  title: '500 sessions of 1 MB, side by side with other programs',
  needs: ['push'],
  async run({root, scratch, server, newWorker, has, say}) {
    const found = findPeers(root)
    for (const each of found.missing) say(`skipped: ${each}`)
    const source = newWorker('peers')
    const places = Array.from({length: SESSIONS}, (_, at) => source.place(uuidOf(`peers ${at}`)))
    for (const place of places) makeSession(place, SIZE)
    const projects = join(source.configDir, 'projects')
    /** @type {Map<string, Map<string, Run[]>>} by step, then by program */
    const steps = new Map()

    for (let round = 0; round < ROUNDS; round++) {
      const ours = newWorker('peers', {REPRISE_STORE: `s3://${server.bucket}/peers/${round}/reprise`})
      const target = (/** @type {string} */ name) => `s3://${server.bucket}/peers/${round}/${name.replaceAll(' ', '-')}`
      const restored = mkdtempSync(join(scratch, 'restored-'))
      const push = async (/** @type {string} */ step) => {
        await record(step, 'reprise', () => ours.reprise('push', '--all', '--config-dir', source.configDir))
        for (const {name, program, sync} of found.peers) {
          await record(step, name, () => runProgram(program, sync(projects, target(name)), peerOptions(ours)))
        }
      }
      say(`round ${round + 1} of ${ROUNDS}`)
      await push('push')
      if (has('pull')) {
        await record('pull', 'reprise', () => ours.reprise('pull', '--all', '--to', join(restored, 'reprise')))
        checkCount(join(restored, 'reprise/projects', source.projectKey))
        for (const {name, program, sync} of found.peers) {
          const directory = join(restored, name)
          mkdirSync(directory)
          await record('pull', name, () => runProgram(program, sync(target(name), directory), peerOptions(ours)))
          checkCount(join(directory, source.projectKey))
        }
      }
      await push('push, nothing new')
      for (const place of places) growSession(place, 10_000, `round ${round}`)
      await push('push, 10 KB more in each')
      rmSync(restored, {recursive: true})
    }
    return [...steps].flatMap(([step, byProgram]) => compare(step, byProgram))

    /**
     * @param {string} step
     * @param {string} program
     * @param {() => Promise<import('../program.js').Finished>} work
     */
    async function record(step, program, work) {
      const {value, traffic} = await server.measure(work)
      const byProgram = steps.get(step) ?? new Map()
      steps.set(step, byProgram.set(program, [...(byProgram.get(program) ?? []), {...value, ...traffic}]))
    }
  },
}

/** @typedef {import('../program.js').Finished & import('../strict-server.js').Traffic} Run */

/** Of first pushes and of pulls. @type {Record<string, {atLeast: number, aim?: number}>} */
const BOUNDS = {'aws s3 sync': {atLeast: 1}, 's5cmd sync': {atLeast: 0.8, aim: 1}}

/**
 * @param {string} step
 * @param {Map<string, Run[]>} byProgram
 * @returns {import('../row.js').Figure[]}
 */
function compare(step, byProgram) {
  const ours = byProgram.get('reprise') ?? []
  /** @type {import('../row.js').Figure[]} */
  const figures = [
    {
      what: `${step}: reprise`,
      value: median(ours.map(({ms}) => ms)),
      unit: /** @type {const} */ ('ms'),
      note: costs(ours),
    },
  ]
  if (step === 'push' || step === 'pull') {
    const requests = median(ours.map((run) => run.requests)) / SESSIONS
    figures.push({what: `${step}: requests a session`, value: requests, unit: 'requests'})
    const memory = Math.max(...ours.map(({peakRss}) => peakRss)) / MIB
    figures.push({what: `${step}: peak memory`, value: memory, unit: 'MiB', atMost: 250})
  }
  for (const [name, runs] of byProgram) {
    if (name === 'reprise') continue
    figures.push({
      what: `${step}: rate against ${name}`,
      value: median(runs.map(({ms}, round) => ms / ours[round].ms)),
      unit: /** @type {const} */ ('×'),
      ...(step === 'push' || step === 'pull' ? BOUNDS[name] : {}),
      note: `${Math.round(median(runs.map(({ms}) => ms)))} ms, ${costs(runs)}`,
    })
  }
  return figures
}

/** @param {readonly Run[]} runs */
function costs(runs) {
  const of = (/** @type {(run: Run) => number} */ pick) => median(runs.map(pick))
  const moved = (of(({bytesIn}) => bytesIn) + of(({bytesOut}) => bytesOut)) / MB
  const memory = of(({peakRss}) => peakRss) / MIB
  return `${of(({requests}) => requests)} requests, ${moved.toFixed(1)} MB, ${memory.toFixed(0)} MiB`
}

/** @param {{env: Record<string, string>, cwd: string}} worker */
function peerOptions({env, cwd}) {
  const {AWS_ENDPOINT_URL_S3: endpoint = ''} = env
  return {cwd, env: {...env, S3_ENDPOINT_URL: endpoint}}
}

/** @param {string} directory */
function checkCount(directory) {
  const found = readdirSync(directory).filter((name) => name.endsWith('.jsonl')).length
  if (found !== SESSIONS) throw new Error(`${directory} has ${found} of ${SESSIONS} sessions`)
}
