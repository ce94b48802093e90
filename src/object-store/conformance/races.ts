import assert from 'node:assert/strict'
import {hasCode} from '../../base/errors.js'
import {CREATE} from '../object-store.js'
import {bytesOf, decided, readText, times} from './support.js'
import {conformanceCase} from './target.js'

export const raceCases = [
  conformanceCase('racing creates have one winner', ['conditions', 'races'], async ({store, at, another}) => {
    const clients = await Promise.all(Array.from({length: 8}, another))
    for (let round = 0; round < 8; round++) {
      const key = at(`folder-${round}/one`)
      const won: number[] = []
      await Promise.all(
        clients.map(async (client, index) => {
          try {
            await decided(async () =>
              client.put(key, bytesOf(`writer ${index}`), {mode: CREATE, metadata: {by: `${index}`}}),
            )
            won.push(index)
          } catch (error) {
            if (!hasCode(error, 'OBJECT_EXISTS')) throw error
          }
        }),
      )
      assert.equal(won.length, 1, `round ${round} was won by ${won.length}`)
      assert.equal(await readText(store, key), `writer ${won[0]}`)
    }
  }),

  conformanceCase(
    'racing creates of equal bytes keep the winner’s metadata',
    ['conditions', 'races', 'metadata'],
    async (scope) => {
      const clients = await Promise.all(Array.from({length: 8}, scope.another))
      for (let round = 0; round < 8; round++) {
        const key = scope.at(`part-${round}`)
        const won: string[] = []
        await Promise.all(
          clients.map(async (client, index) => {
            try {
              await decided(async () => client.put(key, bytesOf('same'), {mode: CREATE, metadata: {by: `${index}`}}))
              won.push(`${index}`)
            } catch (error) {
              if (!hasCode(error, 'OBJECT_EXISTS')) throw error
            }
          }),
        )
        assert.deepEqual([(await scope.store.head(key))?.metadata['by']], won)
      }
    },
  ),

  conformanceCase('compare-and-swap increments add up', ['conditions', 'races'], async ({store, at, another}) => {
    const workers = 5
    const increments = 10
    const key = at('counter')
    await store.put(key, bytesOf('0'), {mode: CREATE})
    const clients = await Promise.all(Array.from({length: workers}, another))
    await times(workers, workers, async (worker) => {
      const client = clients[worker] ?? store
      for (let done = 0; done < increments;) {
        const content = await client.get(key)
        let text = ''
        for await (const chunk of content.body) text += new TextDecoder().decode(chunk)
        try {
          const next = bytesOf(String(Number(text) + 1))
          await decided(async () => client.put(key, next, {mode: {type: 'update', etag: content.etag}}))
          done++
        } catch (error) {
          if (!hasCode(error, 'OBJECT_CHANGED')) throw error
        }
      }
    })
    assert.equal(await readText(store, key), String(workers * increments))
  }),

  conformanceCase(
    'racing updates of one etag have one winner',
    ['conditions', 'races'],
    async ({store, at, another}) => {
      const clients = await Promise.all(Array.from({length: 8}, another))
      const key = at('one')
      let {etag} = await store.put(key, bytesOf('start'), {mode: CREATE})
      for (let round = 0; round < 5; round++) {
        const won: {index: number; etag: string}[] = []
        await Promise.all(
          clients.map(async (client, index) => {
            try {
              const body = bytesOf(`round ${round} writer ${index}`)
              const result = await decided(async () => client.put(key, body, {mode: {type: 'update', etag}}))
              won.push({index, etag: result.etag})
            } catch (error) {
              if (!hasCode(error, 'OBJECT_CHANGED')) throw error
            }
          }),
        )
        assert.equal(won.length, 1, `round ${round} was won by ${won.length}`)
        assert.equal(await readText(store, key), `round ${round} writer ${won[0]?.index}`)
        etag = won[0]?.etag ?? ''
      }
    },
  ),
]
