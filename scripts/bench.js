// Measures what the design promises: `npm run bench [-- NAME…] [--check] [--json]`.
//   NAME      only these rows
//   --check   exit 1 when a figure is over its bound
//   --json    the results as JSON on stdout, progress on stderr
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'
import {isOver, reportText} from './bench/report.js'
import {append} from './bench/rows/append.js'
import {growth} from './bench/rows/growth.js'
import {large} from './bench/rows/large.js'
import {list} from './bench/rows/list.js'
import {listing} from './bench/rows/listing.js'
import {load} from './bench/rows/load.js'
import {mirrorSdk} from './bench/rows/mirror-sdk.js'
import {mirror} from './bench/rows/mirror.js'
import {peers} from './bench/rows/peers.js'
import {rewriting} from './bench/rows/rewriting.js'
import {start} from './bench/rows/start.js'
import {unchanged} from './bench/rows/unchanged.js'
import {StrictServer} from './bench/strict-server.js'
import {hasCommand, Worker} from './bench/worker.js'

const ROWS = [append, unchanged, large, start, list, listing, growth, mirror, mirrorSdk, rewriting, load, peers]

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {check: {type: 'boolean'}, json: {type: 'boolean'}},
})
const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name))
if (unknown.length > 0) {
  process.stderr.write(`No such row: ${unknown.join(', ')}. There are: ${ROWS.map(({name}) => name).join(', ')}\n`)
  process.exit(2)
}

// The SDK announces on every start that it will drop Node 20 some day.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const scratch = mkdtempSync(join(tmpdir(), 'reprise-bench-'))
process.on('exit', () => rmSync(scratch, {recursive: true, force: true}))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

const server = await StrictServer.start(root)
/** @type {import('./bench/row.js').Bench} */
const bench = {
  root,
  scratch,
  server,
  has: (command) => hasCommand(root, command),
  newWorker: (prefix, env) =>
    new Worker(root, scratch, {...server.env, REPRISE_STORE: `s3://${server.bucket}/${prefix}`, ...env}),
  say: (text) => void process.stderr.write(`  ${text}\n`),
}

const results = []
for (const row of ROWS) {
  if (positionals.length > 0 && !positionals.includes(row.name)) continue
  process.stderr.write(`${row.name}: ${row.title}\n`)
  results.push({row: row.name, title: row.title, ...(await resultOf(row))})
}
await server.close()
process.stdout.write(values.json ? `${JSON.stringify({results}, undefined, 2)}\n` : `${reportText(results)}\n`)
process.exit(values.check && isOver(results) ? 1 : 0)

/** @param {import('./bench/row.js').Row} row */
async function resultOf(row) {
  const lacking = row.needs.filter((command) => !bench.has(command))
  if (lacking.length > 0) return {figures: [], skipped: `there is no ${lacking.join(', ')} in this build`}
  try {
    return {figures: await row.run(bench)}
  } catch (error) {
    return {figures: [], failed: error instanceof Error ? error.message : String(error)}
  }
}
