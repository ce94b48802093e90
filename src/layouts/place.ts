import {isSafeSubpath} from '../store/names.js'
import {parseRolloutName} from '../transcript/codex/rollout-name.js'
import {isSessionId} from '../transcript/session-id.js'
import type {Root} from './layout.js'

/** What a file is to a session, by its key alone. */
export type Place =
  | {readonly kind: 'claude-main'; readonly projectKey: string; readonly sessionId: string}
  | {
      readonly kind: 'claude-subagent' | 'claude-meta'
      readonly projectKey: string
      readonly sessionId: string
      readonly subpath: string
    }
  | {readonly kind: 'claude-file'; readonly projectKey: string; readonly sessionId: string; readonly name: string}
  | {
      readonly kind: 'rollout'
      readonly sessionId: string
      readonly name: string
      readonly compressed: boolean
      readonly archived: boolean
    }

/**
 * Pure.
 *
 * @param key below the tree, under the root's prefix.
 * @returns undefined for what is no part of a session; `unsafe` for a name that would be, and could lead elsewhere: it is left out.
 */
export function placeIn(root: Root, key: string): Place | 'unsafe' | undefined {
  const path = key.slice(root.prefix.length)
  if (!key.startsWith(root.prefix) || !/\.(?:jsonl|jsonl\.zst|json|txt)$|\/tool-results\//.test(path)) return undefined
  if (!isSafeSubpath(path)) return /\.jsonl/.test(path) ? 'unsafe' : undefined
  const segments = path.split('/')
  return root.agent === 'claude' ? claudePlace(segments) : rolloutPlace(root, segments)
}

function claudePlace([projectKey = '', second = '', folder, ...rest]: readonly string[]): Place | undefined {
  if (folder === undefined) {
    const sessionId = second.replace(/\.jsonl$/, '')
    return second.endsWith('.jsonl') && isSessionId(sessionId)
      ? {kind: 'claude-main', projectKey, sessionId}
      : undefined
  }
  if (!isSessionId(second) || rest.length === 0) return undefined
  const of = {projectKey, sessionId: second}
  const name = rest.join('/')
  if (folder === 'tool-results') return {kind: 'claude-file', ...of, name}
  const [, agent, ending] = /^((?:.+\/)?agent-[^/]+?)(\.jsonl|\.meta\.json)$/.exec(name) ?? []
  if (folder !== 'subagents' || agent === undefined) return undefined
  return {kind: ending === '.jsonl' ? 'claude-subagent' : 'claude-meta', ...of, subpath: `subagents/${agent}`}
}

function rolloutPlace({prefix}: Root, segments: readonly string[]): Place | undefined {
  const name = segments.at(-1) ?? ''
  const parsed = parseRolloutName(name)
  if (!parsed) return undefined
  const {sessionId, compressed} = parsed
  const archived = prefix.endsWith('archived_sessions/') || segments.includes('archived_sessions')
  return {kind: 'rollout', sessionId, name, compressed, archived}
}
