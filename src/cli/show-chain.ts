import type {Chain} from '../inspect/choose-chain.js'
import {rawChain} from '../inspect/raw-lines.js'
import {readChain} from '../inspect/read-chain.js'
import {PREVIEW, WHOLE} from '../transcript/conversation/limits.js'
import {chainJson} from '../view/conversation/conversation-json.js'
import {chainText} from '../view/conversation/conversation-text.js'
import {type FollowOptions, followOut, followRaw} from './following.js'
import {type PageOptions, pageOut} from './pager.js'
import {lastLines, writeRaw} from './raw-output.js'
import type {Runtime} from './runtime.js'

export interface ShowOptions extends Pick<FollowOptions, 'emit' | 'full' | 'tail'>, PageOptions {
  readonly follow: boolean
  readonly raw: boolean
}

/** Writes sessions to stdout as text or lines, or gives what is to be written as JSON. @returns undefined when all is written. */
export async function showChain(
  runtime: Runtime,
  chain: Chain,
  {follow, raw, pager, tail, full, emit}: ShowOptions,
): Promise<Record<string, unknown> | undefined> {
  const {stdoutIsTerminal, columns, color} = runtime.screen
  const options = {width: stdoutIsTerminal ? columns : Infinity, color, full}
  const current = chain.sessions.at(-1)
  if (follow && current) {
    if (raw) await followRaw(runtime, current, tail)
    else await followOut(runtime, current, {...options, tail, emit})
  } else if (raw) {
    const lines = rawChain(chain.sessions)
    await writeRaw(runtime, tail === undefined ? lines : lastLines(lines, tail), {pager})
  } else {
    const {json} = runtime.settings
    const read = await readChain(chain, full || json ? WHOLE : PREVIEW)
    if (json) return chainJson(read, {tail, full})
    await pageOut(runtime, () => chainText(read, options, tail), {pager})
  }
  return undefined
}
