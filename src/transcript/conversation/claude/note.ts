import {excerpt} from '../limits.js'
import type {Note} from '../model.js'
import type {EntryContext} from './entry.js'

/** @param internal not meant for the user. */
export function note(context: EntryContext, about: string, words: string, internal: boolean): Note {
  const {base, limits} = context
  return {kind: 'note', key: context.nextKey(), ...base, about, text: excerpt(words, limits.output), internal}
}
