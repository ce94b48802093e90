import {afterAll, beforeAll} from 'vitest'
import {startDynalite} from '../../support/dynamodb/dynalite.js'
import {describeDynamoRaces, describeDynamoRegistry} from '../../support/dynamodb/suites.js'

let server: Awaited<ReturnType<typeof startDynalite>>

beforeAll(async () => {
  server = await startDynalite()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

describeDynamoRegistry('in a table of dynalite', () => server)
describeDynamoRaces('in a table of dynalite', () => server)
