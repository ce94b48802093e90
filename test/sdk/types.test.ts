import type {SessionStore} from '@anthropic-ai/claude-agent-sdk'
import {expectTypeOf, test} from 'vitest'
import type {MirrorSessionStore, S3SessionStore} from '../../src/index.js'

test('the session stores are what the SDK takes', () => {
  expectTypeOf<MirrorSessionStore>().toExtend<Required<SessionStore>>()
  expectTypeOf<S3SessionStore>().toExtend<Required<SessionStore>>()
})
