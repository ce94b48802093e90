import {randomUUID} from 'node:crypto'
import {join} from 'node:path'
import {performance} from 'node:perf_hooks'
import {pathToFileURL} from 'node:url'
import {median} from '../numbers.js'

const PARTS = 2_000
const BYTES = 4_000
const ROUNDS = 3
const AT_A_TIME = 16

/** @type {import('../row.js').Row} */
export const load = {
  name: 'load',
  title: `a session of ${PARTS} parts of ${BYTES / 1000} KB, loaded`,
  needs: ['compact'],
  async run({root, server, newWorker, say}) {
    const {createSessionStore} = await import(pathToFileURL(join(root, 'dist/index.js')).href)
    const {S3Client, GetObjectCommand, ListObjectsV2Command} = await import('@aws-sdk/client-s3')
    const s3 = {
      endpoint: server.endpoint,
      region: server.env.AWS_REGION,
      credentials: {accessKeyId: server.env.AWS_ACCESS_KEY_ID, secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY},
    }
    const open = (compactAt) => createSessionStore(`s3://${server.bucket}/load`, {s3, compactAt})
    const key = {projectKey: '-bench', sessionId: randomUUID()}
    const writer = open(0)
    say(`${PARTS} appends`)
    for (let index = 0; index < PARTS; index++) {
      await writer.append(key, [{type: 'user', uuid: randomUUID(), text: `${index} ${'x'.repeat(BYTES - 100)}`}])
    }
    await writer.close()

    const client = new S3Client({...s3, forcePathStyle: true})
    const Prefix = `load/${key.projectKey}/${key.sessionId}/`
    const asReference = async () => {
      const keys = []
      let ContinuationToken
      do {
        const page = await client.send(
          new ListObjectsV2Command({Bucket: server.bucket, Prefix, Delimiter: '/', ContinuationToken}),
        )
        keys.push(...(page.Contents ?? []).map((each) => each.Key))
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
      keys.sort((a, b) => (a < b ? -1 : 1))
      const entries = []
      for (let at = 0; at < keys.length; at += AT_A_TIME) {
        const bodies = await Promise.all(
          keys.slice(at, at + AT_A_TIME).map(async (Key) => {
            const {Body} = await client.send(new GetObjectCommand({Bucket: server.bucket, Key}))
            return Body?.transformToString()
          }),
        )
        for (const body of bodies) for (const line of body?.split('\n') ?? []) if (line) entries.push(JSON.parse(line))
      }
      return entries
    }
    const ours = async () => {
      const reader = open(0)
      const entries = await reader.load(key)
      await reader.close()
      return entries
    }
    const timed = async (loadAll) => {
      const {value, traffic} = await server.measure(async () => {
        const [began, cpu] = [performance.now(), process.cpuUsage()]
        const {length} = await loadAll()
        const {user, system} = process.cpuUsage(cpu)
        return {ms: performance.now() - began, length, cpu: (user + system) / 1000}
      })
      if (value.length !== PARTS) throw new Error(`${value.length} of ${PARTS} entries`)
      return {...value, requests: traffic.requests}
    }
    // Warm: sockets and code of both.
    await ours()
    await asReference()
    const [reference, many] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      reference.push(await timed(asReference))
      many.push(await timed(ours))
    }
    await newWorker('load').reprise('compact', '--all', '--grace', '0s')
    const left = await server.measure(ours)
    const few = []
    for (let round = 0; round < ROUNDS; round++) {
      const {value} = await server.measure(async () => {
        const began = performance.now()
        await ours()
        return performance.now() - began
      })
      few.push(value)
    }
    client.destroy()
    const base = median(reference.map(({ms}) => ms))
    return [
      {what: 'the reference way, 16 at a time', value: base, unit: 'ms'},
      {what: 'uncompacted', value: median(many.map(({ms}) => ms)), unit: 'ms'},
      {
        what: 'uncompacted, against the reference way',
        value: base / median(many.map(({ms}) => ms)),
        unit: '×',
        atLeast: 3,
        aim: 4,
      },
      {
        what: "processor time against the reference way's",
        value: median(many.map(({cpu}) => cpu)) / median(reference.map(({cpu}) => cpu)),
        unit: '×',
      },
      {what: 'requests, uncompacted', value: many[0].requests, unit: 'requests'},
      {what: 'compacted', value: median(few), unit: 'ms'},
      {what: 'compacted, against the reference way', value: base / median(few), unit: '×', atLeast: 25},
      {what: 'requests, compacted', value: left.traffic.requests, unit: 'requests'},
    ]
  },
}
