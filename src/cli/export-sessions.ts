import {join} from 'node:path'
import pMap from 'p-map'
import {RepriseError} from '../base/errors.js'
import type {Chain} from '../inspect/choose-chain.js'
import {outputExists, writeExportFile} from '../inspect/export-file.js'
import {putExport} from '../inspect/export-object.js'
import {type ExportFormat, exportSession, type Renderer} from '../inspect/export-session.js'
import {Redaction} from '../inspect/redaction.js'
import {failureOf} from '../sync/report.js'
import {type ExportedFile, type ExportReport, maskedText, reportOf} from '../view/export/report.js'
import {type ExportForm, type ExportTarget, namesEach, targetOf} from './export-target.js'
import {writeRaw} from './raw-output.js'
import type {Runtime} from './runtime.js'

/** Each may hold a conversation in memory. */
const EXPORTS_AT_ONCE = 2

const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  jsonl: 'application/x-ndjson',
  json: 'application/json',
  md: 'text/markdown; charset=utf-8',
  html: 'text/html; charset=utf-8',
}

export interface ExportRequest extends ExportForm {
  /** A file for each chain; without it there is one chain, and what goes wrong with it is thrown. */
  readonly all: boolean
  /** A file, a directory or a URL; undefined for stdout. */
  readonly output?: string | undefined
  readonly force: boolean
  /** What looks like a secret is masked. */
  readonly redact: boolean
  /** The value of `{task}`, where the sessions' own task is not told. */
  readonly task?: string | undefined
}

/**
 * Writes chains of sessions, a file each. One that fails does not stop the others.
 *
 * @returns undefined when all went to stdout.
 * @throws OUTPUT_MISSING, OUTPUT_AMBIGUOUS, BINARY_REFUSED, and for stdout what reading throws.
 */
export async function exportSessions(
  runtime: Runtime,
  chains: readonly Chain[],
  request: ExportRequest,
): Promise<ExportReport | undefined> {
  const {output} = request
  const render = await rendererOf(request.format)
  if (output === undefined || output === '-') {
    checkStdout(runtime, request, chains)
    const redaction = request.redact ? new Redaction() : undefined
    for (const chain of chains) await writeRaw(runtime, exportSession(chain, {...request, render, redaction}))
    if (redaction) runtime.warn({code: 'SECRETS_MASKED', message: maskedText(redaction.counts)})
    return undefined
  }
  if (chains.length > 1 && !namesEach(output)) throw ambiguous(output)
  const places = new Set<string>()
  const files = await pMap(chains, async (chain) => exportOne(runtime, chain, {...request, output, render, places}), {
    concurrency: EXPORTS_AT_ONCE,
  })
  return reportOf(files)
}

interface OneRequest extends ExportRequest {
  readonly output: string
  readonly render: Renderer | undefined
  /** What this run has written. */
  readonly places: Set<string>
}

async function exportOne(runtime: Runtime, chain: Chain, request: OneRequest): Promise<ExportedFile> {
  const {output, render, gzip, format, task, places} = request
  const sessions = chain.sessions.map(({sessionId}) => sessionId)
  const about = {sessions, format, gzip, ...(chain.task !== undefined && {task: chain.task})}
  try {
    const of = {sessionId: sessions.at(-1) ?? '', task: chain.task ?? task}
    const target = await targetOf(runtime, output, of, {format, gzip})
    const place = target.kind === 'file' ? target.path : target.place
    if (places.has(place)) throw outputExists(place)
    places.add(place)
    const redaction = request.redact ? new Redaction() : undefined
    const bytes = await write(runtime, target, exportSession(chain, {render, gzip, redaction}), request)
    const where = target.kind === 'file' ? {path: place} : {url: place}
    return {...about, ...where, bytes, ...(redaction && {masked: redaction.counts})}
  } catch (error) {
    if (!request.all) throw error
    return {...about, error: failureOf(error)}
  }
}

async function write(
  runtime: Runtime,
  target: ExportTarget,
  chunks: AsyncIterable<Uint8Array>,
  {force, format, gzip}: ExportRequest,
): Promise<number> {
  const {random, signal, directories} = runtime
  if (target.kind === 'file') return writeExportFile(target.path, chunks, {random, replace: force})
  const {store} = await runtime.openStore(target.url)
  return putExport(store, target.key, chunks, {
    random,
    signal,
    replace: force,
    contentType: gzip ? 'application/gzip' : CONTENT_TYPES[format],
    url: target.place,
    scratch: join(directories.state, 'exports'),
  })
}

/** What draws a document is loaded when there is one to be drawn. */
async function rendererOf(format: ExportFormat): Promise<Renderer | undefined> {
  switch (format) {
    case 'jsonl':
      return undefined
    case 'json':
      return (await import('../view/export/json-document.js')).jsonDocument
    case 'md':
      return (await import('../view/export/markdown-document.js')).markdownDocument
    case 'html':
      return (await import('../view/export/html/html-document.js')).htmlDocument
  }
}

function checkStdout(runtime: Runtime, {format, gzip}: ExportRequest, chains: readonly Chain[]): void {
  if (runtime.settings.json) throw noOutput('with --json an export goes into a file')
  if (chains.length > 1 && format !== 'jsonl') throw noOutput('several documents do not go into one')
  if (!gzip || !runtime.screen.stdoutIsTerminal) return
  throw new RepriseError({
    kind: 'usage',
    code: 'BINARY_REFUSED',
    message: 'what is packed with gzip is nothing for a terminal',
    suggestions: ['Name a file: -o', 'Leave out --gzip.'],
  })
}

function noOutput(message: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'OUTPUT_MISSING',
    message,
    suggestions: ['Name it: -o FILE, -o DIR/ or -o s3://…'],
  })
}

function ambiguous(output: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'OUTPUT_AMBIGUOUS',
    message: `several sessions do not go into one file: ${output}`,
    suggestions: ['Name a directory, with / at its end: -o DIR/', 'Write {session} or {task} into the name.'],
  })
}
