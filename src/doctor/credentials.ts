import type {DoctorCheck} from './patient.js'

export const credentialsCheck: DoctorCheck = {
  name: 'credentials',
  needsStore: false,
  async look({facts: {credentials}}) {
    if (!credentials) return []
    if ('source' in credentials) {
      const {source} = credentials
      return [
        {code: 'credentials', severity: 'note', what: `AWS credentials: ${source}`, means: 'they go with each request'},
      ]
    }
    return [
      {
        code: 'credentials-missing',
        severity: 'problem',
        what: `there are no AWS credentials: ${credentials.missing}`,
        means: 'nothing can be stored or fetched',
        mend: 'aws sso login, or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      },
    ]
  },
}
