import {performance} from 'node:perf_hooks'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {median} from '../numbers.js'

const TURNS = 8
const PROMPT = 'bash: echo hi;;say: done'

/** @type {import('../row.js').Row} */
export const mirrorSdk = {
  name: 'mirror-sdk',
  title: `a real query() of the Agent SDK, ${TURNS} turns with a Bash call each, every request 20 ms late`,
  needs: [],
  async run(bench) {
    const {startModelServer} = await import(pathToFileURL(join(bench.root, 'test/support/model-server.js')).href)
    const model = await startModelServer()
    try {
      const figures = []
      for (const flush of ['batched', 'eager']) {
        const bare = await measureQuery(bench, model, flush, undefined)
        const ours = await measureQuery(bench, model, flush, openOurs)
        const theirs = await measureQuery(bench, model, flush, openOnePartAnAppend)
        bench.say(`${flush}: ${Math.round(bare.turn)} ms a turn without a store`)
        figures.push(
          {what: `${flush}: appends a turn`, value: theirs.puts / TURNS, unit: 'requests', note: 'one part an append'},
          {
            what: `${flush}: writes a turn`,
            value: ours.puts / TURNS,
            unit: 'requests',
            note: 'parts, home record, summaries',
          },
          {what: `${flush}: a turn without a store`, value: bare.turn, unit: 'ms'},
          {what: `${flush}: a turn with one part an append`, value: theirs.turn, unit: 'ms'},
          {what: `${flush}: a turn`, value: ours.turn, unit: 'ms'},
          {
            what: `${flush}: an append`,
            value: ours.append / theirs.append,
            unit: '×',
            atMost: 3,
            note: `${Math.round(ours.append)} ms, against one PUT of ${Math.round(theirs.append)} ms`,
          },
        )
      }
      return figures
    } finally {
      await model.close()
    }
  },
}

/** A store as the SDK takes it, with what ends it. */
async function openOurs({root, server}, prefix) {
  const {createSessionStore} = await import(pathToFileURL(join(root, 'dist/index.js')).href)
  const store = createSessionStore(`s3://${server.bucket}/${prefix}`, {s3: s3Of(server), compactAt: 0})
  return {
    store: {append: async (key, entries) => store.append(key, entries), load: async (key) => store.load(key)},
    close: async () => store.close(),
  }
}

/** As the reference adapter does it. */
async function openOnePartAnAppend({root, server}, prefix) {
  const {openS3ObjectStore} = await import(pathToFileURL(join(root, 'dist/index.js')).href)
  const objects = await openS3ObjectStore({bucket: server.bucket, ...s3Of(server)})
  let parts = 0
  return {
    store: {
      async append({sessionId}, entries) {
        const body = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
        const name = String(++parts).padStart(13, '0')
        await objects.put(`${prefix}/${sessionId}/part-${name}-0.jsonl`, body, {mode: {type: 'overwrite'}})
      },
      load: async () => null,
    },
    close: async () => objects.close(),
  }
}

function s3Of({endpoint, env}) {
  const credentials = {accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY}
  return {endpoint, region: env.AWS_REGION, credentials}
}

/**
 * One query with a conversation of several turns.
 *
 * @param {import('../row.js').Bench} bench
 * @param {{url: string}} model
 * @param {'batched' | 'eager'} flush
 * @param {typeof openOurs | undefined} open
 * @returns medians in ms, and PUT requests in all
 */
async function measureQuery(bench, model, flush, open) {
  const {query} = await import('@anthropic-ai/claude-agent-sdk')
  const prefix = `mirror-sdk/${open?.name ?? 'none'}/${flush}`
  const worker = bench.newWorker(prefix)
  const env = {
    ...worker.env,
    CLAUDE_CONFIG_DIR: worker.configDir,
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'loopback',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
  }
  const opened = await open?.(bench, prefix)
  const appends = []
  const timed = opened && {
    ...opened.store,
    async append(key, entries) {
      const began = performance.now()
      await opened.store.append(key, entries)
      appends.push(performance.now() - began)
    },
  }
  const turns = []
  const {traffic} = await bench.server.measure(async () => {
    /** @type {(() => void) | undefined} */
    let goOn
    async function* prompts() {
      for (let turn = 0; turn < TURNS; turn++) {
        const answered = new Promise((resolve) => (goOn = resolve))
        const began = performance.now()
        yield {type: 'user', message: {role: 'user', content: PROMPT}, parent_tool_use_id: null}
        await answered
        turns.push(performance.now() - began)
      }
    }
    const options = {cwd: worker.cwd, env, allowedTools: ['Bash']}
    const mirrored = timed ? {...options, sessionStore: timed, sessionStoreFlush: flush} : options
    for await (const {type} of query({prompt: prompts(), options: mirrored})) if (type === 'result') goOn?.()
    await opened?.close()
  })
  worker.remove()
  // The first turn waits for claude to start.
  return {
    turn: median(turns.slice(1)),
    append: appends.length > 0 ? median(appends) : 0,
    puts: traffic.operations.PutObject ?? 0,
  }
}
