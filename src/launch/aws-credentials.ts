/** Names that lead to credentials of AWS, each by itself or with others. */
const NAMES: ReadonlySet<string> = new Set([
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_CREDENTIAL_FILE',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONFIG_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
])

/** Of the container's own service: where it is, and how one shows who one is. */
const FAMILIES = ['AWS_CONTAINER_CREDENTIALS_', 'AWS_CONTAINER_AUTHORIZATION_']

type Environment = Readonly<Record<string, string | undefined>>

/** Variables by which a program would find the AWS credentials of its parent. What files and services give on their own stays. */
export function awsCredentialsIn(env: Environment): readonly string[] {
  return Object.keys(env).filter((name) => NAMES.has(name) || FAMILIES.some((family) => name.startsWith(family)))
}

/** Whether claude itself asks AWS for its models, with the credentials that it inherits. */
export function usesBedrock(env: Environment): boolean {
  return !['', '0', 'false', 'no', 'off'].includes((env['CLAUDE_CODE_USE_BEDROCK'] ?? '').toLowerCase())
}
