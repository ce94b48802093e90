import { test } from 'vitest';
import { core } from '../support/simulation/core.js';
import { MIXES } from '../support/simulation/mixes.js';
import { simulate } from '../support/simulation/simulate.js';
test('one', async () => {
    const o = await simulate(core, Number(process.env['SEED']), MIXES[Number(process.env['MIX'])]);
    console.log(o.log.join('\n').replaceAll(/-home-a\/1{8}-2222-4333-8444-5{12}\//g, '').replaceAll(/1{8}-2222-4333-8444-5{12}/g, 'S'));
    console.log(o.violation, o.step);
});
