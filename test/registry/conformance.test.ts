import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {PrefixedObjectStore} from '../../src/object-store/prefixed.js'
import {GlancingLeaseTable} from '../../src/registry/glancing-lease-table.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {leaseKeyOf} from '../../src/store/names.js'
import {openAt} from '../object-store/s3/support.js'
import {describeLeaseRaces, describeLeases} from '../support/lease-suite.js'
import {describeRegistry, describeRegistryRaces} from '../support/registry-suite.js'
import {startStrictS3, type StrictS3} from '../support/strict-s3/index.js'

let parent: string
let server: StrictS3
let bucket: ObjectStore
let count = 0

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'reprise-registry-'))
  server = await startStrictS3({})
  bucket = await openAt(server)
})
afterAll(async () => {
  await bucket.close()
  await server.close()
  await rm(parent, {recursive: true, force: true})
})

/** Ways to one new store, each as another machine would open it. */
const STORES: Readonly<Record<string, () => () => ObjectStore>> = {
  'in a store in memory': () => {
    const store = new MemoryObjectStore({clock: systemClock})
    return () => store
  },
  'in a file store': () => {
    const directory = join(parent, String(count++))
    return () => new FileObjectStore({directory, clock: systemClock, random: systemRandom})
  },
  'in a bucket': () => {
    const prefix = `${count++}/`
    return () => new PrefixedObjectStore(bucket, prefix, `${bucket.url}/${prefix}`)
  },
}

for (const [title, open] of Object.entries(STORES)) {
  const openRegistry = async () => {
    const store = open()
    return {client: () => new StoreRegistry({store: store(), clock: systemClock, random: systemRandom})}
  }
  const openLeases = async () => {
    const store = open()
    return {
      client: () => new StoreLeaseTable(store()),
      async lose(sessionId: string) {
        await store().delete([leaseKeyOf(sessionId)])
      },
    }
  }
  describeRegistry(title, openRegistry)
  describeRegistryRaces(title, openRegistry)
  describeLeases(title, openLeases)
  describeLeases(`${title}, looked at by many`, async () => {
    const target = await openLeases()
    return {...target, client: () => new GlancingLeaseTable(target.client(), systemClock)}
  })
  describeLeaseRaces(title, openLeases)
}
