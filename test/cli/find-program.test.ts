import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterEach, beforeEach, expect, test, vi} from 'vitest'
import {findProgram} from '../../src/cli/find-program.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let data: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'reprise-data-'))
  vi.stubEnv('REPRISE_DATA_DIR', data)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(data, {recursive: true})
})

const commandsFor = async (...argv: string[]) => (await findProgram(argv, ROOT)).commandIDs

test('a command that is named is loaded alone', async () => {
  expect(await commandsFor('ls', '--json')).toEqual(['ls'])
  expect(await commandsFor('push', 'help', '--', '--help')).toEqual(['push'])
})

test.for([[], ['--help'], ['ls', '--help'], ['help', 'ls'], ['lss'], ['autocomplete'], ['constructor']])(
  'help and what is no command of ours get all commands: %j',
  async (argv) => {
    expect(await commandsFor(...argv)).toEqual(expect.arrayContaining(['ls', 'push', 'help', 'autocomplete']))
  },
)

test('a word after a command that takes none is not lost', async () => {
  expect(await commandsFor('ls', 'shop')).toContain('help')
  expect(await commandsFor('push', 'shop')).toEqual(['push'])
})

test('where a package.json lies among the data, no plugin comes of it', async () => {
  const plugin = join(data, 'planted')
  await mkdir(plugin)
  const oclif = {commands: './commands'}
  await writeFile(join(plugin, 'package.json'), JSON.stringify({name: 'planted', version: '1.0.0', oclif}))
  const commands = {planted: {id: 'planted', aliases: [], hiddenAliases: [], args: {}, flags: {}}}
  await writeFile(join(plugin, 'oclif.manifest.json'), JSON.stringify({version: '1.0.0', commands}))
  const plugins = [{type: 'link', name: 'planted', root: plugin}]
  await writeFile(join(data, 'package.json'), JSON.stringify({oclif: {plugins}}))
  expect(await commandsFor('--help')).not.toContain('planted')
})
