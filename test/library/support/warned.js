// A program that uses stores of AWS and warns of things of its own.
//   warned.js MODULES
const modules = process.argv[2]
const {createSessionStore} = await import(new URL('library/session-store.js', modules).href)
const {createTaskRegistry} = await import(new URL('library/task-registry.js', modules).href)
const settings = {
  retries: 0,
  timeoutMs: 1_000,
  s3: {region: 'us-east-1', endpoint: 'http://127.0.0.1:9', credentials: {accessKeyId: 'a', secretAccessKey: 'b'}},
}

process.emitWarning('of the program, before')
const store = createSessionStore('s3://bucket/prefix', settings)
await store.load({projectKey: '-w', sessionId: 'none'}).catch(() => undefined)
await store.close()
const registry = createTaskRegistry('dynamodb://tasks', settings)
await registry.find('task', 'T').catch(() => undefined)
await registry.close()
process.emitWarning('of the program, after')
