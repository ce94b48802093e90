import {describe, expect, it} from 'vitest'
import {entryIdentity, parseObject} from '../../src/transcript/entry-identity.js'

const bad = (byte: number) => entryIdentity(Buffer.from([0x7b, byte, 0x7d, 0x0a]))
const of = (text: string) => entryIdentity(Buffer.from(text))

describe('entryIdentity', () => {
  it('is the uuid, whatever else the line holds and however it is written', () => {
    expect(of('{"uuid":"u-1","n":1}\n')).toEqual({key: 'uuid:u-1', uuid: 'u-1'})
    expect(of(' { "n": 2, "uuid" : "u-1" } \r\n')).toEqual(of('{"uuid":"u-1","n":1}'))
    expect(of('{"\\u0075uid":"u-1"}\n')).toEqual(of('{"uuid":"u-1"}'))
  })

  it('is the bytes where there is no uuid, with or without the line end', () => {
    expect(of('{"type":"summary"}\n')).toEqual(of('{"type":"summary"}'))
    expect(of('{"type":"summary"}\n')).not.toHaveProperty('uuid')
    expect(of('{"type":"summary"}\n')).not.toEqual(of('{"type": "summary"}\n'))
    expect(of('{"type":"summary"}\r\n')).not.toEqual(of('{"type":"summary"}\n'))
  })

  it.each([
    ['below the top', '{"message":{"uuid":"u-1"}}'],
    ['inside a text', '{"text":"\\"uuid\\":\\"u-1\\""}'],
    ['in an array', '[{"uuid":"u-1"}]'],
    ['not a string', '{"uuid":1}'],
    ['empty', '{"uuid":""}'],
    ['on the prototype', '{"__proto__":{"uuid":"u-1"}}'],
    ['torn', '{"uuid":"u-1","text":"'],
    ['not alone', '{"uuid":"u-1"} x'],
  ])('is the bytes when the uuid is %s', (_, text) => {
    expect(of(text).uuid).toBeUndefined()
    expect(of(text).key).toMatch(/^bytes:[0-9a-f]{64}$/)
  })

  it('takes the last of two, as every JSON reader does', () => {
    expect(of('{"uuid":"u-1","uuid":"u-2"}').uuid).toBe('u-2')
  })

  it('survives invalid UTF-8 and tells such lines apart', () => {
    expect(bad(0xff)).not.toEqual(bad(0xfe))
  })

  it('survives nesting of any depth', () => {
    const depth = 1_000_000
    expect(of(`{"uuid":"u-1","deep":${'['.repeat(depth)}${']'.repeat(depth)}}`).uuid).toBe('u-1')
    expect(of(`{"uuid":"u-1","deep":${'{"a":'.repeat(depth)}`).uuid).toBeUndefined()
  })

  it('keeps the key short for a uuid of 10 MB', () => {
    const {key} = of(`{"uuid":"${'x'.repeat(10_000_000)}"}`)
    expect(key).toMatch(/^uuid:[0-9a-f]{64}$/)
    expect(key).not.toBe(of(`{"uuid":"${'x'.repeat(10_000_001)}"}`).key)
  })
})

describe('parseObject', () => {
  it('leaves the prototype of everything alone', () => {
    const entry = parseObject(Buffer.from('{"__proto__":{"polluted":true}}'))
    expect(Object.hasOwn(entry ?? {}, '__proto__')).toBe(true)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
