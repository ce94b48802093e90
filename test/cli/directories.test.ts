import {homedir} from 'node:os'
import {fileURLToPath} from 'node:url'
import {Config} from '@oclif/core/config'
import {afterEach, expect, test, vi} from 'vitest'
import {ownDirectories} from '../../src/cli/directories.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

afterEach(() => {
  vi.unstubAllEnvs()
})

test.for<Record<string, string>>([
  {},
  {HOME: '/home/other'},
  {HOME: ''},
  {XDG_CONFIG_HOME: '/x/config', XDG_DATA_HOME: '/x/data', XDG_CACHE_HOME: '/x/cache'},
  {REPRISE_CONFIG_DIR: '/r/config', REPRISE_DATA_DIR: '/r/data', REPRISE_CACHE_DIR: '/r/cache'},
])('they are where oclif would have them: %j', async (env) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const {home, configDir, dataDir, cacheDir} = await Config.load({root: ROOT, userPlugins: false, devPlugins: false})
  const {state: _state, ...own} = ownDirectories(process.env)
  expect(own).toEqual({home, config: configDir, data: dataDir, cache: cacheDir})
})

test('on macOS caches lie in the library, on Windows everything in the local application data', () => {
  expect(ownDirectories({HOME: '/Users/a'}, 'darwin').cache).toBe('/Users/a/Library/Caches/reprise')
  const windows = ownDirectories({USERPROFILE: '/C/a', LOCALAPPDATA: '/C/a/local'}, 'win32')
  expect(windows).toMatchObject({home: '/C/a', config: '/C/a/local/reprise', cache: '/C/a/local/reprise'})
  expect(ownDirectories({}, 'linux').home).toBe(homedir())
})
