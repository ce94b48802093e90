import { encode, isBookkeeping } from './lines.js';
import { codeOf } from './network.js';
import { digestOf, REF, Violation } from './simulate.js';
import { deliveredLines } from './checks.js';
/** Rejections that a caller expects: it starts over, or goes on. */
const EXPECTED = new Set([
    'STORE_UNREACHABLE',
    'LEASE_HELD',
    'LEASE_LOST',
    'LEASE_CONTENDED',
    'OBJECT_NOT_FOUND',
    'OBJECT_CHANGED',
    'TRANSCRIPT_BUSY',
]);
export class Actor {
    busy = false;
    broken;
    client;
    world;
    name;
    #index;
    constructor(world, name, index) {
        this.world = world;
        this.#index = index;
        this.name = `${name}${index}`;
        this.client = world.client(this.name);
    }
    crash() {
        this.world.network.say(this.name, 'crashes');
        this.client.dead = true;
        this.client = this.world.client(this.name);
        this.busy = false;
        this.reset();
    }
    context() {
        const { world, client } = this;
        const skew = this.#index % 2 === 1 ? -world.rng.int(0, 80_000) : 0;
        return { parts: new world.core.Parts(client), clock: client.clock(skew), random: world.random, machine: this.name };
    }
    /** Runs an operation; what it waits for is decided by the schedule. */
    start(work) {
        const { client } = this;
        const still = () => this.client === client;
        this.busy = true;
        const done = () => {
            if (still())
                this.busy = false;
        };
        work(still).then(done, (error) => {
            if (!still())
                return;
            this.busy = false;
            if (error instanceof Violation)
                this.broken = error.message;
            else if (EXPECTED.has(codeOf(error)))
                this.failed(codeOf(error));
            else
                this.broken = `${this.name} fails: ${codeOf(error)} ${error instanceof Error ? (error.stack ?? '') : ''}`;
        });
    }
    failed(code) {
        this.world.network.say(this.name, 'meets', code);
        this.reset();
    }
}
/** Holds the lease: appends, rebases, reports, sweeps, releases. */
export class Holder extends Actor {
    #held;
    #options;
    constructor(world, index, options) {
        super(world, 'H', index);
        this.#options = options;
    }
    get ready() {
        return this.#held !== undefined;
    }
    get believed() {
        return this.#run();
    }
    act() {
        const { rng } = this.world;
        const held = this.#held;
        if (!held) {
            this.takeOver();
            return;
        }
        const dice = rng.next();
        if (dice < 0.12)
            this.start(() => held.lease.renew());
        else if (dice < 0.2)
            this.#report(held);
        else if (dice < 0.28)
            this.#release(held);
        else if (dice < 0.38 && this.#options.replace !== false)
            this.#replace(held);
        else if (dice < 0.46 && this.#options.sweep !== false)
            this.#sweep(held);
        else if (dice < 0.5)
            this.start(() => held.transcript.tidy(this.world.network.now));
        else
            this.#append(held);
    }
    takeOver() {
        const { world } = this;
        const { core, rng, network } = world;
        this.start(async (still) => {
            const context = this.context();
            const pid = world.id();
            const owner = { machine: this.name, boot: 'b', pidNamespace: 'n', pid, start: 's' };
            const found = await core.readLease(this.client, REF.sessionId);
            const free = !found || found.record.released || found.record.expiry <= found.date;
            const force = !free && rng.chance(this.#options.force ?? 0.1);
            if (!free && !force)
                return;
            if (force && found)
                world.forced.add(found.record.owner.pid);
            const lease = await core.StoreLease.acquire({ ...context, store: this.client, owner }, REF.sessionId, { force });
            network.say(this.name, 'takes the lease, epoch', lease.epoch, 'cut off', lease.cutOff);
            const transcript = new core.LeasedTranscript(context, lease, REF, { grace: 0 });
            if (!still())
                return;
            this.#held = { lease, transcript, pid, known: new Set() };
            await transcript.settle();
            if (!still())
                return;
            this.#knows();
            network.say(this.name, 'is ready at', transcript.end.length, 'epoch', lease.epoch);
        });
    }
    #append({ transcript, lease }) {
        const { world } = this;
        const { rng, ledger, lines, network } = world;
        this.start(async (still) => {
            if (!this.#run())
                await transcript.settle();
            const run = this.#run();
            if (!run)
                return;
            const added = Array.from({ length: rng.int(1, 2) }, () => lines.fresh(rng.chance(0.25)));
            const all = [...run, ...added];
            const whole = encode(all);
            const body = encode(added);
            ledger.wrote(added, lease.epoch);
            ledger.chains.set(digestOf(whole), all);
            network.say(this.name, 'appends', added.join('').trim());
            await transcript.append({ to: whole.length, after: digestOf(whole), entries: added.length, body });
            if (still())
                await this.#acknowledge(added);
        });
    }
    #report({ transcript }) {
        this.start(async (still) => {
            await transcript.assure();
            const run = this.#run();
            if (still() && run)
                await this.#acknowledge(run, false);
        });
    }
    #release({ lease, transcript }) {
        this.start(async (still) => {
            await transcript.tidy(this.world.network.now);
            await lease.release();
            this.world.network.say(this.name, 'releases');
            if (still())
                this.#held = undefined;
        });
    }
    #sweep({ transcript }) {
        this.start(async () => {
            const swept = await transcript.sweep();
            if (swept > 0)
                this.world.count('swept');
        });
    }
    /** The local file lost a line, and may have got another: the stored transcript follows it. */
    #replace({ transcript, lease, pid, known }) {
        const { world } = this;
        const { rng, ledger, lines, network, core } = world;
        this.start(async (still) => {
            await transcript.assure();
            const run = this.#run();
            if (!run || run.length < 2)
                return;
            const dropped = rng.int(0, run.length - 1);
            const drop = run[dropped];
            let next = run.filter((_, index) => index !== dropped);
            if (rng.chance(0.5)) {
                const at = rng.int(0, dropped);
                const fresh = lines.fresh(false);
                next = [...next.slice(0, at), fresh, ...next.slice(at)];
                ledger.wrote([fresh], lease.epoch);
            }
            for (const line of run)
                known.add(identityOf(core, line));
            for (const line of next)
                known.add(identityOf(core, line));
            ledger.limbo.add(drop);
            const whole = encode(next);
            ledger.chains.set(digestOf(whole), next);
            network.say(this.name, 'drops', drop.trim(), 'leaving', next.join('').replaceAll('\n', ' '));
            const target = {
                length: whole.length,
                async *read(start, end) {
                    yield whole.subarray(start, end);
                },
            };
            await transcript.rebase(target, { held: (identity) => known.has(identity) });
            if (!still())
                return;
            world.count('replaces');
            await this.#acknowledge(next);
            await this.#droppedIsGone(drop, pid);
        });
    }
    async #droppedIsGone(drop, pid) {
        const { world } = this;
        if (isBookkeeping(drop) || world.ledger.metadataLost)
            return;
        const record = await world.core.readLease(world.network.memory, REF.sessionId);
        if (record?.record.owner.pid !== pid)
            return;
        const view = await world.core.viewTranscript(world.oracle, REF);
        if (!(await deliveredLines(world, view)).includes(drop))
            return;
        if (world.ledger.origin.get(drop) === null)
            return;
        throw new Violation(`a replace left the line it dropped ${drop.trim()}`);
    }
    /** @param wrote the lines were written now: from here on no older epoch may get a word in between. */
    async #acknowledge(lines, wrote = true) {
        const { world } = this;
        const { ledger } = world;
        const held = this.#held;
        if (!held)
            return;
        const record = await world.core.readLease(world.network.memory, REF.sessionId);
        const current = record?.record.owner.pid === held.pid;
        const into = !current && world.forced.has(held.pid) ? ledger.cut : ledger.acked;
        for (const line of lines)
            if (!ledger.acked.has(line))
                into.add(line);
        this.#knows();
        const run = this.#run();
        if (wrote && current && run && lines.length > 0)
            ledger.newest = { epoch: held.lease.epoch, run: new Set(run) };
        world.count('acknowledged');
    }
    #run() {
        try {
            const end = this.#held?.transcript.end;
            return end && this.world.ledger.chains.get(end.digest);
        }
        catch {
            return undefined;
        }
    }
    #knows() {
        for (const line of this.#run() ?? [])
            this.#held?.known.add(identityOf(this.world.core, line));
    }
    reset() {
        this.#held = undefined;
    }
    failed(code) {
        this.world.network.say(this.name, 'meets', code);
        if (code !== 'STORE_UNREACHABLE' || this.world.rng.chance(0.2))
            this.reset();
    }
}
/** `push` without a lease: looks whether someone holds it, then extends the chain. */
export class Pusher extends Actor {
    #local = [];
    constructor(world, index) {
        super(world, 'U', index);
    }
    get believed() {
        return this.#local;
    }
    act() {
        const { rng, lines } = this.world;
        const dice = rng.next();
        if (dice < 0.3)
            this.#pull();
        else if (dice < 0.6)
            this.#local.push(lines.fresh(rng.chance(0.25)));
        else
            this.#push();
    }
    #pull() {
        this.start(async (still) => {
            const { core } = this.world;
            const view = await core.viewTranscript(this.context().parts, REF);
            const lines = await deliveredLines(this.world, view, this.client);
            if (still())
                this.#local = lines;
        });
    }
    #push() {
        const { world } = this;
        const { core, ledger, network } = world;
        this.start(async (still) => {
            const context = this.context();
            const view = await core.viewTranscript(context.parts, REF);
            const point = core.appendPoint(view);
            const local = this.#local;
            const whole = encode(local);
            if (!point || whole.length <= point.length || digestOf(whole.subarray(0, point.length)) !== point.digest)
                return;
            const body = whole.subarray(point.length);
            const record = await core.readLease(this.client, REF.sessionId);
            if (record && !record.record.released && record.record.expiry > record.date)
                return;
            const stamp = record ? point : { ...point, epoch: 0, gen: 0 };
            const added = Buffer.from(body)
                .toString()
                .split(/(?<=\n)/);
            ledger.wrote(added, null);
            ledger.chains.set(digestOf(whole), [...local]);
            network.say(this.name, 'pushes', added.join('').replaceAll('\n', ' '));
            await core.appendUnleased(context, REF, stamp, {
                to: whole.length,
                after: digestOf(whole),
                entries: added.length,
                body,
            });
            world.count('pushes');
            if (still())
                for (const line of added)
                    ledger.acked.add(line);
        });
    }
    reset() { }
}
/** An SDK adapter without a lease: loads, then appends without looking again. */
export class Adapter extends Actor {
    #state;
    constructor(world, index) {
        super(world, 'A', index);
    }
    get believed() {
        return undefined;
    }
    act() {
        const { rng } = this.world;
        if (!this.#state) {
            if (rng.chance(0.3))
                this.#load();
        }
        else if (rng.chance(0.1))
            this.#state = undefined;
        else
            this.#append(this.#state);
    }
    #load() {
        this.start(async (still) => {
            const { core } = this.world;
            const context = this.context();
            const view = await core.viewTranscript(context.parts, REF);
            const run = await deliveredLines(this.world, view, this.client);
            if (still())
                this.#state = { context, run, point: core.appendPoint(view), lastMs: core.lastMs(view.listing) };
        });
    }
    #append(state) {
        const { world } = this;
        const { core, ledger, lines, rng, network } = world;
        this.start(async (still) => {
            const line = lines.fresh(rng.chance(0.25));
            ledger.wrote([line], null);
            network.say(this.name, 'appends', line.trim());
            if (state.point) {
                const run = [...state.run, line];
                const whole = encode(run);
                ledger.chains.set(digestOf(whole), run);
                const tail = { to: whole.length, after: digestOf(whole), entries: 1, body: encode([line]) };
                const written = await core.appendUnleased(state.context, REF, state.point, tail);
                if (still())
                    this.#state = { ...state, run, point: core.pointAfter(written) };
            }
            else {
                const written = await core.writeLoose(state.context, REF, encode([line]), state.lastMs);
                if (still())
                    this.#state = { ...state, lastMs: written.ms };
            }
            world.count('adapter appends');
            if (still())
                ledger.acked.add(line);
        });
    }
    reset() {
        this.#state = undefined;
    }
}
function identityOf(core, line) {
    return core.entryIdentity(Buffer.from(line)).key;
}
