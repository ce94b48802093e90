import type {ScenarioName} from './scenarios.js'

/** One rule of the part protocol, and what the compiled code looks like without it. */
export interface Mutation {
  readonly rule: string
  readonly edits: readonly Edit[]
  /**
   * A random schedule that is known to catch it (index into the mixes, and seed; `node scripts/mutate.js` finds new ones), or a
   * schedule written by hand where random ones do not get there in reasonable time.
   */
  readonly caughtBy: {readonly mix: number; readonly seed: number} | ScenarioName
}

export interface Edit {
  /** Below the build, without `.js`. */
  readonly file: string
  /** Occurs once in the compiled file. */
  readonly find: string
  readonly replace: string
}

const RESOLVE = 'store/resolve'
const LEASED = 'store/leased-transcript'
const REBASE = 'store/rebase'
const COMPACT = 'store/compact-transcript'
const PLAN = 'store/plan-compaction'

export const MUTATIONS: readonly Mutation[] = [
  {
    rule: 'journal: what a rebase displaced gives nothing',
    edits: [{file: 'store/journal', find: 'each.confirmed || on.has(each.part)', replace: 'false'}],
    caughtBy: {mix: 0, seed: 100000},
  },
  {
    rule: 'journal: an unconfirmed one counts when its part is on the path',
    edits: [{file: 'store/journal', find: 'each.confirmed || on.has(each.part)', replace: 'each.confirmed'}],
    caughtBy: 'an unmarked journal counts as soon as its part is on the path',
  },
  {
    rule: 'journal: it comes before its part',
    edits: [
      {
        file: REBASE,
        find: 'const journal = await createJournal(context.parts.store, ref, name, names, displacedRuns).catch(',
        replace:
          'const journal = await (async () => ({part: name, displaced: new Set(names), runs: [], confirmed: true}))().catch(',
      },
      {
        file: REBASE,
        find: 'return { written, journal: await confirmJournal(context.parts.store, ref, journal) }',
        replace: 'return { written, journal }',
      },
    ],
    caughtBy: {mix: 0, seed: 100000},
  },
  {
    rule: 'journal: one whose part is not listed means to list again',
    edits: [{file: 'store/view', find: 'if (rebases.askForMore(journals, listing))', replace: 'if (false)'}],
    caughtBy: 'a rebase that ends between a listing and its journals hides nothing',
  },
  {
    rule: 'rank: the highest epoch wins',
    edits: [{file: RESOLVE, find: 'a.range.epoch - b.range.epoch ||', replace: ''}],
    caughtBy: {mix: 0, seed: 100001},
  },
  {
    rule: 'rank: within an epoch a leased part wins',
    edits: [{file: RESOLVE, find: 'Number(a.range.leased) - Number(b.range.leased) ||', replace: ''}],
    caughtBy: 'what a holder has stored is the path, however much others wrote in its epoch',
  },
  {
    rule: 'extend: the path goes on beyond the tip',
    edits: [
      {
        file: RESOLVE,
        find: 'const next = await firstThatAgrees(reached, path, length, digests)',
        replace: 'const next = undefined',
      },
    ],
    caughtBy: {mix: 9, seed: 100000},
  },
  {
    rule: "generation: only the tip's generation extends it",
    edits: [{file: RESOLVE, find: 'part.range.gen === tip.range.gen && ', replace: ''}],
    caughtBy: {mix: 1, seed: 100002},
  },
  {
    rule: 'unleased never fenced',
    edits: [{file: RESOLVE, find: 'part.range.leased && part.range.epoch < tip', replace: 'part.range.epoch < tip'}],
    caughtBy: {mix: 0, seed: 100000},
  },
  {
    rule: 'identity: an entry with a uuid that was given is a repeat',
    edits: [{file: 'store/deliver', find: 'const given = new Set(path.uuids)', replace: 'const given = new Set()'}],
    caughtBy: 'an entry with a uuid is given once',
  },
  {
    rule: 'identity: a shared run repeats',
    edits: [{file: 'store/deliver', find: 'repeats.has(index) ||', replace: ''}],
    caughtBy: 'a fork and the path give the run that they share once',
  },
  {
    rule: 'identity: forks that go through each other share their runs',
    edits: [
      {
        file: 'store/shared-runs',
        find: 'compareNames(one.part, other.part) < 0 ? [other, 0] : [one, first]',
        replace: '[other, 0]',
      },
    ],
    caughtBy: 'forks that go through each other give what they share once',
  },
  {
    rule: 'identity: forks tell what they are also where what came before them is gone',
    edits: [{file: 'store/shared-runs', find: 'this.#learned.get(fork)?.get(offset)', replace: 'undefined'}],
    caughtBy: 'forks are the same also where what came before them is gone',
  },
  {
    rule: 'identity: an input that outlived its neighbours is its merge',
    edits: [
      {file: 'store/shared-runs', find: 'count < fork.lines.length || known.hasPredecessor(fork)', replace: 'true'},
    ],
    caughtBy: 'an input that outlived its neighbours is the merge that has its bytes',
  },
  {
    rule: 'identity: a merge brings nothing back that a rebase took in',
    edits: [{file: 'store/view', find: 'displacedRuns(journals, resolution.on)', replace: '[]'}],
    caughtBy: 'a merge that was under way brings no line back that a rebase took in',
  },
  {
    rule: 'identity: what a rebase wrote is no merge of what it displaced',
    edits: [{file: 'store/displaced-runs', find: 'range.gen >= gen', replace: 'false'}],
    caughtBy: 'a rebase gives what it took in also where what came before it lost its metadata',
  },
  {
    rule: 'what a barrier would cut off is adopted first',
    edits: [{file: LEASED, find: '!(adopts && wouldCutOff)', replace: 'true'}],
    caughtBy: 'what stands behind lost metadata is adopted before anything cuts it off',
  },
  {
    rule: 'a rebase keeps what stood behind a cut',
    edits: [{file: LEASED, find: 'for (const part of plan.cutShort)', replace: 'for (const part of [])'}],
    caughtBy: 'what stood behind the place where a writer was cut off is kept when its part goes',
  },
  {
    rule: 'identity: bytes in a later path part repeat',
    edits: [{file: 'store/deliver', find: '(holder && compareNames(holder, part) > 0)', replace: 'false'}],
    caughtBy: 'bytes that a later part of the path has are given once',
  },
  {
    rule: 'barrier: on what ends in a cut-off epoch',
    edits: [{file: LEASED, find: 'ends.some(({ range }) => range.epoch <= outranked)', replace: 'false'}],
    caughtBy: {mix: 3, seed: 100001},
  },
  {
    rule: 'barrier: on what an own lost write may outrank',
    edits: [
      {file: LEASED, find: 'Math.max(this.#lease.cutOff, this.#unsure)', replace: 'this.#lease.cutOff'},
      {file: LEASED, find: '|| this.#unsure === this.#lease.epoch)', replace: ')'},
    ],
    caughtBy: 'a write that failed and lands after all outranks nothing',
  },
  {
    rule: 'valid acknowledgement: landed under the lease',
    edits: [{file: LEASED, find: 'await this.#lease.confirm(written.date);', replace: ''}],
    caughtBy: {mix: 1, seed: 100002},
  },
  {
    rule: 'valid report: a renewal after the listing',
    edits: [
      {
        file: LEASED,
        find: 'await this.#current();\n            await this.#lease.renew();',
        replace: 'await this.#current();',
      },
    ],
    caughtBy: 'nothing is reported by who has lost the lease',
  },
  {
    rule: 'list after lease: a listing from before does not count',
    edits: [
      {
        file: 'registry/session-lease',
        find: 'const record = takenOver(',
        replace:
          "context.parts.early ??= await context.parts.list({homeKey: '-home-a', sessionId});\n            const record = takenOver(",
      },
      {
        file: 'store/parts',
        find: 'async list(ref) {',
        replace:
          'async list(ref) {\n        if (this.early?.parts) {\n            const early = this.early;\n            this.early = {};\n            return early;\n        }',
      },
    ],
    caughtBy: {mix: 9, seed: 100000},
  },
  {
    rule: 'raise: above every listed epoch',
    edits: [
      {
        file: LEASED,
        find: 'this.#recovered ? listed > this.#lease.epoch : listed >= this.#lease.epoch',
        replace: 'false',
      },
    ],
    caughtBy: {mix: 9, seed: 100000},
  },
  {
    rule: 'recover: a lost record costs one lease life',
    edits: [{file: LEASED, find: 'this.#lease.created && !this.#recovered && listed > 0', replace: 'false'}],
    caughtBy: {mix: 8, seed: 100004},
  },
  {
    rule: 'confirm found journals',
    edits: [{file: LEASED, find: 'if (open.length > 0 &&', replace: 'if (false &&'}],
    caughtBy: "a dead holder's journal is marked, on top of a barrier",
  },
  {
    rule: 'barrier before confirm',
    edits: [{file: LEASED, find: 'if (resolution.end?.range.epoch !== this.#lease.epoch)', replace: 'if (false)'}],
    caughtBy: "a dead holder's journal is marked, on top of a barrier",
  },
  {
    rule: 'renew before a rebase is confirmed',
    edits: [{file: REBASE, find: 'await lease.renew();', replace: ''}],
    caughtBy: {mix: 1, seed: 100007},
  },
  {
    rule: 'renew before delete',
    edits: [
      {
        file: LEASED,
        find: 'await this.#lease.renew();\n            await this.#deletes',
        replace: 'await this.#deletes',
      },
    ],
    caughtBy: 'nothing is deleted by who has lost the lease',
  },
  {
    rule: 'commit first: deletes wait for the part',
    edits: [
      {
        file: REBASE,
        find: 'const written = await writeRangeAt(',
        replace:
          'void context.parts.store.delete(listing.parts.filter((part) => names.includes(part.name)).map((part) => part.key));\n    const written = await writeRangeAt(',
      },
    ],
    caughtBy: {mix: 0, seed: 100000},
  },
  {
    rule: 'cut: no listed part spans it',
    edits: [{file: REBASE, find: 'for (let moved = true; moved;)', replace: 'for (let moved = false; moved;)'}],
    caughtBy: {mix: 0, seed: 100001},
  },
  {
    rule: 'cut: no displaced fork begins before it',
    edits: [{file: REBASE, find: 'Math.min(agreed, ...forks.map((part) => part.range.from))', replace: 'agreed'}],
    caughtBy: 'a cut goes back to where a displaced fork begins',
  },
  {
    rule: 'rebase: spares what the file never held',
    edits: [{file: REBASE, find: 'if (!held)', replace: 'if (true)'}],
    caughtBy: {mix: 0, seed: 100002},
  },
  {
    rule: 'listed prefix: every part is checked',
    edits: [
      {
        file: 'store/listed-prefix',
        find: 'if (!local ||',
        replace: 'if (part === parts.at(-1) && !local || part === parts.at(-1) &&',
      },
    ],
    caughtBy: 'a middle part that differs ends what a listing can tell',
  },
  {
    rule: 'name binds the start',
    edits: [{file: 'store/names', find: '`${after}:${from}`', replace: '`${after}:`'}],
    caughtBy: 'two parts of one end and another beginning have other names',
  },
  {
    rule: 'names: behind every part seen',
    edits: [{file: 'store/write-part', find: 'return Math.max(held, last + 1)', replace: 'return held'}],
    caughtBy: 'a clock that is behind does not sort before what was seen',
  },
  {
    rule: 'create: no key is written twice',
    edits: [
      {
        file: 'store/write-part',
        find: 'const { etag, date } = await parts.store.put(key, run.body, { mode: CREATE,',
        replace: "const { etag, date } = await parts.store.put(key, run.body, { mode: {type: 'overwrite'},",
      },
    ],
    caughtBy: 'a name that another write took is left to it',
  },
  {
    rule: 'create: only the same write is success',
    edits: [{file: 'store/write-part', find: 'found && sameWrite(found, range)', replace: 'found'}],
    caughtBy: 'a name that another write took is left to it',
  },
  {
    rule: 'append point: nothing stands beside the path',
    edits: [
      {
        file: 'store/unleased',
        find: '!delivery.straight || resolution.loose.length > 0 || resolution.forks.length > 0)\n        return undefined',
        replace: 'false)\n        return undefined',
      },
    ],
    caughtBy: 'who holds no lease has no end to append at where loose parts stand',
  },
  {
    rule: 'sweep: own tip seen in a new listing',
    edits: [
      {
        file: LEASED,
        find: 'if (end.epoch !== this.#lease.epoch)\n                return 0',
        replace: 'if (false)\nreturn 0',
      },
      {file: LEASED, find: 'if (view.resolution.tip?.range.epoch !== this.#lease.epoch)', replace: 'if (false)'},
    ],
    caughtBy: 'a holder sweeps only below a part of its own',
  },
  {
    rule: 'sweep: spares what the path uses',
    edits: [{file: LEASED, find: '.filter((part) => !used.has(part.name))', replace: ''}],
    caughtBy: 'a sweep spares a part that the path begins with',
  },
  {
    rule: 'sweep: a copy before the delete',
    edits: [
      {
        file: LEASED,
        find: 'for (const part of late)\n                await keepLate(this.#context, this.ref, part);',
        replace: '',
      },
    ],
    caughtBy: {mix: 8, seed: 100001},
  },
  {
    rule: 'lease: a takeover is conditional',
    edits: [
      {
        file: 'registry/session-lease',
        find: 'await table.write(sessionId, record, found?.version)',
        replace: 'await table.write(sessionId, record, (await table.read(sessionId))?.version)',
      },
    ],
    caughtBy: 'of two that find a lease free one gets it',
  },
  {
    rule: 'lease: a renewal is conditional',
    edits: [
      {
        file: 'registry/session-lease',
        find: 'record, this.#version)',
        replace: 'record, (await table.read(this.#sessionId))?.version)',
      },
    ],
    caughtBy: {mix: 0, seed: 100000},
  },
  {
    rule: 'merge: its inputs go only when it is confirmed',
    edits: [{file: COMPACT, find: 'merge, options.signal);', replace: 'merge, options.signal).catch(() => 1);'}],
    caughtBy: 'inputs stay until their merge is confirmed',
  },
  {
    rule: 'merge: it has the highest epoch of its run',
    edits: [
      {
        file: PLAN,
        find: 'epoch: inputs.reduce((epoch, part) => Math.max(epoch, part.range.epoch), 0)',
        replace: 'epoch: first.range.epoch',
      },
    ],
    caughtBy: 'a merge has the highest epoch of its run',
  },
  {
    rule: 'merge: a run is of one epoch or settled',
    edits: [
      {file: PLAN, find: 'isSettled ? b.epoch < a.epoch : b.epoch !== a.epoch', replace: 'false'},
      {file: PLAN, find: '!isSameSide || ', replace: ''},
    ],
    caughtBy: 'a run is of one kind, or a later epoch stands on it',
  },
  {
    rule: 'merge: a run is of one kind, or lies before what the holder wrote',
    edits: [{file: PLAN, find: 'b.to <= keptUntil', replace: 'true'}],
    caughtBy: 'a run of both kinds lies before what the holder wrote, and counts as leased',
  },
  {
    rule: 'merge: a run of both kinds counts as leased',
    edits: [
      {
        file: PLAN,
        find: 'inputs.some(({ range }) => range.leased)',
        replace: 'inputs.every(({ range }) => range.leased)',
      },
    ],
    caughtBy: 'a run of both kinds lies before what the holder wrote, and counts as leased',
  },
  {
    rule: 'merge: its name binds its beginning',
    edits: [{file: PLAN, find: 'digits: chainDigits(after, from)', replace: 'digits: chainDigits(after, 0)'}],
    caughtBy: "a merge's name binds its beginning",
  },
  {
    rule: 'merge: its name has the time of its last input',
    edits: [{file: PLAN, find: 'ms: last.parsed.ms', replace: 'ms: first.parsed?.ms ?? 0'}],
    caughtBy: {mix: 16, seed: 100000},
  },
  {
    rule: 'merge: spares a part whose journal is open',
    edits: [{file: PLAN, find: ' && !open.has(part.name)', replace: ''}],
    caughtBy: 'a part whose journal is open is no input',
  },
  {
    rule: 'merge: nothing beside the path stands between its parts',
    edits: [{file: PLAN, find: 'return !beside.some(', replace: 'return true || !beside.some('}],
    caughtBy: 'nothing beside the path stands between the parts of a run',
  },
  {
    rule: 'merge: generations do not fall in a run',
    edits: [{file: PLAN, find: ' || b.gen < a.gen', replace: ''}],
    caughtBy: 'generations do not fall in a run',
  },
  {
    rule: 'merge: only parts that are used whole',
    edits: [
      {
        file: PLAN,
        find: 'isPlain && start === part.range.from && end === part.range.to',
        replace: 'isPlain',
      },
    ],
    caughtBy: 'a part that the path cuts short is no input',
  },
  {
    rule: 'leftovers: of two that cover each other one stays',
    edits: [{file: PLAN, find: 'compareCover(cover, part) > 0 && ', replace: ''}],
    caughtBy: 'of two that cover each other one stays',
  },
  {
    rule: 'leftovers: a cover is of its epoch or a later one',
    edits: [{file: PLAN, find: ' || a.epoch < b.epoch', replace: ''}],
    caughtBy: 'a cover is of the epoch of what it covers, or of a later one',
  },
  {
    rule: 'leftovers: what nobody can fence goes only under what nobody can fence',
    edits: [{file: PLAN, find: '(b.leased || !a.leased || a.to <= keptUntil)', replace: 'true'}],
    caughtBy: 'what nobody can fence goes only under what nobody can fence',
  },
]
