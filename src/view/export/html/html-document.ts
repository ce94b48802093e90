import {createHash} from 'node:crypto'
import type {ReadChain, ReadSession} from '../../../inspect/read-chain.js'
import type {Turn} from '../../../transcript/conversation/model.js'
import {isShown} from '../../../transcript/conversation/turns.js'
import {totalsLines} from '../../conversation/totals-lines.js'
import {documentTitle, sessionFacts, turnHeading, turnTime} from '../words.js'
import {escapeAttribute, escapeHtml} from './escape.js'
import {itemHtml, subagentHtml} from './items.js'
import {SCRIPT} from './script.js'
import {STYLE} from './style.js'

/**
 * A chain of sessions as one page that asks nobody for anything: its own style and script are all that its policy lets run, whatever
 * stands in the conversation. Turns have the ids `t1`, `t2`, …, tools `t1-1`, ….
 */
export function* htmlDocument(chain: ReadChain): Iterable<string> {
  yield headHtml(documentTitle(chain))
  yield contentsHtml(chain)
  yield '<main>\n'
  for (const session of chain.sessions) yield* sessionHtml(session)
  const totals = totalsLines(chain, {width: Infinity, color: false, full: true})
  yield `<footer>${totals.map((line) => `<p>${escapeHtml(line)}</p>`).join('')}</footer>\n`
  yield `</main>\n<script>${SCRIPT}</script>\n</body>\n</html>\n`
}

function headHtml(title: string): string {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    `script-src '${hashOf(SCRIPT)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${escapeAttribute(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<div id="tools" hidden>
<input id="search" type="search" placeholder="Search" aria-label="Search" autocomplete="off">
<output id="found" for="search"></output>
<button id="before" type="button" aria-label="The match before">↑</button>
<button id="next" type="button" aria-label="The next match">↓</button>
<button id="unfold" type="button" aria-pressed="false">Unfold all</button>
<button id="theme" type="button">Dark or light</button>
</div>
</header>
`
}

/** As a policy names what it allows. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function contentsHtml({sessions}: ReadChain): string {
  const turns = sessions.flatMap(({conversation}) => conversation.turns.filter(isTold))
  const lines = turns.map(({number, items}) => {
    const heading = turnHeading(items)
    return `<li><a href="#t${number}"><b>${number}</b> ${heading === '' ? '…' : escapeHtml(heading)}</a></li>`
  })
  return `<details id="contents" open><summary>Contents</summary><ol>\n${lines.join('\n')}\n</ol></details>\n`
}

function* sessionHtml(session: ReadSession): Iterable<string> {
  const {sessionId, turns, beside, subagents} = session.conversation
  const facts = sessionFacts(session).map((fact) => `<span>${escapeHtml(fact)}</span>`)
  yield `<section class="session"><p class="facts"><code>${escapeHtml(sessionId)}</code> ${facts.join(' ')}</p></section>\n`
  for (const turn of turns) if (isTold(turn)) yield turnHtml(turn)
  for (const branch of beside) {
    yield '<section class="turn beside"><details><summary>Beside the conversation: what was left</summary>\n'
    for (const {items} of branch.turns) yield items.map((item) => itemHtml(item)).join('')
    yield '</details></section>\n'
  }
  if (subagents.length === 0) return
  yield '<section class="turn"><h2>Subagents that no call here has started</h2>\n'
  for (const subagent of subagents) yield subagentHtml(subagent)
  yield '</section>\n'
}

function isTold({items}: Turn): boolean {
  return items.some(isShown)
}

function turnHtml({number, items}: Turn): string {
  const time = turnTime(items)
  const told = time === undefined ? '' : ` <time>${escapeHtml(time)}</time>`
  const body = items.map((item, at) => itemHtml(item, `t${number}-${at + 1}`)).join('')
  return `<section class="turn" id="t${number}"><h2><a href="#t${number}">#${number}</a>${told}</h2>\n${body}</section>\n`
}
