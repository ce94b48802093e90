/**
 * The network between actors and one store. A write travels: it lands when the schedule says so, in any order; it can get lost,
 * land after its sender has given up, or land twice. Reads are mostly answered at once, and travel too now and then.
 */
export class Network {
    memory;
    #core;
    #rng;
    #flying = [];
    #answers = [];
    #twins = [];
    #timers = [];
    now = 1_700_000_000_000;
    quiet = false;
    log = [];
    constructor(core, rng) {
        this.#core = core;
        this.#rng = rng;
        this.memory = new core.MemoryObjectStore({ clock: { now: () => this.now } });
    }
    say(...words) {
        this.log.push(`${this.now - 1_700_000_000_000} ${words.join(' ')}`);
    }
    get busy() {
        return this.#flying.length + this.#answers.length > 0;
    }
    read(client, label, read) {
        if (this.quiet || this.#rng.chance(0.96))
            return client.dead ? never() : read();
        return this.#send(client, label, read);
    }
    write(client, label, land, twin) {
        return this.#send(client, label, async () => {
            const result = await land();
            if (twin && this.#rng.chance(0.25))
                this.#twins.push({ label, land: twin });
            return result;
        });
    }
    sleep(client, ms) {
        return new Promise((resolve) => this.#timers.push({ at: this.now + ms, client, wake: resolve }));
    }
    /** One request lands, or one answer arrives. */
    async step(inOrder = false) {
        if (this.#answers.length > 0 && (inOrder || this.#rng.chance(0.4))) {
            this.#answers.splice(inOrder ? 0 : this.#rng.int(0, this.#answers.length - 1), 1)[0]();
            return;
        }
        if (this.#flying.length === 0)
            return;
        const at = inOrder || this.#rng.chance(0.5) ? 0 : this.#rng.int(0, this.#flying.length - 1);
        const pending = this.#flying.splice(at, 1)[0];
        const [outcome] = await Promise.allSettled([pending.land()]);
        this.say('lands', pending.label, outcome.status === 'rejected' ? codeOf(outcome.reason) : 'ok');
        if (pending.abandoned || pending.client.dead)
            return;
        if (inOrder || this.#rng.chance(0.85))
            pending.answer(outcome);
        else
            this.#answers.push(() => pending.answer(outcome));
    }
    /** A request that was answered lands once more, much later. */
    async lateTwin() {
        if (this.#twins.length === 0)
            return;
        const twin = this.#twins.splice(this.#rng.int(0, this.#twins.length - 1), 1)[0];
        await twin.land().catch(() => undefined);
        this.say('a late twin lands:', twin.label);
    }
    /** The sender of a request gives up on it: it never lands, has landed, or will land one day. */
    async fail() {
        if (this.#flying.length === 0)
            return;
        const at = this.#rng.int(0, this.#flying.length - 1);
        const pending = this.#flying[at];
        const fate = this.#rng.pick(['lost', 'landed', 'late']);
        if (fate !== 'late')
            this.#flying.splice(at, 1);
        if (fate === 'landed')
            await pending.land().catch(() => undefined);
        this.say('a request fails', pending.label, fate);
        const abandoned = pending.abandoned;
        pending.abandoned = true;
        if (!abandoned && !pending.client.dead) {
            pending.answer({
                status: 'rejected',
                reason: this.#core.storeError('STORE_UNREACHABLE', `no answer to ${pending.label}`),
            });
        }
    }
    wakeSleepers() {
        const due = this.#timers.filter((timer) => timer.at <= this.now);
        this.#timers = this.#timers.filter((timer) => timer.at > this.now);
        for (const timer of due)
            if (!timer.client.dead)
                timer.wake();
    }
    get nextTimer() {
        return this.#timers
            .filter((timer) => !timer.client.dead)
            .map((timer) => timer.at)
            .toSorted((a, b) => a - b)[0];
    }
    /** Everything that was on its way is gone, and so is everyone who waited for it. */
    silence() {
        this.#flying = [];
        this.#answers = [];
        this.#twins = [];
        this.#timers = [];
    }
    #send(client, label, land) {
        if (client.dead)
            return never();
        return new Promise((resolve, reject) => {
            this.#flying.push({
                label,
                client,
                land,
                abandoned: false,
                answer: (outcome) => {
                    if (client.dead)
                        return;
                    if (outcome.status === 'fulfilled')
                        resolve(outcome.value);
                    else
                        reject(outcome.reason);
                },
            });
        });
    }
}
/** One process' way to the store. When it is dead, nothing is answered any more: that process has crashed. */
export class SimClient {
    url = 'memory:';
    traits = { sortedListing: true, directoryPrefixesOnly: false };
    name;
    #network;
    dead = false;
    constructor(name, network) {
        this.name = name;
        this.#network = network;
    }
    /** This process' clock, off from the store's by `skew` ms. */
    clock(skew) {
        return { now: () => this.#network.now + skew, sleep: (ms) => this.#network.sleep(this, ms) };
    }
    async *list(options) {
        yield* await this.#network.read(this, `${this.name} LIST ${options.prefix}`, async () => {
            const pages = [];
            for await (const page of this.#network.memory.list(options))
                pages.push(page);
            return pages;
        });
    }
    async head(key) {
        return this.#network.read(this, `${this.name} HEAD ${key}`, () => this.#network.memory.head(key));
    }
    async get(key, options) {
        return this.#network.read(this, `${this.name} GET ${key}`, () => this.#network.memory.get(key, options));
    }
    async put(key, body, options) {
        const bytes = await collect(body);
        const put = () => this.#network.memory.put(key, bytes, options);
        return this.#network.write(this, `${this.name} PUT ${key} ${options.mode.type}`, put, put);
    }
    async copy(source, target, options) {
        return this.#network.write(this, `${this.name} COPY ${source}`, () => this.#network.memory.copy(source, target, options));
    }
    async delete(keys) {
        const each = keys.map((key) => this.#network.write(this, `${this.name} DELETE ${key}`, () => this.#network.memory.delete([key])));
        const results = await Promise.all(each);
        return { failed: [], date: Math.max(0, ...results.map((result) => result.date)) };
    }
    async close() { }
}
async function collect(body) {
    if (body instanceof Uint8Array)
        return body;
    const chunks = [];
    for await (const chunk of body.open())
        chunks.push(chunk);
    return Buffer.concat(chunks);
}
function never() {
    return new Promise(() => undefined);
}
export function codeOf(error) {
    return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
}
