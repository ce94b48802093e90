import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {describe, expect, test} from 'vitest'
import {deadOwners} from '../../src/cli/dead-owners.js'
import {thisProcess} from '../../src/cli/machine.js'

describe('which holders of leases are known to be dead', () => {
  test('not this process', async () => {
    const self = await thisProcess()
    expect(deadOwners(self)(self)).toBe(false)
  })

  test('a pid that is gone, or that another process has now', async () => {
    const self = await thisProcess()
    const isDead = deadOwners(self)
    const child = spawn(process.execPath, ['-e', ''])
    const {pid = 0} = child
    await once(child, 'exit')
    expect(isDead({...self, pid})).toBe(true)
    expect(isDead({...self, start: `${self.start}0`})).toBe(true)
  })

  test('nobody of another machine, boot or pid namespace, whatever its pid', async () => {
    const self = await thisProcess()
    const isDead = deadOwners(self)
    const gone = {...self, pid: 2 ** 22 + 1}
    expect(isDead(gone)).toBe(true)
    expect(isDead({...gone, machine: 'other'})).toBe(false)
    expect(isDead({...gone, boot: 'other'})).toBe(false)
    expect(isDead({...gone, pidNamespace: 'other'})).toBe(false)
    expect(deadOwners({...self, boot: ''})({...gone, boot: ''})).toBe(false)
  })

  test('where no start is on record the pid alone decides', async () => {
    const self = await thisProcess()
    expect(deadOwners(self)({...self, start: ''})).toBe(false)
  })
})
