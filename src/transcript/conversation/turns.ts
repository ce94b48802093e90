import type {Item, Turn} from './model.js'

/** Items in turns: each prompt and each command begins one. */
export function turnsOf(items: readonly Item[]): readonly Turn[] {
  const turns: Item[][] = []
  for (const item of items) {
    const current = turns.at(-1)
    const begins = item.kind === 'prompt' || item.kind === 'command'
    // What stands before a prompt and is told to the model alone belongs to it.
    if (current && !(begins && current.some(isShown))) current.push(item)
    else turns.push([item])
  }
  return turns.map((each, at) => ({number: at + 1, items: each}))
}

/** Whether an item is meant for people. */
export function isShown(item: Item): boolean {
  return !((item.kind === 'note' || item.kind === 'attachment') && item.internal)
}
