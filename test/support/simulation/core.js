import * as errors from '../../../src/base/errors.js';
import * as storeErrors from '../../../src/object-store/errors.js';
import * as memory from '../../../src/object-store/memory.js';
import * as lease from '../../../src/registry/store-lease.js';
import * as bytes from '../../../src/store/bytes.js';
import * as leased from '../../../src/store/leased-transcript.js';
import * as listed from '../../../src/store/listed-prefix.js';
import * as parts from '../../../src/store/parts.js';
import * as unleased from '../../../src/store/unleased.js';
import * as view from '../../../src/store/view.js';
import * as write from '../../../src/store/write-part.js';
import * as identity from '../../../src/transcript/entry-identity.js';
/** The code under attack. A second copy of it, with one rule taken out, is loaded from a changed build. */
export const core = {
    ...errors,
    ...storeErrors,
    ...memory,
    ...lease,
    ...bytes,
    ...leased,
    ...listed,
    ...parts,
    ...unleased,
    ...view,
    ...write,
    ...identity,
};
const MODULES = [
    'base/errors',
    'object-store/errors',
    'object-store/memory',
    'registry/store-lease',
    'store/bytes',
    'store/leased-transcript',
    'store/listed-prefix',
    'store/parts',
    'store/unleased',
    'store/view',
    'store/write-part',
    'transcript/entry-identity',
];
/** @param root a directory with the built modules, `file:` URL with a trailing slash. */
export async function loadCore(root) {
    const loaded = [];
    for (const module of MODULES)
        loaded.push((await import(/* @vite-ignore */ `${root}${module}.js`)));
    return Object.assign({}, ...loaded);
}
