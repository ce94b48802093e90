import {performance} from 'node:perf_hooks'
import {median} from '../numbers.js'
import {operationsOf} from '../row.js'
import {uuidOf} from '../transcripts.js'

const SESSIONS = 5_000
const PROJECTS = 50
const AT_A_TIME = 32
const ROUNDS = 3

/** @type {import('../row.js').Row} */
export const listing = {
  name: 'listing',
  title: 'ls --json of 5,000 sessions in a bucket',
  needs: ['ls'],
  async run({server, newWorker, say}) {
    const {S3Client, PutObjectCommand} = await import('@aws-sdk/client-s3')
    const {AWS_REGION: region = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = ''} = server.env
    const credentials = {accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY}
    const client = new S3Client({endpoint: server.endpoint, region, credentials, forcePathStyle: true})
    /** @type {[string, string][]} */
    const objects = []
    for (let at = 0; at < SESSIONS; at++) {
      const sessionId = uuidOf(`listing ${at}`)
      const homeKey = `-home-dev-project-${at % PROJECTS}`
      const line = `${JSON.stringify({type: 'user', uuid: uuidOf(`line ${at}`), sessionId, message: {role: 'user', content: `prompt ${at}`}})}\n`
      const part = `${homeKey}/${sessionId}/part-${1_780_000_000_000 + at}-abcdef.jsonl`
      objects.push([`with/${part}`, line], [`without/${part}`, line])
      const summary = {
        version: 1,
        sessionId,
        homeKey,
        agent: 'claude',
        title: `Session ${at}`,
        entries: 1,
        bytes: line.length,
      }
      objects.push([`with/.reprise/sessions/${sessionId}.json`, `${JSON.stringify(summary)}\n`])
    }
    say(`${objects.length} objects`)
    let next = 0
    const put = async () => {
      for (let object = objects[next++]; object; object = objects[next++]) {
        const [Key, Body] = object
        await client.send(new PutObjectCommand({Bucket: server.bucket, Key, Body}))
      }
    }
    await Promise.all(Array.from({length: AT_A_TIME}, put))
    client.destroy()

    const [first, again, without] = [[], [], []]
    for (let round = 0; round < ROUNDS; round++) {
      const worker = newWorker('with', {REPRISE_STORE: `s3://${server.bucket}/with`})
      first.push(await timed(worker))
      again.push(await timed(worker))
      without.push(await timed(newWorker('without', {REPRISE_STORE: `s3://${server.bucket}/without`})))
    }
    return [
      figure('at first sight, with summaries', first, 3_000),
      figure('after that', again, 1_000),
      figure('at first sight, without summaries', without, 6_000),
    ]

    /** @param {import('../worker.js').Worker} worker */
    async function timed(worker) {
      return server.measure(async () => {
        const began = performance.now()
        const {stdout} = await worker.reprise('ls', '--json')
        const found = JSON.parse(stdout).result
        const rows = Array.isArray(found) ? found : found.sessions
        if (rows.length !== SESSIONS) throw new Error(`ls shows ${rows.length} of ${SESSIONS} sessions`)
        return performance.now() - began
      })
    }
  },
}

/**
 * @param {string} what
 * @param {readonly {value: number, traffic: import('../strict-server.js').Traffic}[]} runs
 * @param {number} atMost
 * @returns {import('../row.js').Figure}
 */
function figure(what, runs, atMost) {
  const [{traffic}] = runs
  return {what, value: median(runs.map(({value}) => value)), unit: 'ms', atMost, note: operationsOf(traffic)}
}
