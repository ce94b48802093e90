import {escapeJson} from './sanitize.js'

/** A document for IAM or CloudFormation, as a person reads it and `> file` takes it. */
export function documentText(document: unknown): string {
  return escapeJson(JSON.stringify(document, null, 2))
}
