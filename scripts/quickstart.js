// A conversation that goes on on another worker, shown on one machine: npm run quickstart
//   -- --keep             leave the homes and the store where they are
//   -- --without-claude   as on a platform that has no claude: push and pull alone
// Needs no account and no network. Exit code 1 when a step does not do what it says.
import {randomUUID} from 'node:crypto'
import {appendFile, mkdir, mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {check, heading, program, reprise, say, startReprise, StepFailed, title} from './quickstart/stage.js'
import {areEqual, findClaude, makeWorker, transcriptsOf, untilStored} from './quickstart/workers.js'

const keep = process.argv.includes('--keep')
const root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-quickstart-')))
const store = join(root, 'store')
const claude = process.argv.includes('--without-claude') ? undefined : findClaude()
const [a, b] = [
  await makeWorker('a', {root, project: 'shop', store, claude}),
  await makeWorker('b', {root, project: 'checkout', store, claude}),
]

title('reprise: a conversation moves to another worker')
say(`
   worker a   home ${a.home}, works in ${a.cwd}
   worker b   home ${b.home}, works in ${b.cwd}
   store      ${store} (REPRISE_STORE; s3://bucket/prefix works the same)`)

try {
  const proof = await (claude === undefined ? withoutClaude() : withClaude())
  say(`\nProven: ${proof}`)
  if (!keep) await rm(root, {recursive: true, force: true})
  say(`All of it was in ${root}${keep ? '.' : ', which is removed again (keep it: npm run quickstart -- --keep).'}`)
} catch (error) {
  if (!(error instanceof StepFailed)) throw error
  say(`\nFAILED: ${error.message}\nEverything is still in ${root}.`)
  process.exitCode = 1
} finally {
  await Promise.all([a.model.close(), b.model.close()])
}

async function withClaude() {
  say(`
The claude is the real one. Its model is a stand-in on this machine, which does what the prompt says: "say: X" answers X,
"bash: X" calls the Bash tool with X, "recall:" repeats what it was told so far.`)

  heading('Worker a begins the work on a task. Each line is stored within a second.')
  const plan = 'say: The plan: fix the tax on shipping, then run the tests.'
  await reprise(a, ['run', '--task', 'demo', '--', '-p', plan])
  const sessionId = [...(await transcriptsOf(a)).keys()][0]?.replace('.jsonl', '')
  check(sessionId !== undefined, `claude wrote session ${sessionId}`)

  heading('Someone talks to claude there without reprise. A push stores what is new, and nothing else.')
  const note = 'say: A note by hand: reduced rates matter too.'
  await program(a, 'claude', ['--resume', sessionId, '-p', note], join(a.home, 'bin', 'claude'))
  check((await reprise(a, ['push', 'demo'])).includes('pushed'), 'the rest of the conversation is in the store')
  check((await reprise(a, ['push', 'demo'])).includes('unchanged'), 'pushing again does nothing')

  heading('Worker a goes on, and dies in the middle of a turn.')
  const work = 'bash: echo "tax fixed in cart.ts";;hold: Now I run the'
  const running = startReprise(a, ['resume', 'demo', '--', '-p', work, '--allowedTools', 'Bash'])
  await untilStored(store, '"content":"tax fixed in cart.ts"')
  running.kill()
  say(`\n   kill -9: reprise and claude are gone, without a word.`)
  check(
    (await running.ended).exitCode === null,
    'a died before the turn was over; what the tool answered is stored already',
  )

  heading('Worker b looks what there is, and goes on: another home, another directory.')
  check((await reprise(b, ['ls'])).includes(sessionId), 'b sees the session, though it never had it')
  const recalled = await reprise(b, ['resume', 'demo', '--', '-p', 'recall:'])
  say(`
   No lease is in the way: its process is gone. On another machine b would have to wait for it to run out, a minute at most
   (--wait 2m), or to take it (--force).`)
  const heard = b.model.prompts().at(-1) ?? []
  check(
    [plan, note, work].every((prompt) => heard.includes(prompt)),
    "the model on b was told everything that a's was",
  )
  check(recalled.includes('reduced rates matter too'), 'and could repeat it')

  heading('Back on worker a: it takes what b added.')
  await reprise(a, ['pull', 'demo'])
  const [onA, onB] = [await transcriptsOf(a), await transcriptsOf(b)]
  check(onA.size > 0 && areEqual(onA, onB), 'the transcripts on a and b are the same, byte for byte')
  check((await reprise(b, ['ls'])).includes(sessionId), 'it is one session, as it was from the beginning')
  await reprise(b, ['status', '--exit-code'])
  say('\n   Exit code 0: everything of b is stored. This worker may die, too.')
  return "the model on b got a's words, though a was killed in the middle of a turn; and the bytes on both are equal."
}

/** Where no claude can be had: what push and pull do, with a transcript made by hand. */
async function withoutClaude() {
  say(`
There is no claude binary for ${process.platform}-${process.arch} here, so nothing can be resumed. Instead a transcript made by
hand is pushed on worker a and pulled on worker b.`)
  const sessionId = randomUUID()
  const [plan, note] = ['The plan: fix the tax on shipping.', 'Reduced rates matter too.']
  const directory = join(a.projects, a.cwd.replaceAll(/[^A-Za-z0-9]/gu, '-'))
  const path = join(directory, `${sessionId}.jsonl`)
  await mkdir(directory, {recursive: true})

  heading('Worker a stores its sessions.')
  await appendFile(path, entry({sessionId, cwd: a.cwd}, 'user', plan))
  check((await reprise(a, ['push', '--task', 'demo'])).includes('pushed'), `session ${sessionId} is stored`)

  heading('The conversation goes on. A push stores what is new, and nothing else.')
  await appendFile(path, entry({sessionId, cwd: a.cwd}, 'assistant', note))
  check((await reprise(a, ['push'])).includes('1 entr'), 'one more entry went up')
  check((await reprise(a, ['push'])).includes('unchanged'), 'pushing again does nothing')

  heading('Worker b looks what there is, and takes it: another home, another directory.')
  check((await reprise(b, ['ls'])).includes('demo'), 'b sees the task')
  await reprise(b, ['pull', 'demo'])
  check(areEqual(await transcriptsOf(a), await transcriptsOf(b)), 'the transcripts are the same, byte for byte')
  await reprise(b, ['status', '--exit-code'])
  return 'a session went from a to b, and the bytes on both are equal. Resuming it takes a claude.'
}

function entry(session, role, content) {
  const [uuid, timestamp] = [randomUUID(), new Date().toISOString()]
  return `${JSON.stringify({type: role, uuid, ...session, timestamp, message: {role, content}})}\n`
}
