import {mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {findClaude, newWorker, runClaude, transcriptOf, type Worker} from '../support/claude.js'
import {type ModelServer, startModelServer} from '../support/model-server.js'
import {readHtml} from '../support/read-html.js'
import {makeCliHome} from '../support/run-reprise.js'

const ID = '00000000-0000-4000-8000-000000000001'
const claude = findClaude()

describe.runIf(claude.path)(`a session of the real claude ${claude.reason ?? ''}`, {timeout: 60_000}, () => {
  let root: string
  let model: ModelServer
  let worker: Worker

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-export-')))
    model = await startModelServer()
    worker = await newWorker({root, modelUrl: model.url})
    const {cwd} = worker
    await writeFile(join(cwd, 'a.txt'), 'one\ntwo\n')
    const steps = [
      `think: hm ++ say: I look. ++ bash: echo "<b>hi</b>"; exit 3 ++ read: ${cwd}/a.txt`,
      `edit: ${cwd}/a.txt two => TWO`,
      'agent: say: from below',
      'say: all done',
    ]
    const tools = ['--allowedTools', 'Bash', 'Agent', 'Edit', 'Read']
    const {code} = await runClaude(worker, ['-p', steps.join(';;'), '--session-id', ID, ...tools])
    if (code !== 0) throw new Error(`claude ended with ${code}`)
  }, 120_000)
  afterAll(async () => {
    await model.close()
    await rm(root, {recursive: true, force: true})
  })

  async function exported(format: string): Promise<string> {
    await using cli = await makeCliHome()
    const argv = ['export', ID, '--local', '--config-dir', worker.configDir, '--format', format]
    const {exitCode, stdout, stderr} = await cli.run(argv)
    expect([exitCode, stderr]).toEqual([0, ''])
    return stdout
  }

  it('is given as its bytes', async () => {
    expect(await exported('jsonl')).toBe(await readFile(await transcriptOf(worker, ID), 'utf8'))
  })

  it('is told in Markdown', async () => {
    const told = (await exported('md'))
      .replaceAll(worker.cwd, '/project')
      .replaceAll(root, '/root')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    expect(told.split('\n\n').filter((block) => !block.includes('TIME') && !/^(?:- |## )/.test(block)))
      .toMatchInlineSnapshot(`
        [
          "# Session 00000000-0000-4000-8000-000000000001",
          "> think: hm ++ say: I look. ++ bash: echo "&lt;b>hi&lt;/b>"; exit 3 ++ read: /project/a.txt;;edit: /project/a.txt two => TWO;;agent: say: from below;;say: all done",
          "<details><summary>Thinking</summary>",
          "hm",
          "</details>",
          "I look.",
          "**Bash** \`echo "<b>hi</b>"; exit 3\`",
          "<details><summary>Input</summary>",
          "description:",
          "\`\`\`
        a scripted command
        \`\`\`",
          "</details>",
          "\`\`\`
        Exit code 3
        <b>hi</b>
        \`\`\`",
          "**Read** \`/project/a.txt\`",
          "\`\`\`
        1  one
        2  two
        3  
        \`\`\`",
          "**Edit** \`/project/a.txt\` (+1 −1)",
          "\`\`\`diff
         one
        -two
        +TWO
        \`\`\`",
          "**Agent** \`general-purpose: a scripted task\`",
          "> **Subagent general-purpose: a scripted task**
        >
        > > say: from below
        >
        > from below",
          "all done",
          "*task*",
          "\`\`\`
        Agent "a scripted task" finished
        from below
        \`\`\`",
          "Done.",
          "---",
        ]
      `)
  })

  it('is a page', async () => {
    const {tags, text} = readHtml(await exported('html'))
    const classes = tags.flatMap(({attributes}) => attributes['class'] ?? [])
    expect(classes).toEqual(
      expect.arrayContaining(['prompt', 'thinking', 'said', 'tool error', 'tool', 'change', 'subagent']),
    )
    expect(text).toContain('<b>hi</b>')
    expect(text).toContain('from below')
  })

  it('is JSON', async () => {
    const document = JSON.parse(await exported('json')) as {messages: {role: string}[]; subagents: unknown[]}
    expect(document.messages.map(({role}) => role)).toEqual([
      'user',
      ...document.messages.slice(1).map(() => 'assistant'),
    ])
    expect(document.subagents).toHaveLength(1)
  })
})
