import {readFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {environmentName} from '../../src/cli/flags.js'

interface Manifest {
  readonly commands: Readonly<
    Record<string, {readonly summary?: string; readonly flags: Readonly<Record<string, Flag>>}>
  >
}

interface Flag {
  readonly env?: string
  readonly summary?: string
}

const {commands} = JSON.parse(readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8')) as Manifest

/** Here `--task` and `--name` are switches, which a worker's REPRISE_TASK must not turn. */
const WITHOUT_VARIABLES = new Set(['link --task', 'link --name', 'link --move', 'unlink --task', 'unlink --name'])

const flags = Object.entries(commands).flatMap(([id, command]) =>
  Object.entries(command.flags).map(([name, flag]) => ({id, name, flag})),
)

test('every flag of every command has its variable, those that lower safety have none', () => {
  const wrong = flags
    .filter(({name, flag}) => flag.env !== environmentName(name))
    .map(({id, name}) => `${id} --${name}`)
  expect(new Set(wrong)).toEqual(WITHOUT_VARIABLES)
})

test('every command and every flag says what it is for', () => {
  expect(Object.keys(commands).filter((id) => !commands[id]?.summary)).toEqual([])
  expect(flags.filter(({flag}) => !flag.summary).map(({id, name}) => `${id} --${name}`)).toEqual([])
})
