import {mkdirSync, readFileSync, rmSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {setTimeout as sleep} from 'node:timers/promises'
import {StrictServer} from '../bench/strict-server.js'
import {bundleCore} from './bundle.js'
import {Cast, ended, ready} from './cast.js'
import {checkDelivery, checkEpochs, checkOrder, History} from './history.js'
import {Journal, JournalReader, monotonicMs} from './journal.js'
import {Random} from './random.js'
import {storyOf} from './story.js'
import {startTable} from './table.js'

/**
 * @typedef {object} RunOptions
 * @property {string} root the repository
 * @property {string} directory of the run, empty
 * @property {number} seed
 * @property {number} seconds
 * @property {number} workers
 * @property {number} sessions
 * @property {boolean} file on a directory instead of the strict server
 * @property {'store' | 'dynamodb' | 'none'} leases where they are; `none`: nobody but the last one holds any
 * @property {(text: string) => void} say
 *
 * @typedef {object} Result
 * @property {string[]} violations
 * @property {string[]} story of the first transcript that one of them names
 * @property {Record<string, number>} counts
 */

/** The store's clock against time: a lease of 60 s lasts four. */
const RATE = 15
const LEASE_MS = 60_000 / RATE
const MAX_OFFSET_MS = 10 * 60_000
const COMPACTORS = 2
const STOP_MS = 5_000
const SETTLE_MS = 120_000

/**
 * Lets machines loose on one store, upsets them, and holds what they were told against what is there.
 * @param {RunOptions} options
 * @returns {Promise<Result>}
 */
export async function run(options) {
  const {root, directory, seconds, sessions, seed, say} = options
  const journals = join(directory, 'journals')
  mkdirSync(journals)
  const base = Date.now()
  const server = options.file ? undefined : await startServer(root, base)
  const table = options.leases === 'dynamodb' ? await startTable(() => base + (Date.now() - base) * RATE) : undefined
  const place = server ? {s3: clientOf(server)} : {directory: join(directory, 'store')}
  const bundle = await bundleCore(root)
  const core = pathToFileURL(join(bundle, 'core.js')).href
  const unleased = options.leases === 'none'
  const common = {core, journals, sessions, rate: RATE, base, unleased, ...place, ...(table && {table: table.facts})}
  const cast = new Cast(common, directory)
  process.on('exit', () => {
    cast.killAll()
    rmSync(bundle, {recursive: true, force: true})
  })
  try {
    const founder = cast.start('founder', {process: 'founder', machine: 'founder', seed: 1, faults: 'none'})
    if (!(await ended(founder, SETTLE_MS))) throw new Error(`no store could be made: see ${directory}/stderr.txt`)
    const stage = new Stage(cast, new Random(seed), options)
    await stage.play(seconds * 1_000)
    say('settling')
    const settler = cast.start('settler', {process: 'settler', machine: 'settler', seed: 1, faults: 'none'})
    const written = () => statSync(join(journals, 'settler.jsonl'), {throwIfNoEntry: false})?.size
    const isSettled = await ended(settler, SETTLE_MS, written)
    const {violations, totals, rejections} = judge(directory, isSettled)
    const all = [...new Set([...violations, ...stage.failures])]
    const named = all.map((text) => /\b(?:leased|open|mixed)-\d+(?:\/[\w/-]+)?(?=[: ])/.exec(text)?.[0]).find(Boolean)
    const story = named === undefined ? [] : storyOf(journals, named)
    return {violations: all, story, counts: {...totals, ...stage.counts, ...rejections}}
  } finally {
    cast.killAll()
    await server?.close()
    await table?.close()
  }
}

/** What happens to whom, and when. */
class Stage {
  #cast
  #random
  #options
  #journal
  #children = []
  /** @type {string[]} */
  failures = []
  counts = {kills: 0, pauses: 0}
  /** How long a process is left alone, ms: long enough for its code to have become fast. */
  #life

  constructor(cast, random, options) {
    this.#cast = cast
    this.#random = random
    this.#journal = new Journal(join(options.directory, 'journals', 'harness.jsonl'))
    this.#options = options
    this.#life = [Math.max(2_000, options.seconds * 80), Math.max(4_000, options.seconds * 250)]
  }

  /** @param {number} ms */
  async play(ms) {
    const {workers} = this.#options
    const until = monotonicMs() + ms
    this.#start('reader', 'reader')
    for (let index = 0; index < COMPACTORS; index++) this.#start('compactor', `compactor-${index}`)
    await Promise.all(Array.from({length: workers}, async (_, index) => this.#beset(index, until)))
    for (const child of this.#children) tell(child)
    await Promise.all(this.#children.map(async (child) => ended(child, STOP_MS)))
  }

  /** One machine, on which one process follows another. */
  async #beset(index, until) {
    const random = new Random(this.#random.int(0, 2 ** 31))
    const offsetMs = random.int(-MAX_OFFSET_MS, MAX_OFFSET_MS)
    const faults = random.chance(0.5) ? 'below' : 'above'
    let predecessor
    for (let life = 1; monotonicMs() < until; life++) {
      const name = `worker-${index}.${life}`
      const part = {process: name, machine: `machine-${index}`, seed: random.int(0, 2 ** 31), faults, predecessor}
      const child = this.#cast.start('worker', part, offsetMs)
      child.once('exit', (code) => {
        if (code !== 0 && code !== null) this.failures.push(`${name} ended with exit code ${code}`)
      })
      await ready(child)
      await wait(random.int(...this.#life), until)
      if (monotonicMs() < until && random.chance(0.6)) {
        this.counts.pauses++
        this.#note(`stops ${name}`)
        child.kill('SIGSTOP')
        await sleep(LEASE_MS * (1.1 + random.next() / 2))
        child.kill('SIGCONT')
        this.#note(`lets ${name} go on`)
        await wait(random.int(300, 4_000), until)
      }
      // The last ones too: one ends in the middle of an append, of the others some give everything back.
      if (monotonicMs() < until || index === 0 || random.chance(0.5)) {
        this.counts.kills++
        child.kill('SIGKILL')
        this.#note(`has killed ${name}`)
      } else {
        tell(child)
      }
      await ended(child, STOP_MS)
      predecessor = name
    }
  }

  /** @param {string} text */
  #note(text) {
    this.#journal.write({type: 'note', text})
  }

  #start(role, name) {
    const part = {process: name, machine: name, seed: this.#random.int(0, 2 ** 31), faults: 'below'}
    const offsetMs = this.#random.int(-MAX_OFFSET_MS, MAX_OFFSET_MS)
    const child = this.#cast.start(role, part, offsetMs)
    this.#children.push(child)
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) this.failures.push(`${name} ended with exit code ${code}`)
    })
  }
}

/**
 * @param {string} directory
 * @param {boolean} isSettled
 */
function judge(directory, isSettled) {
  const history = new History()
  for (const {process, record} of new JournalReader(join(directory, 'journals')).next()) history.add(process, record)
  const violations = [...history.violations]
  const settled = isSettled ? JSON.parse(readFileSync(join(directory, 'settled.json'), 'utf8')) : {}
  if (!isSettled) violations.push('the last holder did not settle every session')
  for (const [name, {before, settled: final, compacted, defects}] of Object.entries(settled)) {
    const transcript = history.transcript(name)
    const {acknowledged} = transcript
    const ofLast = new Set(transcript.calls.filter(({process}) => process === 'settler').flatMap(({names}) => names))
    const earlier = [...acknowledged].filter((each) => !ofLast.has(each))
    const found = [
      ...checkDelivery(transcript, earlier, before).map((text) => `before it is settled: ${text}`),
      ...checkDelivery(transcript, acknowledged, final).map((text) => `as settled: ${text}`),
      ...checkDelivery(transcript, acknowledged, compacted).map((text) => `as compacted: ${text}`),
      ...checkOrder(transcript, compacted),
      ...checkEpochs(transcript, compacted),
      ...defects,
    ]
    if (JSON.stringify(final) !== JSON.stringify(compacted)) found.push('compaction changed what readers are given')
    violations.push(...found.map((text) => `${name}: ${text}`))
  }
  return {violations, totals: history.totals, rejections: Object.fromEntries(history.rejections)}
}

/** That it is enough. */
function tell(child) {
  // It may be about to end by itself.
  if (child.connected) child.send('enough', () => undefined)
}

/** @param {number} ms at most */
async function wait(ms, until) {
  await sleep(Math.max(0, Math.min(ms, until - monotonicMs())))
}

async function startServer(root, base) {
  return StrictServer.start(root, {
    nodeArguments: ['--import', import.meta.resolve('./fast-clock.js')],
    env: {CHAOS_CLOCK: JSON.stringify({base, rate: RATE, offsetMs: 0})},
  })
}

/** @param {StrictServer} server */
function clientOf({endpoint, bucket, env}) {
  return {
    endpoint,
    bucket,
    region: env['AWS_REGION'],
    accessKeyId: env['AWS_ACCESS_KEY_ID'],
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'],
  }
}
