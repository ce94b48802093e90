/** Nothing that any POSIX shell expands, splits or takes for an operator, an assignment or a tilde. */
const PLAIN = /^[A-Za-z0-9_./:@%+,-]+$/

/**
 * A text as one word of POSIX shell, on one line: a newline is written `"$nl"`, a variable that the line has to set.
 * A text cannot hold a NUL: no argument, path or variable of a process can.
 */
export function quote(text: string): string {
  if (PLAIN.test(text)) return text
  const lines = text.split('\n').map((line) => (line === '' ? '' : singleQuoted(line)))
  return lines.join('"$nl"') || "''"
}

/** The text between single quotes, in which a shell reads nothing but the text. Newlines stay. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
