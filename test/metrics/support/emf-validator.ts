/** What CloudWatch takes for the unit of a metric. */
const UNITS = [
  'Seconds',
  'Microseconds',
  'Milliseconds',
  'Percent',
  'Count',
  'Count/Second',
  'None',
  ...['Bytes', 'Bits'].flatMap((unit) =>
    ['', 'Kilo', 'Mega', 'Giga', 'Tera'].flatMap((size) => {
      const name = size === '' ? unit : size + unit.toLowerCase()
      return [name, `${name}/Second`]
    }),
  ),
]

type Json = Readonly<Record<string, unknown>>

/**
 * What is wrong with a line, by Amazon's page "Specification: Embedded metric format" and, for dimensions and names, by what the API
 * reference of CloudWatch says of `Dimension`, `MetricDatum` and `Namespace`.
 */
export function emfViolations(line: string): string[] {
  const wrong: string[] = []
  const must = (holds: boolean, rule: string): boolean => {
    if (!holds) wrong.push(rule)
    return holds
  }
  if (Buffer.byteLength(line) > 256 * 1024) wrong.push('a document is at most 256 KB')
  if (line.includes('\n') || line.trim() !== line) wrong.push('a document is the whole of its line')
  let root: unknown
  try {
    root = JSON.parse(line)
  } catch {
    return [...wrong, 'a document is JSON']
  }
  if (!isObject(root)) return [...wrong, 'a document is an object']
  const metadata = root['_aws']
  if (!isObject(metadata)) return [...wrong, '_aws is an object']
  only(metadata, ['Timestamp', 'CloudWatchMetrics'])
  must(Number.isInteger(metadata['Timestamp']), 'Timestamp is a whole number of ms')
  const directives = metadata['CloudWatchMetrics']
  if (!Array.isArray(directives)) return [...wrong, 'CloudWatchMetrics is an array']
  for (const directive of directives) {
    if (!isObject(directive)) wrong.push('a directive is an object')
    else checkDirective(directive, root)
  }
  return wrong

  function only(object: Json, names: readonly string[]): void {
    for (const name of Object.keys(object)) must(names.includes(name), `${name} is no member here`)
  }

  function checkDirective(directive: Json, document: Json): void {
    only(directive, ['Namespace', 'Dimensions', 'Metrics'])
    const {Namespace: namespace, Dimensions: sets, Metrics: metrics} = directive
    must(isText(namespace, 1024), 'Namespace is a text')
    must(/^(?!AWS\/)[\w.\-/#: ]{1,255}$/.test(String(namespace)), 'Namespace has the letters of a namespace')
    if (must(Array.isArray(sets) && sets.length >= 1, 'Dimensions has at least one set')) {
      for (const set of sets as unknown[]) checkSet(set, document)
    }
    if (!must(Array.isArray(metrics) && metrics.length <= 100, 'Metrics has at most 100 definitions')) return
    for (const metric of metrics as unknown[]) checkMetric(metric, document)
  }

  function checkSet(set: unknown, document: Json): void {
    if (!must(Array.isArray(set) && set.length <= 30, 'a set has at most 30 names')) return
    for (const name of set as unknown[]) {
      if (!must(isText(name, 250), 'a dimension has a name')) continue
      const value = Object.hasOwn(document, String(name)) ? document[String(name)] : undefined
      must(isText(value, 1024), `dimension ${String(name)} has a text at the root`)
      must(/^(?=.*\S)[ -~]+$/.test(String(value)), `dimension ${String(name)} is printable ASCII`)
    }
  }

  function checkMetric(metric: unknown, document: Json): void {
    if (!isObject(metric)) return void wrong.push('a definition is an object')
    only(metric, ['Name', 'Unit', 'StorageResolution'])
    const {Name: name, Unit: unit, StorageResolution: resolution} = metric
    must(isText(name, 255), 'a metric has a name')
    must(unit === undefined || UNITS.some((known) => known === unit), `${String(name)} has a unit of CloudWatch`)
    must(resolution === undefined || resolution === 1 || resolution === 60, 'a resolution is 1 or 60')
    const target = Object.hasOwn(document, String(name)) ? document[String(name)] : undefined
    const values: unknown[] = Array.isArray(target) ? target : [target]
    must(values.length >= 1 && values.length <= 100, `${String(name)} has 1 to 100 values`)
    for (const value of values) must(Number.isFinite(value), `${String(name)} is numbers`)
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown, most: number): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= most
}
