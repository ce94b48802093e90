// Finds, for rules of the part protocol that random schedules catch, schedules that do: for test/support/simulation/mutations.ts,
// when a change of the code has moved all the schedules around a known one.
//
//   node scripts/mutate.js [words of the rule's name] [--seeds N] [--first SEED] [--mixes 3,4]

import {execFileSync} from 'node:child_process'
import {mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import process from 'node:process'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {parseArgs} from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = join(root, '.cache', 'mutate', String(process.pid))
const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    seeds: {type: 'string', default: '40'},
    first: {type: 'string', default: '100000'},
    mixes: {type: 'string'},
  },
})

compile()
try {
  await search(positionals.join(' '))
} finally {
  rmSync(target, {recursive: true, force: true})
}

function compile() {
  mkdirSync(target, {recursive: true})
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {noEmit: false, rootDir: root, outDir: target},
    include: ['src', 'test/support/simulation'].map((folder) => join(root, folder)),
  }
  const path = join(target, 'tsconfig.json')
  writeFileSync(path, JSON.stringify(config))
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', path], {
    stdio: 'inherit',
  })
}

function load(file) {
  return import(pathToFileURL(join(target, 'test', 'support', 'simulation', file)).href)
}

async function search(words) {
  const {MUTATIONS} = await load('mutations.js')
  const {mutatedCore} = await load('mutate.js')
  const {core} = await load('core.js')
  const {MIXES} = await load('mixes.js')
  const {campaign} = await load('campaign.js')
  for (const mutation of MUTATIONS) {
    if (!mutation.rule.includes(words) || (typeof mutation.caughtBy === 'string' && words === '')) continue
    const folder = join(target, 'without', mutation.rule.replaceAll(/\W+/g, '-'))
    const without = await mutatedCore(join(target, 'src'), folder, mutation)
    const found = await first(without)
    console.log(
      found
        ? `${mutation.rule}\n  {mix: ${found.mix}, seed: ${found.seed}}  ${found.text}`
        : `${mutation.rule}\n  not caught`,
    )
  }

  /** A schedule that goes wrong without the rule, and not with it. */
  async function first(without) {
    const start = Number(values.first)
    for (let seed = start; seed < start + Number(values.seeds); seed++) {
      for (const [mix, options] of MIXES.entries()) {
        if (values.mixes && !values.mixes.split(',').includes(String(mix))) continue
        const [violation] = (await campaign(without, 1, seed, options, true)).violations
        if (!violation) continue
        const {violations} = await campaign(core, 1, seed, options, true)
        if (violations.length === 0) return {mix, seed, text: violation.text.slice(0, 100)}
      }
    }
  }
}
