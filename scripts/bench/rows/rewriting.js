import {randomUUID} from 'node:crypto'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'

const silent = () => {}

const APPENDS = 10_000
const BYTES = 2_000

/** @type {import('../row.js').Row} */
export const rewriting = {
  name: 'rewriting',
  title: `${APPENDS} appends of ${BYTES / 1000} KB, each waited for, compacted behind them`,
  needs: [],
  async run({root, server, say}) {
    const {createSessionStore} = await import(pathToFileURL(join(root, 'dist/index.js')).href)
    const s3 = {
      endpoint: server.endpoint,
      region: server.env.AWS_REGION,
      credentials: {accessKeyId: server.env.AWS_ACCESS_KEY_ID, secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY},
    }
    let rewritten = 0
    let compactions = 0
    const logger = {
      level: 'debug',
      debug(fields, message) {
        if (message !== 'compacted') return
        compactions++
        rewritten += fields.bytesWritten
      },
      info: silent,
      warn: silent,
      error: silent,
    }
    const key = {projectKey: '-bench', sessionId: randomUUID()}
    const sessions = createSessionStore(`s3://${server.bucket}/rewriting`, {s3, logger})
    let bytes = 0
    for (let index = 0; index < APPENDS; index++) {
      if (index % 2_500 === 0) say(`${index} appends`)
      const entry = {type: 'user', uuid: randomUUID(), message: {role: 'user', content: 'x'.repeat(BYTES - 100)}}
      bytes += JSON.stringify(entry).length + 1
      await sessions.append(key, [entry])
    }
    await sessions.close()
    const reader = createSessionStore(`s3://${server.bucket}/rewriting`, {s3})
    const {value, traffic} = await server.measure(async () => reader.load(key))
    await reader.close()
    if (value?.length !== APPENDS) throw new Error(`${value?.length} of ${APPENDS} entries`)
    return [
      {what: 'bytes written again, of the data', value: rewritten / bytes, unit: '×', atMost: 6},
      {
        what: 'parts left',
        value: traffic.operations.GetObject ?? 0,
        unit: 'requests',
        atMost: 24,
        note: 'each is a GET',
      },
      {what: 'compactions', value: compactions, unit: 'requests', note: 'runs'},
    ]
  },
}
