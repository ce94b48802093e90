import {mkdtemp, open, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {describeStore} from './run.js'

let parent = ''
let count = 0

beforeAll(async () => {
  parent = await mkdtemp(join(await realpath(tmpdir()), 'reprise-file-'))
})

afterAll(async () => {
  await rm(parent, {recursive: true, force: true})
})

describeStore('the file store', async () => {
  const directory = join(parent, String(count++))
  return {
    open: async () => new FileObjectStore({directory, clock: systemClock, random: systemRandom}),
    async corrupt(key) {
      const file = await open(join(directory, key), 'r+')
      await file.write(Buffer.from([0xff, 0, 0xff]), 0, 3, 100_000)
      await file.close()
    },
  }
})
