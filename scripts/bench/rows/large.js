import {createHash} from 'node:crypto'
import {createReadStream} from 'node:fs'
import {join} from 'node:path'
import {pipeline} from 'node:stream/promises'
import {MB, median, MIB} from '../numbers.js'
import {runProgram} from '../program.js'
import {operationsOf} from '../row.js'
import {makeSession, transcriptOf, uuidOf} from '../transcripts.js'

const SIZE = 500_000_000
const ROUNDS = 3

/** @type {import('../row.js').Row} */
export const large = {
  name: 'large',
  title: 'push and pull of a session of 500 MB',
  needs: ['push'],
  async run({server, newWorker, has}) {
    const figures = []
    const worker = newWorker('large')
    const place = worker.place(uuidOf('large'))
    const path = makeSession(place, SIZE)
    const pushes = []
    for (let round = 0; round < ROUNDS; round++) {
      const env = {REPRISE_STORE: `${worker.env['REPRISE_STORE']}/${round}`}
      const pusher = newWorker('large', env)
      pushes.push(await server.measure(() => pusher.reprise('push', '--all', '--config-dir', worker.configDir)))
    }
    figures.push(...speedAndMemory('push', pushes))
    if (!has('pull')) return figures
    const pulls = []
    const bare = []
    for (let round = 0; round < ROUNDS; round++) {
      const puller = newWorker('large', {REPRISE_STORE: `${worker.env['REPRISE_STORE']}/0`})
      pulls.push(await server.measure(() => puller.reprise('pull', place.sessionId)))
      const restored = transcriptOf(puller.place(place.sessionId))
      if ((await digestOf(restored)) !== (await digestOf(path))) throw new Error(`${restored} is not what was pushed`)
      bare.push(await server.measure(() => bareGet(server, `large/0/${place.projectKey}/${place.sessionId}/`, puller)))
      puller.remove()
    }
    figures.push(...speedAndMemory('pull', pulls))
    figures.push({
      what: 'speed of the pull against a bare GET into a file',
      value: median(bare.map(({value}, round) => value.ms / pulls[round].value.ms)),
      unit: '×',
      atLeast: 0.8,
      note: `${Math.round(median(bare.map(({value}) => value.ms)))} ms`,
    })
    return figures
  },
}

/**
 * One request for the one part that a first push makes, by a process of its own, written to a file beside the pulled one.
 * @param {import('../strict-server.js').StrictServer} server
 * @param {string} prefix
 * @param {import('../worker.js').Worker} worker
 */
async function bareGet(server, prefix, worker) {
  const program = join(import.meta.dirname, '../bare-get.js')
  const target = join(worker.configDir, 'projects/bare')
  return runProgram(process.execPath, [program, server.bucket, prefix, target], {
    cwd: worker.cwd,
    env: {...worker.env, ...server.env},
  })
}

/**
 * @param {string} what
 * @param {readonly {value: import('../program.js').Finished, traffic: import('../strict-server.js').Traffic}[]} runs
 * @returns {import('../row.js').Figure[]}
 */
function speedAndMemory(what, runs) {
  const [{traffic}] = runs
  return [
    {
      what: `peak memory of the ${what}`,
      value: Math.max(...runs.map(({value}) => value.peakRss)) / MIB,
      unit: 'MiB',
      atMost: 160,
    },
    {what: `speed of the ${what}`, value: SIZE / MB / (median(runs.map(({value}) => value.ms)) / 1_000), unit: 'MB/s'},
    {what: `requests of the ${what}`, value: traffic.requests, unit: 'requests', note: operationsOf(traffic)},
  ]
}

/** @param {string} path */
async function digestOf(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
