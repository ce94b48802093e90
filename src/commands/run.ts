import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {parseWait} from '../cli/duration.js'
import {withEnvironment} from '../cli/flags.js'
import {splitArguments} from '../cli/launch-arguments.js'
import {checkResultFile, presentStarted} from '../cli/launch-result.js'
import {openStart, startFlags} from '../cli/start-context.js'
import {chooseForRun, IF_EXISTS, type IfExists} from '../launch/choose-session.js'
import {startResume, startRun} from '../launch/start-claude.js'
import type {EntryKind} from '../registry/registry.js'

export default class Run extends BaseCommand {
  static override summary = 'Start claude in a session that is stored from its first message on.'
  static override description = `The session's id is chosen before claude starts, so that a task or name leads to it even when this worker dies in its first
second. What stands behind -- goes to claude. The exit code is claude's own, unless what it wrote is not stored (6, or 4 when another worker
took the session over).`
  static override examples = [
    {
      description: 'Work on a task that any worker can go on with',
      command: '<%= config.bin %> <%= command.id %> --task JIRA-17 -- -p "Fix the login page."',
    },
    {
      description: 'The same command on every worker: begin it, or go on in it',
      command: '<%= config.bin %> <%= command.id %> --task JIRA-17 --if-exists resume -- -p "Go on."',
    },
  ]
  static override flags = withEnvironment({
    task: string({summary: 'The task that this is work on.', helpValue: '<task>'}),
    name: string({summary: 'A name for people.', helpValue: '<name>'}),
    'if-exists': string({
      summary: 'When the task or name has a session already.',
      options: [...IF_EXISTS],
      default: 'fail',
    }),
    force: boolean({summary: 'Where it goes on in one: take it over from whoever has it.'}),
    wait: string({
      summary: 'Where it goes on in one: how long to wait for whoever has it (default: not at all).',
      helpValue: '<duration>',
    }),
    ...startFlags,
  })

  async run(): Promise<void> {
    const {own, claude} = splitArguments(this.argv)
    const {flags} = await this.parse(Run, own)
    const runtime = await this.start(flags)
    await checkResultFile(flags['result-file'])
    const {task, name, 'if-exists': ifExists} = flags
    const context = await openStart(runtime, claude, task, flags)
    const waitMs = flags.wait === undefined ? undefined : parseWait(flags.wait, '--wait')
    const wanted = [link('task', task), link('name', name)].flat()
    const {sessionId: found, links} = await chooseForRun(context.registry, wanted, ifExists as IfExists)
    const fresh = runtime.random.uuid()
    const started = await (found === undefined
      ? startRun(context, {sessionId: fresh, links})
      : startResume(context, {
          sessionId: found,
          forkInto: ifExists === 'fork' ? fresh : undefined,
          force: flags.force,
          waitMs,
          links,
        }))
    await presentStarted(started, flags['result-file'])
  }
}

function link(kind: EntryKind, id: string | undefined) {
  return id === undefined ? [] : [{kind, id}]
}
