import { expect, test } from 'vitest';
import { campaign } from '../support/simulation/campaign.js';
import { core } from '../support/simulation/core.js';
import { MIXES } from '../support/simulation/mixes.js';
const mixes = process.env['MIX'] ? [MIXES[Number(process.env['MIX'])]] : MIXES;
test.each(mixes)('sim %j', async (options) => {
    const t = Date.now();
    const result = await campaign(core, Number(process.env['RUNS'] ?? 50), Number(process.env['SEED'] ?? 0), options);
    console.log(Date.now() - t, JSON.stringify(result.stats));
    console.log(result.violations.map((v) => `${v.seed} @${v.step}: ${v.text}`).join('\n'));
    expect(result.violations).toEqual([]);
}, 600_000);
