import {boolean} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {confirm} from '../cli/confirm.js'
import {exitCodeOf} from '../cli/exit-codes.js'
import {withEnvironment} from '../cli/flags.js'
import {openDoctor} from '../cli/open-doctor.js'
import {examine} from '../doctor/examine.js'
import {doctorText} from '../view/doctor.js'

export default class Doctor extends BaseCommand {
  static override summary = 'Find out what is wrong with this machine, the store, or the sessions in it.'
  static override description = `Looks at claude, Node.js, credentials and their source, the endpoint, what the store does, and all sessions: one request for
each part. Changes nothing but short-lived objects of its own. Each finding says what it is, what it means, and which command mends it.
--fix mends what is safe: it never deletes an entry. Exits 0; 7 when a problem is left; 5 or 6 when the store cannot be used.
What each code means: docs/doctor.md.`
  static override examples = [
    {description: 'When something does not work', command: '<%= config.bin %> <%= command.id %>'},
    {description: 'Each week', command: '<%= config.bin %> <%= command.id %> --fix --yes --json'},
  ]
  static override flags = withEnvironment({
    fix: boolean({summary: 'Mend what can be mended without deleting an entry.'}),
    yes: boolean({char: 'y', summary: 'Mend it without asking.'}),
  })

  async run(): Promise<void> {
    const {flags} = await this.parse(Doctor)
    const runtime = await this.start(flags)
    const {progress, screen, signal} = runtime
    const patient = await openDoctor(runtime)
    const report = await examine(patient, {
      progress,
      signal,
      fix: flags.fix,
      approve: async ({length}) =>
        flags.yes || confirm(`${patient.sync.store.url}: mend ${length} findings?`, {screen, flag: '--yes', signal}),
    })
    const left = report.totals.problem > 0 ? exitCodeOf('bad-data') : 0
    await this.present(report, () => doctorText(report), report.error ? exitCodeOf(report.error.kind) : left)
  }
}
