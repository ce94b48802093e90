/**
 * The sessions of a run. `leased`: everyone who writes it holds its lease. `open`: nobody does. `mixed`: some do and some do not;
 * what either was told to be stored stays.
 * @typedef {'leased' | 'open' | 'mixed'} SessionKind
 * @typedef {{readonly projectKey: string, readonly sessionId: string, readonly subpath?: string}} Key
 */

const PROJECT_KEY = '-chaos'
const SUBPATHS = [undefined, 'subagents/agent-a', 'subagents/agent-b']

/**
 * @param {{readonly sessions: number, readonly unleased: boolean}} setting
 * @returns {string[]}
 */
export function sessionIds({sessions, unleased}) {
  return Array.from({length: sessions}, (_, index) => `${unleased ? 'open' : kindAt(index)}-${index}`)
}

/**
 * @param {string} sessionId
 * @returns {SessionKind}
 */
export function sessionKind(sessionId) {
  return /** @type {SessionKind} */ (sessionId.slice(0, sessionId.indexOf('-')))
}

/**
 * The main transcript first.
 * @param {string} sessionId
 * @returns {Key[]}
 */
export function keysOf(sessionId) {
  return SUBPATHS.map((subpath) => ({projectKey: PROJECT_KEY, sessionId, ...(subpath !== undefined && {subpath})}))
}

/** @param {Key} key */
export function transcriptName({sessionId, subpath}) {
  return subpath === undefined ? sessionId : `${sessionId}/${subpath}`
}

/**
 * Where it lies in the store.
 * @param {Key} key
 */
export function refOf({projectKey, ...rest}) {
  return {homeKey: projectKey, ...rest}
}

/** @param {number} index */
function kindAt(index) {
  if (index % 5 === 3) return 'open'
  return index % 5 === 4 ? 'mixed' : 'leased'
}
