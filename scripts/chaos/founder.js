// The first who takes a lease in a store finds out whether it keeps conditions: once, and not while calls fail.
import {core, openLeases, openStore} from './world.js'

const store = await openStore()
await core.requireConditions({store, random: core.systemRandom, leases: await openLeases(store)})
process.exit(0)
