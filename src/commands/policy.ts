import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {openPolicyTarget} from '../cli/open-setup.js'
import {formatStoreUrl} from '../object-store/store-url.js'
import {planPolicy} from '../setup/policy.js'
import {policyWarnings, scopeOf} from '../setup/policy-scope.js'
import {documentText} from '../view/policy.js'

export default class Policy extends BaseCommand {
  static override summary = 'Print the least rights that a worker, a reader or the compactor needs, as an IAM policy.'
  static override description = `For the run's store and registry. A worker reads and writes the sessions under one prefix and deletes nothing: with {task} in the
store's URL it reaches its task alone. A reader changes nothing. The compactor may also delete.`
  static override examples = [
    {
      description: 'For the worker of one task: as a session policy, or to compare with a role',
      command: "<%= config.bin %> <%= command.id %> --store 's3://transcripts/agents/{task}' --task T-1042",
    },
    {
      description: 'For people who look at the sessions of all tasks',
      command: "<%= config.bin %> <%= command.id %> --store 's3://transcripts/agents/{task}' --reader",
    },
  ]
  static override flags = withEnvironment({
    task: string({summary: 'The task whose worker it is for.', helpValue: '<task>'}),
    reader: boolean({summary: 'For somebody who only reads.', exclusive: ['compactor']}),
    compactor: boolean({summary: 'For compact, rm and prune: may delete.', exclusive: ['reader']}),
  })

  async run(): Promise<void> {
    const {flags} = await this.parse(Policy)
    const runtime = await this.start(flags)
    const role = flags.reader ? 'reader' : flags.compactor ? 'compactor' : 'worker'
    const target = await openPolicyTarget(runtime, flags.task)
    const policy = planPolicy(role, scopeOf(role, target))
    for (const warning of policyWarnings(role, target)) runtime.warn(warning)
    await this.present({role, store: formatStoreUrl(target.url), policy}, () => documentText(policy))
  }
}
