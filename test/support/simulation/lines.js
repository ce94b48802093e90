export class LineMaker {
    #next = 0;
    #last = '';
    fresh(bookkeeping) {
        this.#next++;
        this.#last = bookkeeping ? `{"type":"mode","v":${this.#next % 3}}\n` : `{"uuid":"u${this.#next}"}\n`;
        return this.#last;
    }
}
export function isBookkeeping(line) {
    return !line.includes('"uuid"');
}
export function encode(lines) {
    return Buffer.from(lines.join(''));
}
export function decode(bytes) {
    return Buffer.from(bytes)
        .toString()
        .split(/(?<=\n)/)
        .filter((line) => line !== '');
}
/** Whether `wanted` stands in `all`, in order, other lines between. */
export function isSubsequence(wanted, all) {
    let at = 0;
    for (const line of all)
        if (line === wanted[at])
            at++;
    return at === wanted.length;
}
export function countOf(lines) {
    const counts = new Map();
    for (const line of lines)
        counts.set(line, (counts.get(line) ?? 0) + 1);
    return counts;
}
