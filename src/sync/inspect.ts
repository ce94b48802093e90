/** Looks at what is about to leave this machine. @throws SECRETS_FOUND when that must not happen. */
export type Inspect = (
  chunks: AsyncIterable<Uint8Array>,
  at: {readonly file: string; readonly firstLine: number},
) => Promise<void>
