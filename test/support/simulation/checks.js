import { countOf, decode, encode, isBookkeeping } from './lines.js';
import { PREFIX, REF, Violation } from './simulate.js';
/** The invariants, after every step, as a reader that sees this instant finds them. */
export async function checkWorld(world, actors) {
    const { core, ledger, network, oracle } = world;
    const stored = await contents(world, PREFIX);
    const lost = [...ledger.acked].filter((line) => !ledger.limbo.has(line) && !stored.has(line));
    if (lost.length > 0)
        throw new Violation(`C1 lost ${show(lost)}`);
    if ([...ledger.cut].some((line) => !stored.has(line))) {
        const late = await contents(world, '.reprise/late/');
        const gone = [...ledger.cut].filter((line) => !ledger.limbo.has(line) && !stored.has(line) && !late.has(line));
        if (gone.length > 0)
            throw new Violation(`C1 cut off by force and gone ${show(gone)}`);
    }
    const view = await core.viewTranscript(oracle, REF);
    const delivered = await deliveredLines(world, view);
    ledger.chains.set(view.resolution.digest, await pathLines(world, view));
    const counts = countOf(delivered);
    const skipped = [...ledger.acked].filter((line) => !ledger.limbo.has(line) && !counts.has(line));
    if (skipped.length > 0)
        throw new Violation(`C2 reader skips ${show(skipped)}`);
    const twice = [...counts].filter(([line, count]) => count > (isBookkeeping(line) ? (ledger.written.get(line) ?? 0) : 1));
    const bookkeepingMayReturn = ledger.metadataLost;
    const wrong = twice.filter(([line]) => !(bookkeepingMayReturn && isBookkeeping(line))).map(([line]) => line);
    if (wrong.length > 0)
        throw new Violation(`C2 reader yields twice ${show(wrong)}`);
    if (ledger.newest && !ledger.metadataLost) {
        const { epoch, run } = ledger.newest;
        const late = delivered.filter((line) => {
            const origin = ledger.origin.get(line);
            return !isBookkeeping(line) && origin !== undefined && origin !== null && origin < epoch && !run.has(line);
        });
        if (late.length > 0)
            throw new Violation(`delivers lines of a fenced writer ${show(late)}`);
    }
    if (view.resolution.fenced.length > 0)
        world.count('fenced');
    if (view.resolution.forks.length > 0)
        world.count('forks');
    if (view.resolution.loose.length > 0)
        world.count('loose');
    await checkListings(world, view, delivered, actors);
    void network;
}
/** P3: what one listing says of a local file is true. */
async function checkListings({ core }, { listing }, delivered, actors) {
    const ends = core.listedEnds(listing.parts);
    for (const actor of actors) {
        const local = actor.believed;
        if (!local || local.length === 0)
            continue;
        const whole = encode(local);
        const bytes = {
            length: whole.length,
            async *read(start, end) {
                yield whole.subarray(start, end);
            },
        };
        const measured = await core.measure(bytes, ends.filter((end) => end <= whole.length));
        if (core.listedPrefix(listing.parts, measured) !== whole.length)
            continue;
        if (delivered.join('') !== local.join('')) {
            throw new Violation(`P3 false "stored": local ${show(local)} delivered ${show(delivered)}`);
        }
    }
}
export async function deliveredLines(world, { delivery }, client) {
    const parts = client ? new world.core.Parts(client) : world.oracle;
    return read(world.core.deliveredBytes(delivery, parts));
}
async function pathLines({ oracle }, { resolution }) {
    const chunks = [];
    for (const { part, start, end } of resolution.slices) {
        for await (const chunk of oracle.read(part, start - part.range.from, end - part.range.from))
            chunks.push(chunk);
    }
    return decode(Buffer.concat(chunks));
}
async function read(bytes) {
    const chunks = [];
    for await (const chunk of bytes.read(0, bytes.length))
        chunks.push(chunk);
    return decode(Buffer.concat(chunks));
}
async function contents({ network: { memory } }, prefix) {
    const lines = new Set();
    for await (const page of memory.list({ prefix })) {
        for (const { key } of page.objects) {
            const { body } = await memory.get(key);
            for await (const chunk of body)
                for (const line of decode(chunk))
                    lines.add(line);
        }
    }
    return lines;
}
function show(lines) {
    return `[${lines.map((line) => line.trim().replace(/^.*"(u\d+)".*$/, '$1')).join(' ')}]`;
}
