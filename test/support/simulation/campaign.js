import { simulate } from './simulate.js';
/** Plays `runs` schedules, one seed each from `first` on. */
export async function campaign(core, runs, first, options = {}, stopAtFirst = false) {
    const stats = {};
    const found = new Map();
    let played = 0;
    for (let seed = first; seed < first + runs; seed++) {
        const outcome = await simulate(core, seed, options);
        played++;
        for (const [what, count] of Object.entries(outcome.stats))
            stats[what] = (stats[what] ?? 0) + count;
        if (outcome.violation === undefined)
            continue;
        const kind = outcome.violation.split('[')[0].split('{')[0].trim();
        const known = found.get(kind);
        if (!known || outcome.step < known.step)
            found.set(kind, { kind, seed, step: outcome.step, text: outcome.violation });
        if (stopAtFirst)
            break;
    }
    return { runs: played, stats, violations: [...found.values()] };
}
