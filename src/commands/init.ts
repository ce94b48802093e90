import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {openSetup, templateOf} from '../cli/open-setup.js'
import {dryRunFlag} from '../cli/session-flags.js'
import {setUp} from '../setup/set-up.js'
import {checksText} from '../view/checks.js'
import {documentText} from '../view/policy.js'

export default class Init extends BaseCommand {
  static override summary = 'Make or check the bucket, directory and table that sessions are kept in.'
  static override description = `Makes what is missing, says what each setting of a bucket that is there means for sessions, and finds out what
the store does: conditional writes, checksums, order of listings, the right to delete. Settings of others stay: statements of a bucket policy,
lifecycle rules. What these credentials may not look at is reported as unchecked. Asks before it changes anything but a directory.`
  static override examples = [
    {
      description: 'What would be done',
      command: '<%= config.bin %> <%= command.id %> --store s3://transcripts/agents --dry-run',
    },
    {
      description: 'A bucket with a prefix for each task, and a table',
      command:
        "<%= config.bin %> <%= command.id %> --store 's3://transcripts/agents/{task}' --registry dynamodb://agent-tasks --yes",
    },
    {
      description: 'The same, with roles and an alarm, as a stack',
      command:
        '<%= config.bin %> <%= command.id %> --store s3://transcripts/agents --print-cloudformation > reprise.json',
    },
  ]
  static override flags = withEnvironment({
    express: string({
      summary: 'A directory bucket of S3 Express One Zone, in the zone with this id.',
      helpValue: '<usw2-az1>',
    }),
    'print-cloudformation': boolean({
      summary: 'Print a CloudFormation template of bucket, table, roles and alarm; do nothing.',
    }),
    'task-tag': string({
      summary: "In the template: the session tag that names a worker's task.",
      default: 'task',
      helpValue: '<key>',
    }),
    'metrics-namespace': string({
      summary: 'In the template: where the alarm looks for metrics.',
      default: 'Reprise',
      helpValue: '<name>',
    }),
    'dry-run': dryRunFlag,
    yes: boolean({char: 'y', summary: 'Change what has to be changed without asking.'}),
  })

  async run(): Promise<void> {
    const {flags} = await this.parse(Init)
    const runtime = await this.start(flags)
    const {express, 'dry-run': dryRun, yes} = flags
    if (flags['print-cloudformation']) {
      const template = await templateOf(runtime, {
        express,
        taskTag: flags['task-tag'],
        metricsNamespace: flags['metrics-namespace'],
      })
      await this.present(template, () => documentText(template))
    } else {
      const report = await setUp(await openSetup(runtime, {express, dryRun, yes}))
      await this.present(report, () => checksText(report))
    }
  }
}
