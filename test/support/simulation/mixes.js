/** Who takes part, and how rough it gets: each mix reaches other corners. */
export const MIXES = [
    { steps: 160 },
    { steps: 200, adapters: 0, foreign: false, pushers: 1 },
    { steps: 200, adapters: 1, force: 0 },
    { steps: 200, adapters: 0, foreign: false, pushers: 0, replace: false, force: 0.4, pace: 24, holders: 4 },
    { steps: 200, adapters: 0, foreign: false, pushers: 1, force: 0.4, pace: 24 },
    { steps: 240, adapters: 1, pushers: 1, force: 0.4, pace: 24, holders: 4 },
    { steps: 300, adapters: 0, foreign: false, pushers: 0, replace: false, force: 0.3, pace: 18, holders: 4 },
    { steps: 200, adapters: 1, pushers: 1, loseMetadata: true },
    { steps: 240, adapters: 0, foreign: false, pushers: 1, loseLeaseRecord: true, force: 0.2 },
];
