import {afterAll, expect, test} from 'vitest'
import {describeDynamoRegistry} from '../support/dynamodb/suites.js'
import {startMoto} from '../support/servers/index.js'

const moto = await startMoto()
if (moto.endpoint === undefined) process.stderr.write(`${moto.name}: not tested, ${moto.reason}\n`)
else {
  const {endpoint, accessKeyId, secretAccessKey} = moto
  afterAll(async () => moto.close())
  // Its UpdateItem looks at the condition and writes in two steps: of twenty at once two may win. Races are left to dynalite.
  describeDynamoRegistry('in a table of moto', () => ({endpoint, credentials: {accessKeyId, secretAccessKey}}))
}

test('moto has been asked where it is installed', () => {
  expect(moto.name).toBe('moto')
})
