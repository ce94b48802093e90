import {randomBytes} from 'node:crypto'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {MIB} from '../numbers.js'
import {operationsOf} from '../row.js'
import {growSession, makeSession, uuidOf} from '../transcripts.js'

const PROJECTS = 20
const SESSIONS = 2_000
const WITH_LEASE = 200
const PAGE = 1_000

/** @type {import('../row.js').Row} */
export const unchanged = {
  name: 'unchanged',
  title: 'push --all of 2,000 unchanged sessions (20 projects; 200 sessions with a lease record)',
  needs: ['push'],
  async run({root, server, newWorker, say}) {
    const worker = newWorker('unchanged')
    const places = Array.from({length: SESSIONS}, (_, at) =>
      worker.place(uuidOf(`unchanged ${at}`), `-home-dev-project-${at % PROJECTS}`),
    )
    for (const place of places) makeSession(place, 4_000)
    await plantLeases(root, worker.env, places.slice(0, WITH_LEASE))
    say('first push of 2,000 sessions, without latency')
    await worker.reprise('push', '--all')
    const seen = await server.measure(() => worker.reprise('push', '--all'))
    const [changed] = places
    growSession(changed, 10_000, 'one more')
    const one = await server.measure(() => worker.reprise('push', '--all'))
    const pages = PROJECTS * Math.ceil(SESSIONS / PROJECTS / PAGE) + Math.ceil(WITH_LEASE / PAGE)
    return [
      {
        what: `requests (LIST pages: ${pages})`,
        value: seen.traffic.requests,
        unit: 'requests',
        atMost: pages + 5,
        note: operationsOf(seen.traffic),
      },
      {what: 'time', value: seen.value.ms, unit: 'ms'},
      {what: 'peak memory', value: seen.value.peakRss / MIB, unit: 'MiB'},
      {
        what: 'requests when one of them grew',
        value: one.traffic.requests,
        unit: 'requests',
        note: operationsOf(one.traffic),
      },
    ]
  },
}

/**
 * Sessions that were run under a lease leave its record behind.
 * @param {string} root
 * @param {Record<string, string>} env of a worker
 * @param {readonly {sessionId: string}[]} places
 */
async function plantLeases(root, env, places) {
  const load = async (/** @type {string} */ path) => import(pathToFileURL(join(root, 'dist', path)).href)
  const [{openS3ObjectStore}, {parseStoreUrl}, {encodeLeaseRecord}, {leaseKeyOf}, {CREATE}] = await Promise.all([
    load('object-store/s3/s3-object-store.js'),
    load('object-store/store-url.js'),
    load('registry/lease-record.js'),
    load('store/names.js'),
    load('object-store/object-store.js'),
  ])
  const {bucket, prefix} = parseStoreUrl(env['REPRISE_STORE'], {cwd: root})
  const store = await openS3ObjectStore({
    bucket,
    endpoint: env['AWS_ENDPOINT_URL_S3'],
    region: env['AWS_REGION'],
    credentials: {accessKeyId: env['AWS_ACCESS_KEY_ID'], secretAccessKey: env['AWS_SECRET_ACCESS_KEY']},
  })
  const owner = {machine: 'elsewhere', boot: 'b', pidNamespace: 'n', pid: 1, start: '1'}
  await Promise.all(
    places.map(async ({sessionId}) => {
      const record = {version: 1, owner, epoch: 1, acquired: 1, expiry: 2, released: true, cutOff: 0}
      const bytes = encodeLeaseRecord({...record, hold: randomBytes(12).toString('hex')})
      await store.put(prefix + leaseKeyOf(sessionId), bytes, {mode: CREATE})
    }),
  )
  await store.close()
}
