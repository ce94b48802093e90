import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {listFlags, listingOf, listSessions} from '../cli/list-sessions.js'
import {layoutFlag} from '../cli/open-sources.js'
import {arrangeSessions} from '../sync/arrange-sessions.js'

export default class Ls extends BaseCommand {
  static override summary = 'List sessions, the last active first.'
  static override description = `Lists what the store holds, by summaries that may lag a minute behind; with --local what is on this machine.
Stores of other programs are listed, too: whole files under <machine>/raw/, copies of .claude and .codex, in a bucket or on this machine (docs/layouts.md).
Where the output is no terminal, nothing is cut and session ids are whole.`
  static override examples = [
    {description: 'The last ten', command: '<%= config.bin %> <%= command.id %> --limit 10'},
    {description: 'Of one project, as JSON', command: '<%= config.bin %> <%= command.id %> --project shop --json'},
    {
      description: 'What agents of many machines left in a bucket, as other programs copied it',
      command: '<%= config.bin %> <%= command.id %> --store s3://bucket/agents --layout raw',
    },
    {
      description: 'Push what mentions a word',
      command:
        '<%= config.bin %> <%= command.id %> --local --agent claude --grep invoice --ids-only | xargs reprise push',
    },
  ]
  static override flags = withEnvironment({
    local: boolean({summary: 'The sessions of this machine, stored or not.'}),
    'ids-only': boolean({summary: 'Session ids alone, one a line.'}),
    ...listFlags,
    layout: layoutFlag,
    limit: string({summary: 'At most so many.', helpValue: '<n>'}),
  })

  async run(): Promise<void> {
    const {flags} = await this.parse(Ls)
    const runtime = await this.start(flags)
    const {local, 'ids-only': idsOnly} = flags
    const arrangement = listingOf(flags, runtime)
    const sessions = arrangeSessions(
      await listSessions(runtime, {local, task: flags.task, layout: flags.layout}),
      arrangement,
    )
    const {stdoutIsTerminal, columns} = runtime.screen
    const width = stdoutIsTerminal ? columns : Infinity
    await this.present({sessions}, async () => {
      const {lsText} = await import('../view/ls.js')
      return lsText(sessions, {now: runtime.clock.now(), width, idsOnly})
    })
  }
}
