// Machines with wrong clocks, killed and paused, on one store that fails: `npm run chaos [-- OPTIONS]`.
//   --seconds N    default 60
//   --workers N    default 8
//   --sessions N   default 50
//   --seed N       default: any; chooses faults, clocks and what happens to whom
//   --file         a directory instead of the strict S3 server
//   --leases WHERE store (default), dynamodb (dynalite, with a clock of its own), or none: nobody but the last one holds any
//   --keep         leave the run's directory also when nothing is wrong
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'
import {run} from './chaos/run.js'

const {values} = parseArgs({
  options: {
    seconds: {type: 'string', default: '60'},
    workers: {type: 'string', default: '8'},
    sessions: {type: 'string', default: '50'},
    seed: {type: 'string', default: String(Math.floor(Math.random() * 2 ** 31))},
    file: {type: 'boolean', default: false},
    leases: {type: 'string', default: 'store'},
    keep: {type: 'boolean', default: false},
  },
})
const SHOWN = 40

// The SDK announces on every start that it will drop Node 20 some day.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

const [seconds, workers, sessions, seed] = [values.seconds, values.workers, values.sessions, values.seed].map(Number)
const again = `npm run chaos -- --seed ${seed} --seconds ${seconds} --workers ${workers} --sessions ${sessions}${values.file ? ' --file' : ''} --leases ${values.leases}`
const directory = mkdtempSync(join(tmpdir(), 'reprise-chaos-'))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))
say(again)

const {violations, story, counts} = await run({
  root: dirname(dirname(fileURLToPath(import.meta.url))),
  directory,
  seed,
  seconds,
  workers,
  sessions,
  file: values.file,
  leases: leasesOf(values.leases),
  say,
})
say(
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', '),
)
for (const text of violations.slice(0, SHOWN)) say(`VIOLATION ${text}`)
if (violations.length > SHOWN) say(`… and ${violations.length - SHOWN} more`)
if (violations.length > 0) {
  writeFileSync(join(directory, 'story.txt'), story.join('\n'))
  say(`What happened to the first of them ends so (all of it: ${directory}/story.txt):`)
  for (const line of story.slice(-SHOWN)) say(line)
  say(`${violations.length} violations. What each process sent and was told lies in ${directory}/journals.`)
  say(`The same seed chooses the same upsets, not the same order of requests: ${again} --keep`)
} else {
  say('Nothing acknowledged was lost, nothing came twice, nobody wrote beside the holder of a lease.')
  if (!values.keep) rmSync(directory, {recursive: true, force: true})
}
process.exit(violations.length > 0 ? 1 : 0)

/**
 * @param {string} where
 * @returns {'store' | 'dynamodb' | 'none'}
 */
function leasesOf(where) {
  if (where === 'store' || where === 'dynamodb' || where === 'none') return where
  throw new Error('--leases takes store, dynamodb or none')
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}
