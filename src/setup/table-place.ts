import {unchecked} from './check.js'
import {type Place, type Planned, planned, settled, vital} from './place.js'
import {NEW_TABLE, planItems, planTable} from './table.js'
import type {TableControl} from './table-control.js'

/** The table of a registry in DynamoDB. */
export class TablePlace implements Place {
  readonly #control: TableControl

  constructor(control: TableControl) {
    this.#control = control
  }

  async look(): Promise<readonly Planned[]> {
    const control = this.#control
    const {name, index} = control
    const facts = await control.facts()
    if (!facts.known) return [settled(unchecked('table', facts.why))]
    const apply = control.apply.bind(control)
    if (facts.value) return planned(planTable({name, index}, facts.value), apply)
    const made = `${name}, paid by request, with the index ${index} by session`
    return [
      vital({check: 'table', state: 'missing', detail: `there is no table ${name}`}, made, async () =>
        control.create(),
      ),
      ...planned(planItems({name, index}, NEW_TABLE), apply),
    ]
  }
}
