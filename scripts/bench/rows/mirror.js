import {randomUUID} from 'node:crypto'
import {join} from 'node:path'
import {performance} from 'node:perf_hooks'
import {setTimeout as sleep} from 'node:timers/promises'
import {pathToFileURL} from 'node:url'
import {median} from '../numbers.js'

const APPENDS = 2_000
const PER_SECOND = 500
const BYTES = 2_000

/** @type {import('../row.js').Row} */
export const mirror = {
  name: 'mirror',
  title: `${APPENDS} appends of ${BYTES / 1000} KB to one session, ${PER_SECOND} a second, not awaited`,
  needs: [],
  async run({root, server}) {
    const {createSessionStore, openS3ObjectStore} = await import(pathToFileURL(join(root, 'dist/index.js')).href)
    const s3 = {
      endpoint: server.endpoint,
      region: server.env.AWS_REGION,
      credentials: {accessKeyId: server.env.AWS_ACCESS_KEY_ID, secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY},
    }
    const store = await openS3ObjectStore({bucket: server.bucket, ...s3})
    const put = async (key, body) => store.put(key, body, {mode: {type: 'create'}})
    const {value: puts} = await server.measure(async () => {
      const times = []
      for (let index = 0; index < 50; index++) {
        const began = performance.now()
        await put(`mirror/warm/part-${index}`, Buffer.from(lineOf(index)))
        times.push(performance.now() - began)
      }
      return times
    })

    const sessions = createSessionStore(`s3://${server.bucket}/mirror`, {s3, compactAt: 0})
    const key = {projectKey: '-bench', sessionId: randomUUID()}
    await sessions.append(key, [entryOf(-1)])
    const ours = await server.measure(async () => paced(async (index) => sessions.append(key, [entryOf(index)])))
    await sessions.close()

    // As the reference adapter does it: a part an append, each behind the one before.
    let last = Promise.resolve()
    const theirs = await server.measure(async () =>
      paced(async (index) => {
        last = last.then(() => put(`mirror/one/part-${String(index).padStart(5, '0')}`, Buffer.from(lineOf(index))))
        await last
      }),
    )
    await store.close()
    const [parts, onePut] = [ours.traffic.operations.PutObject ?? 0, median(puts)]
    return [
      {what: 'parts', value: parts, unit: 'requests', note: `against ${APPENDS}, summaries counted`},
      {what: 'fewer parts than one an append', value: APPENDS / parts, unit: '×', atLeast: 10},
      {what: 'throughput against one part an append', value: theirs.value.ms / ours.value.ms, unit: '×', atLeast: 5},
      {what: 'one PUT', value: onePut, unit: 'ms'},
      {what: 'median latency of an append', value: median(ours.value.latencies), unit: 'ms'},
      {
        what: '99 of 100 appends within',
        value: percentile(ours.value.latencies, 0.99) / onePut,
        unit: '×',
        atMost: 3,
        note: 'one PUT',
      },
    ]
  },
}

async function paced(append) {
  const latencies = []
  const began = performance.now()
  const appends = []
  for (let index = 0; index < APPENDS; index++) {
    const due = began + (index * 1000) / PER_SECOND
    const wait = due - performance.now()
    if (wait > 1) await sleep(wait)
    const at = performance.now()
    appends.push(append(index).then(() => latencies.push(performance.now() - at)))
  }
  await Promise.all(appends)
  return {ms: performance.now() - began, latencies}
}

function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

function entryOf(index) {
  return {type: 'user', uuid: randomUUID(), message: {role: 'user', content: `${index} ${'x'.repeat(BYTES)}`}}
}

function lineOf(index) {
  return `${JSON.stringify(entryOf(index))}\n`
}
