import type {LifecycleRule} from '@aws-sdk/client-s3'
import {describe, expect, test} from 'vitest'
import {known} from '../../src/setup/check.js'
import {checkExpiration, ownRules, planLifecycle} from '../../src/setup/lifecycle.js'

const PREFIX = 'agents/'
const ABORTS: LifecycleRule = {
  ID: 'a',
  Status: 'Enabled',
  Filter: {Prefix: ''},
  AbortIncompleteMultipartUpload: {DaysAfterInitiation: 3},
}
const ENDS: LifecycleRule = {
  ID: 'n',
  Status: 'Enabled',
  Filter: {Prefix: 'agents/'},
  NoncurrentVersionExpiration: {NoncurrentDays: 5},
}

function plan(rules: LifecycleRule[], versioned = false, prefix = PREFIX) {
  return planLifecycle({rules: known(rules), versioned, prefix})
}

function namesAfter(rules: LifecycleRule[], versioned = false) {
  return plan(rules, versioned).change?.to.rules.map(({ID}) => ID)
}

function check(rule: LifecycleRule) {
  return checkExpiration({rules: known([rule]), prefix: PREFIX})
}

describe('lifecycle', () => {
  test('an empty bucket gets both rules, and nothing in them expires a current object', () => {
    expect(namesAfter([], true)).toEqual(['reprise-unfinished-uploads', 'reprise-noncurrent-versions'])
    for (const rule of ownRules(PREFIX)) {
      expect(rule.Expiration).toBeUndefined()
      expect(rule.Transitions).toBeUndefined()
      expect(rule.Filter).toEqual({Prefix: PREFIX})
    }
  })

  test('without versions there are none to end', () => {
    expect(namesAfter([], false)).toEqual(['reprise-unfinished-uploads'])
  })

  test('rules of others stay, whatever they say, and are not doubled', () => {
    const other: LifecycleRule = {ID: 'logs', Status: 'Enabled', Filter: {Prefix: 'logs/'}, Expiration: {Days: 1}}
    expect(plan([other]).change?.to.rules[0]).toBe(other)
    expect(namesAfter([other, ABORTS], true)).toEqual(['logs', 'a', 'reprise-noncurrent-versions'])
    expect(plan([ABORTS, ENDS], true)).toMatchObject({state: 'ok'})
    expect(plan([ABORTS, ENDS], true).change).toBeUndefined()
  })

  test.each<[string, LifecycleRule]>([
    ['is disabled', {...ABORTS, Status: 'Disabled'}],
    ['is for another prefix', {...ABORTS, Filter: {Prefix: 'other/'}}],
    ['is for a part of ours', {...ABORTS, Filter: {Prefix: 'agents/T-1/'}}],
    ['is for objects with a tag', {...ABORTS, Filter: {Tag: {Key: 'k', Value: 'v'}}}],
    ['is for large objects', {...ABORTS, Filter: {And: {Prefix: '', ObjectSizeGreaterThan: 1000}}}],
  ])('a rule does not count that %s', (_, rule) => {
    expect(namesAfter([rule])).toEqual(['a', 'reprise-unfinished-uploads'])
  })

  test('our own rule that somebody switched off is put in place of itself', () => {
    const off = ownRules(PREFIX).map((rule): LifecycleRule => ({...rule, Status: 'Disabled'}))
    expect(plan(off, true).change?.to.rules).toEqual(ownRules(PREFIX))
  })

  test('what may not be looked at is unchecked', () => {
    const rules = {known: false, why: 'these credentials may not'} as const
    expect(planLifecycle({rules, versioned: false, prefix: ''})).toMatchObject({state: 'unchecked'})
    expect(checkExpiration({rules, prefix: ''})).toMatchObject({state: 'unchecked'})
  })
})

describe('expiration', () => {
  const EXPIRES: LifecycleRule = {ID: 'old', Status: 'Enabled', Filter: {Prefix: ''}, Expiration: {Days: 30}}

  test.each<[string, LifecycleRule]>([
    ['of the whole bucket', EXPIRES],
    ['in the old notation', {ID: 'old', Status: 'Enabled', Prefix: 'ag', Expiration: {Days: 30}}],
    ['by a date', {...EXPIRES, Expiration: {Date: new Date(0)}}],
    ['below our prefix', {...EXPIRES, Filter: {Prefix: 'agents/T-1/'}}],
    ['of large objects', {...EXPIRES, Filter: {And: {Prefix: 'agents/', ObjectSizeGreaterThan: 5}}}],
  ])('by age is dangerous: a rule %s', (_, rule) => {
    expect(check(rule)).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('dangerous: the lifecycle rule "old"'),
    })
  })

  test.each<[string, LifecycleRule]>([
    ['elsewhere', {...EXPIRES, Filter: {Prefix: 'agents-old/'}}],
    ['disabled', {...EXPIRES, Status: 'Disabled'}],
    ['of objects with a tag', {...EXPIRES, Filter: {Tag: {Key: 'k', Value: 'v'}}}],
    ['of delete markers alone', {...EXPIRES, Expiration: {ExpiredObjectDeleteMarker: true}}],
    ['that moves to a class that is read at once', {...ENDS, Transitions: [{Days: 1, StorageClass: 'GLACIER_IR'}]}],
    ['of noncurrent versions', ENDS],
  ])('is not: a rule %s', (_, rule) => {
    expect(check(rule)).toMatchObject({state: 'ok'})
  })

  test('archiving by age keeps sessions from being resumed', () => {
    const rule: LifecycleRule = {...ENDS, Transitions: [{Days: 1, StorageClass: 'DEEP_ARCHIVE'}]}
    expect(check(rule)).toMatchObject({state: 'warning', detail: expect.stringContaining('archives parts')})
  })
})
